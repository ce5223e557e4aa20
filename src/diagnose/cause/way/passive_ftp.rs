//! What mends the form of `control-channel-address` in which an FTP server names an endpoint for data.

use crate::diagnose::facts::way::named_endpoints::Named;
use crate::diagnose::words::name;
use crate::diagnose::{Facts, Finding, Subject};
use crate::topology::{Mode, Service};

/// The port of FTP control connections (IANA).
const FTP: u16 = 21;

pub(super) fn advise(
    finding: &mut Finding,
    facts: &Facts,
    s: &Service,
    first: &Named,
    subject: &Subject,
) {
    let (vip, who) = (s.vip, name(subject));
    finding.confirm(
        "a client",
        format!("curl -v --disable-epsv --ftp-skip-pasv-ip ftp://{}/", vip.with_port(s.port)),
        "it dials the balancer's address whatever is named: where it works, only the named address is wrong; where it hangs, the ports for data are not served",
    );
    if s.mode == Mode::Nat {
        let ports = if s.port == FTP { String::new() } else { format!(" ports={}", s.port) };
        finding.fix(
            crate::diagnose::Names(facts).director(s),
            format!("lsmod | grep -w ip_vs_ftp\nmodprobe ip_vs_ftp{ports}   # if it is IPVS; translates what is named, and lets the data connection in"),
            "modprobe -r ip_vs_ftp   # if the first line printed nothing",
        );
    }
    if first.ip == Some(vip) {
        finding.fix_disruptive(
            format!("the balancer of {vip}"),
            "# the ports that the server names become part of the service, all to the server that has the control connection: in IPVS a firewall mark for both with persistence ('ipvsadm -A -f MARK -s wlc -p'), in a proxy a listener for the range with sticky sources; the server names few: 'pasv_min_port=50000', 'pasv_max_port=50099' (vsftpd), 'PassivePorts 50000 50099' (ProFTPD)",
            "Take the ports out of the service again.",
        );
        return;
    }
    let where_ = if subject.address == Some(vip) { "behind " } else { "" };
    let server = crate::diagnose::Fix::disruptive(
        format!("the FTP server {where_}{who}"),
        format!(
            "# name the balancer's address and few ports: 'pasv_address={vip}', 'pasv_min_port=50000', 'pasv_max_port=50099' (vsftpd), 'MasqueradeAddress {vip}', 'PassivePorts 50000 50099' (ProFTPD); the same ports, to the same real server, become part of the service"
        ),
        "Take the lines out again and restart the server.",
    );
    finding.fixes.push(if finding.fixes.is_empty() { server } else { server.or() });
}
