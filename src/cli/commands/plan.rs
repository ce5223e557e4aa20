//! `lbdiag plan`: which captures to take, where, of what, before there is any.

use crate::cli::options::role;
use crate::cli::output::Target;
use clap::{ColorChoice, ValueEnum};
use lbdiag::plan::{Known, Plan, Station};
use lbdiag::render::{self, Style};
use lbdiag::topology::Mode;
use lbdiag::wire::Ip;
use std::process::ExitCode;

/// Say which captures to take on which host, as text or as a script that takes them
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address of the service
    #[arg(long, value_name = "IP", value_parser = role::vip, help_heading = SERVICE)]
    vip: Ip,

    /// Port of the service
    #[arg(long, value_name = "N", value_parser = port(), help_heading = SERVICE)]
    port: u16,

    /// How packets reach the real servers
    #[arg(long, value_name = "nat|dr|tun|fullnat|proxy|unknown", value_enum)]
    #[arg(default_value_t = Forwarding::Unknown, hide_possible_values = true, hide_default_value = true)]
    #[arg(help_heading = SERVICE)]
    mode: Forwarding,

    /// Port of the real servers, where it is another
    #[arg(long, value_name = "N", value_parser = port(), help_heading = SERVICE)]
    server_port: Option<u16>,

    /// The service is UDP
    #[arg(long, help_heading = SERVICE)]
    udp: bool,

    /// A director
    #[arg(long, value_name = "[NAME=]IP", value_parser = station, help_heading = HOSTS)]
    director: Vec<Station>,

    /// A real server
    #[arg(long, value_name = "[NAME=]IP", value_parser = station, help_heading = HOSTS)]
    real_server: Vec<Station>,

    /// A client
    #[arg(long, value_name = "[NAME=]IP", value_parser = station, help_heading = HOSTS)]
    client: Vec<Station>,

    /// How to write it [default: as FILE ends, else text]
    #[arg(long, value_name = "text|script|json", value_enum)]
    #[arg(hide_possible_values = true, help_heading = "Report")]
    format: Option<Format>,

    /// How long the script captures
    #[arg(long, value_name = "N", default_value_t = 60, help_heading = "Report")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,

    #[command(flatten)]
    into: Target,

    /// When to use colour
    #[arg(long, value_name = "auto|always|never", default_value_t = ColorChoice::Auto)]
    #[arg(hide_possible_values = true, help_heading = "Report")]
    color: ColorChoice,
}

const SERVICE: &str = "The service";
const HOSTS: &str = "Its hosts; NAME is where ssh goes (each may be repeated)";

/// What stands below the options.
pub(crate) const AFTER: &str = "\
Examples:
  lbdiag plan --vip 203.0.113.8 --port 80 --mode dr --director 10.0.0.5 --real-server 10.0.0.11
  lbdiag plan --vip 203.0.113.8 --port 80 --mode nat --director root@lb1=10.0.0.5 \\
      --real-server web1=10.0.0.11 --real-server web2=10.0.0.12 --format script -o take.sh
  sh take.sh 30 && lbdiag captures-*/";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Script,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Forwarding {
    Nat,
    Dr,
    Tun,
    Fullnat,
    Proxy,
    Unknown,
}

impl From<Forwarding> for Mode {
    fn from(mode: Forwarding) -> Self {
        match mode {
            Forwarding::Nat => Self::Nat,
            Forwarding::Dr => Self::Dr,
            Forwarding::Tun => Self::Tun,
            Forwarding::Fullnat => Self::FullNat,
            Forwarding::Proxy => Self::Proxy,
            Forwarding::Unknown => Self::Unknown,
        }
    }
}

fn port() -> clap::builder::RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1..)
}

/// `10.0.0.11`, `web1=10.0.0.11`, `root@web1=10.0.0.11`.
fn station(text: &str) -> Result<Station, String> {
    let Some((name, address)) = text.split_once('=') else {
        return Ok(Station { name: None, address: role::host(text)? });
    };
    // It becomes a word of a command and a file's name.
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
    // User and host begin with a letter or digit, so that neither is an option.
    let begins = |part: &str| part.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !name.chars().all(plain) || !name.split('@').all(begins) {
        return Err(
            "a name is what ssh is given: letters, digits, '.', '_', '-' and '@'".to_owned()
        );
    }
    Ok(Station { name: Some(name.to_owned()), address: role::host(address)? })
}

/// Writes the plan.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let output = args.into.open()?;
    let format = args.into.format(args.format);
    let plan = Plan::of(&Known {
        vip: args.vip,
        port: args.port,
        server_port: args.server_port,
        udp: args.udp,
        mode: args.mode.into(),
        directors: args.director.clone(),
        real_servers: args.real_server.clone(),
        clients: args.client.clone(),
    });
    let style = Style {
        colour: format == Format::Text && output.colour(args.color),
        width: output.width(),
        ..Style::default()
    };
    let text = match format {
        Format::Text => render::plan(&plan, &style),
        Format::Script => render::script(&plan, args.seconds),
        Format::Json => render::json(&plan),
    };
    output.write(&text, style.colour)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_named_by_what_ssh_takes() {
        let named = station("root@web-1.example=10.0.0.11").unwrap();
        assert_eq!(named.name.as_deref(), Some("root@web-1.example"));
        assert_eq!(station("10.0.0.11").unwrap().name, None);
        for wrong in [
            "-oProxyCommand=10.0.0.1",
            "a b=10.0.0.1",
            "$(x)=10.0.0.1",
            "=10.0.0.1",
            "a@=10.0.0.1",
            "root@-oProxyCommand=10.0.0.1",
            "-l=10.0.0.1",
            "a@@b=10.0.0.1",
        ] {
            assert!(station(wrong).unwrap_err().contains("ssh"), "{wrong}");
        }
        assert!(station("web=10.0.0.0/24").unwrap_err().contains("network"));
    }
}
