//! The help texts that are not one option's.

/// How the program is called.
pub(super) const USAGE: &str =
    "lbdiag [OPTIONS] [NAME=]CAPTURE...\n       lbdiag <COMMAND> [OPTIONS] ...";

/// What a call without arguments shows.
pub(super) const SHORT: &str = "\
Name what is broken around a load balancer, from packet captures.

Usage: lbdiag [OPTIONS] [NAME=]CAPTURE...

Take a capture on each host while the trouble shows:
  tcpdump -i any -s 128 -w $(hostname).pcap 'host VIP or host RIP or arp'

and give all of them:
  lbdiag client.pcap director.pcap rs1.pcap

All options and commands: lbdiag --help";

/// What stands below the options.
pub(super) const AFTER: &str = "\
Examples:
  lbdiag captures/                        all captures in a folder
  lbdiag client.pcap lb=eth0.pcap *.gz    labels, patterns, gzip and zstd
  ssh lb 'tcpdump -i any -s 128 -U -w - host VIP' | lbdiag -
  lbdiag --vip 203.0.113.8 --director 10.0.0.2 *.pcap
  lbdiag --json -o report.json captures/  the whole report, for programs
  lbdiag --fail-on critical captures/     exit code 1 where connections fail
  lbdiag explain dr-arp-problem           what a finding means

Take a capture on each host while the trouble shows, all at the same time:
  tcpdump -i any -s 128 -w $(hostname).pcap 'host VIP or host RIP or arp'

Exit codes: 0 analysed; 1 a finding at or above --fail-on; 2 it could not do what was asked.
A file that is named like a command is opened with its folder: lbdiag ./explain";

/// What to do about a file name that is no text.
pub(super) const NOT_UTF8: &str =
    "\n  tip: a file name is not UTF-8; name the folder that the file is in, or rename the file";
