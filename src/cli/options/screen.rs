//! What is shown on the terminal, and how.

use crate::cli::say::Say;
use clap::ColorChoice;
use std::io::{self, IsTerminal};

/// Colour, and what is said besides the result.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Screen {
    /// When to use colour
    #[arg(long, value_name = "auto|always|never", default_value_t = ColorChoice::Auto)]
    #[arg(hide_possible_values = true, help_heading = "Report")]
    pub(crate) color: ColorChoice,

    /// Show no progress and no notes on stderr
    #[arg(short, long, help_heading = "Report")]
    pub(crate) quiet: bool,
}

impl Screen {
    /// The voice on stderr.
    pub(crate) fn say(self) -> Say {
        Say::new(self.color, self.quiet)
    }

    /// Whether somebody sees how far the work is.
    pub(crate) fn shows_progress(self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }
}
