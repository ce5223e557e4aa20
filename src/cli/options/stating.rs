//! What the user and the hosts say beside the packets: roles, outputs of commands, and whether clocks are set
//! right. The same options for every command that judges.

use super::role;
use clap::Args;
use lbdiag::state::{self, HostState, StateError, States};
use lbdiag::topology::{StatedRoles, Who};
use lbdiag::wire::Ip;
use std::path::PathBuf;

/// Roles that the user knows better, but for services; what hosts say; clocks.
#[derive(Debug, Default, Args)]
pub(crate) struct Stating {
    /// A director
    #[arg(long, value_name = "IP|MAC", value_parser = role::who)]
    #[arg(help_heading = STATED)]
    director: Vec<Who>,

    /// A real server
    #[arg(long, value_name = "IP|MAC", value_parser = role::who)]
    #[arg(help_heading = STATED)]
    real_server: Vec<Who>,

    /// A client
    #[arg(long, value_name = "IP|MAC", value_parser = role::who)]
    #[arg(help_heading = STATED)]
    client: Vec<Who>,

    /// Output of ipvsadm, ip, ss, nft, iptables, conntrack, sysctl, nstat, ...: a file, or a folder of hosts
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    #[arg(help_heading = "What hosts say of themselves (may be repeated)")]
    host_state: Vec<PathBuf>,

    /// Show times as the captures have them
    #[arg(long, help_heading = "Report")]
    no_clock_align: bool,
}

/// Over the options that state a role.
pub(crate) const STATED: &str = "Roles that you know better (each may be repeated)";

impl Stating {
    /// Reads what hosts say of themselves.
    pub(crate) fn states(&self) -> Result<States, StateError> {
        state::read(&self.host_state)
    }

    /// The stated roles with those of services, and what hosts say to have tied.
    pub(crate) fn roles(&self, vips: &[Ip], states: &[HostState]) -> StatedRoles {
        StatedRoles {
            vips: vips.to_vec(),
            directors: self.director.clone(),
            real_servers: self.real_server.clone(),
            clients: self.client.clone(),
            translated: state::translated(states),
            proxied: state::proxied(states),
            carried: state::carried(states),
        }
    }

    /// Whether clocks are set right by each other.
    pub(crate) fn aligns(&self) -> bool {
        !self.no_clock_align
    }
}
