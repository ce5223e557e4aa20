//! `lbdiag tui`: everything on a terminal, to move in while the incident lasts.

use crate::cli::FAILED;
use crate::cli::find::with_hint;
use crate::cli::memory;
use crate::cli::options::reading::Reading;
use crate::cli::terminal;
use anyhow::{Context, anyhow, bail};
use lbdiag::redact;
use lbdiag::tui::{self, Config, Ended, Source, Theme};
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Look around in the captures on the terminal: findings, timeline, connections, ladders
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Keys and colours (without it: lbdiag/tui.toml in the configuration folder)
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    #[arg(help_heading = "Report")]
    config: Option<PathBuf>,

    #[command(flatten)]
    reading: Reading,
}

/// What stands below the options.
pub(crate) const AFTER: &str = "\
Keys: Tab or 1 to 6 change the pane, arrows or hjkl move, Enter opens, Esc goes back,
/ filters, n goes to the next finding, ? shows all keys, q quits. The mouse works too.

Examples:
  lbdiag tui captures/
  lbdiag tui client.pcap lb=eth0.pcap
  ssh director tcpdump -i any -s 128 -U -w - port 80 | lbdiag tui director=-";

/// Reads and shows.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let reading = &args.reading;
    if !io::stdout().is_terminal() {
        let named = reading.named();
        bail!("the terminal UI needs a terminal; for text: lbdiag {named}");
    }
    let (mask, map_file) = reading.mask()?;
    let mut config = Config::load(args.config.as_deref()).map_err(|why| anyhow!(why))?;
    if !terminal::colour(reading.screen.color, true) {
        config.theme = Theme::mono();
    }
    let job = reading.prepare()?;
    if job.waits_for_paste() {
        bail!(
            "standard input is the terminal; send a capture into it: tcpdump -w - | lbdiag tui -"
        );
    }
    let (labels, over) = (job.labels(), Arc::clone(&mask));
    let unnamed: Vec<String> = job.unnamed.iter().map(with_hint).collect();
    let source = Source {
        total: job.total(),
        name: reading.named(),
        config,
        read: Box::new(move |counter| {
            let (taken, failures) = job.run(counter);
            let failed = unnamed.into_iter().chain(failures.iter().map(ToString::to_string));
            match taken {
                Ok(Some((mut trace, notes))) => {
                    over.trace(&mut trace, &labels);
                    let notes = if over.is_on() { redact::without_names(notes) } else { notes };
                    Ok(tui::Taken { trace, notes, mask: over })
                }
                Ok(None) => Err(failed.collect::<Vec<_>>().join("; ")),
                Err(error) => Err(format!("{error:#}")),
            }
        }),
    };
    memory::watch(reading.say(), tui::give_back);
    match tui::run(source).context("the terminal cannot be used")? {
        Ended::Quit => {
            map_file.keep(mask.kept())?;
            Ok(ExitCode::SUCCESS)
        }
        Ended::Unread(why) if why.is_empty() => bail!("nothing could be read"),
        Ended::Unread(why) => bail!(why),
        // The hook has said why.
        Ended::Died => Ok(ExitCode::from(FAILED)),
    }
}
