//! Situations from the field, each with its healthy twin: what is broken is named and
//! nothing else is, what only looks like it is not accused, also where each capture is all
//! that there is, and as `-i any` would have it.

use crate::stage::Stage;
use crate::support::cooked::{Any, cooked};
use crate::support::run::run_paths;
use crate::{
    cloud_checks, clusters, control, firewalled, one_sided, pods, pools, tls, two_interfaces,
    unfinished,
};
use lbdiag::report::{Confidence, Finding, Kind, Report};
use std::path::PathBuf;

struct Situation {
    name: &'static str,
    broken: fn() -> Stage,
    /// The finding that names it.
    told: &'static str,
    /// What comes close and is well.
    healthy: fn() -> Stage,
}

const SITUATIONS: &[Situation] = &[
    Situation {
        name: "a node has a balancer's address for one port",
        broken: clusters::address_for_one_port,
        told: "connection-refused",
        healthy: clusters::address_for_both_ports,
    },
    Situation {
        name: "a node sends back what it has no service for",
        broken: clusters::other_ports_go_round,
        told: "routing-loop",
        healthy: clusters::announced_and_served,
    },
    Situation {
        name: "a node translates to an address that nobody has",
        broken: clusters::translated_to_nobody,
        told: "rs-unreachable",
        healthy: clusters::asks_for_a_stranger,
    },
    Situation {
        name: "the UDP checksum around a SYN is wrong",
        broken: clusters::outer_sum_wrong,
        told: "vxlan-or-nat-bad-checksum",
        healthy: clusters::outer_sum_left_out,
    },
    Situation {
        name: "full segments do not go into the overlay",
        broken: clusters::full_segments_kept,
        told: "tun-mtu-blackhole",
        healthy: clusters::full_segments_fit,
    },
    Situation {
        name: "a node translates the SYN-ACK and not what follows",
        broken: clusters::half_translated,
        told: "conntrack-invalid-rst",
        healthy: clusters::wholly_translated,
    },
    Situation {
        name: "a director drops answers that have its own address, each interface in a file",
        broken: two_interfaces::answers_through_the_director,
        told: "dr-reply-via-director",
        healthy: two_interfaces::answers_through_a_router,
    },
    Situation {
        name: "SYN-ACKs are lost now and then",
        broken: firewalled::syn_acks_lost,
        told: "packet-loss",
        healthy: firewalled::one_syn_ack_lost,
    },
    Situation {
        name: "a SYN proxy on the server itself takes nothing",
        broken: firewalled::synproxy_stalls,
        told: "synproxy-side-effects",
        healthy: firewalled::synproxy_works,
    },
    Situation {
        name: "a policy leaves one of two callers out",
        broken: pods::policy_drops_one,
        told: "forward-rule-drop",
        healthy: pods::policy_allows_both,
    },
    Situation {
        name: "a pod's packets leave with its own address",
        broken: pods::not_masqueraded,
        told: "masquerade-missing",
        healthy: pods::masqueraded,
    },
    Situation {
        name: "a pod called before there was a rule for it",
        broken: pods::called_before_the_rule,
        told: "untranslated-by-old-entry",
        healthy: pods::called_after_the_rule,
    },
    Situation {
        name: "a server lacks the address that a balancer leaves in the packets",
        broken: cloud_checks::passthrough_without_address,
        told: "rs-missing-vip",
        healthy: cloud_checks::passthrough_with_address,
    },
    Situation {
        name: "a server's firewall drops the checks alone",
        broken: cloud_checks::checks_dropped,
        told: "healthcheck-source-blocked",
        healthy: cloud_checks::checks_answered,
    },
    Situation {
        name: "checks ask for a port where nobody listens",
        broken: cloud_checks::checks_refused,
        told: "health-check-failing",
        healthy: cloud_checks::checks_half_open,
    },
    Situation {
        name: "checks are told that it is not ready",
        broken: cloud_checks::checks_told_503,
        told: "health-check-failing",
        healthy: cloud_checks::checks_told_200,
    },
    Situation {
        name: "a balancer without a server that passes answers 503",
        broken: pools::nobody_passes,
        told: "no-server-up",
        healthy: pools::all_pass,
    },
    Situation {
        name: "a balancer without a server that passes resets its clients",
        broken: pools::nobody_passes_and_resets,
        told: "no-server-up",
        healthy: pools::says_so_though_all_pass,
    },
    Situation {
        name: "a pod's program ends, and its probes are refused",
        broken: pools::probes_refused_since,
        told: "health-check-failing",
        healthy: pools::probes_refused_before,
    },
    Situation {
        name: "checks are told 401, and nobody is sent",
        broken: pools::checks_told_401,
        told: "health-check-failing",
        healthy: pools::checks_told_401_and_clients_sent,
    },
    Situation {
        name: "a server alone: full segments never arrive, short ones do",
        broken: pools::full_segments_lost,
        told: "tun-mtu-blackhole",
        healthy: pools::full_segments_lost_by_chance,
    },
    Situation {
        name: "users are told that it is not ready",
        broken: cloud_checks::users_told_503,
        told: "http-5xx",
        healthy: cloud_checks::users_told_404,
    },
    Situation {
        name: "a service has no endpoint",
        broken: pods::service_without_endpoints,
        told: "icmp-unreachable",
        healthy: pods::service_with_endpoint,
    },
    Situation {
        name: "a pod calls itself and gets its own SYN",
        broken: pods::hairpin_not_masqueraded,
        told: "l4-self-access-hairpin",
        healthy: pods::hairpin_masqueraded,
    },
    Situation {
        name: "log lines go to the pod that was",
        broken: pods::log_lines_to_old_pod,
        told: "udp-stale-entry",
        healthy: pods::log_lines_received,
    },
    Situation {
        name: "a pod that ends refuses its share",
        broken: pods::ending_pod_refuses,
        told: "connection-refused",
        healthy: pods::ending_pod_answers,
    },
    Situation {
        name: "a balancer's FTP server names itself",
        broken: control::names_the_real_server,
        told: "control-channel-address",
        healthy: control::names_the_service,
    },
    Situation {
        name: "a SIP server answers to the Via's port",
        broken: control::via_without_rport,
        told: "control-channel-address",
        healthy: control::via_with_rport,
    },
    Situation {
        name: "TFTP answers come untranslated",
        broken: control::transfer_untranslated,
        told: "udp-reply-from-rip",
        healthy: control::transfer_translated,
    },
    Situation {
        name: "a real server refuses TLS",
        broken: tls::one_refuses,
        told: "tls-refused",
        healthy: tls::agreed,
    },
    Situation {
        name: "a port answers TLS in plain HTTP",
        broken: tls::in_plain,
        told: "tls-refused",
        healthy: tls::agreed,
    },
    Situation {
        name: "a real server alone: its answers leave by another gateway",
        broken: one_sided::answers_by_a_gateway,
        told: "nat-return-bypasses-director",
        healthy: one_sided::answers_by_a_router,
    },
    Situation {
        name: "an old master alone: the router still sends to it",
        broken: one_sided::still_sent_to_the_old_master,
        told: "garp-missing-stale-arp",
        healthy: one_sided::one_master,
    },
    Situation {
        name: "a client alone: who took the address over resets",
        broken: one_sided::reset_by_the_new_master,
        told: "director-no-entry-rst",
        healthy: one_sided::gone_on_by_the_new_master,
    },
    Situation {
        name: "a mail server greets after twenty seconds",
        broken: one_sided::greeted_late,
        told: "slow-answer",
        healthy: one_sided::greeted_after_a_pause,
    },
    Situation {
        name: "a name server is asked again and again",
        broken: one_sided::asked_in_vain,
        told: "datagram-unanswered",
        healthy: one_sided::said_and_not_answered,
    },
    Situation {
        name: "a server alone: SYNs come with wrong sums",
        broken: one_sided::sums_wrong_on_arrival,
        told: "vxlan-or-nat-bad-checksum",
        healthy: one_sided::sums_left_to_the_card,
    },
    Situation {
        name: "a client alone: answers have a hole",
        broken: unfinished::answers_with_a_hole,
        told: "tun-mtu-blackhole",
        healthy: unfinished::answers_filled_up,
    },
    Situation {
        name: "a client alone: a datagram is asked again after growing waits",
        broken: unfinished::asked_with_growing_waits,
        told: "datagram-unanswered",
        healthy: unfinished::said_now_and_then,
    },
    Situation {
        name: "a server alone: it asks for ACKs that it got",
        broken: unfinished::never_taken_in,
        told: "handshake-incomplete",
        healthy: unfinished::taken_in_late,
    },
    Situation {
        name: "one end of a tunnel: full segments are too long under it",
        broken: unfinished::too_long_under_a_tunnel,
        told: "tun-mtu-blackhole",
        healthy: unfinished::short_in_a_tunnel,
    },
    Situation {
        name: "a client alone: two of six connections move to another server",
        broken: unfinished::two_of_six_moved,
        told: "ecmp-rehash-wrong-server",
        healthy: unfinished::none_moved,
    },
    Situation {
        name: "a client alone: a proxy answers 502",
        broken: one_sided::bad_gateway,
        told: "http-5xx",
        healthy: one_sided::not_found,
    },
];

pub fn is_loud(finding: &Finding) -> bool {
    finding.severity.is_loud()
}

fn accuses(finding: &Finding) -> bool {
    finding.kind == Kind::Cause && is_loud(finding)
}

fn shown(finding: &Finding) -> String {
    format!("{} ({}): {}", finding.id, finding.confidence, finding.title)
}

/// The reports of each capture alone, and of each as `-i any` would have it.
fn alone(files: &[PathBuf], whole: &Report, folder: &std::path::Path) -> Vec<(String, Report)> {
    let mut reports = Vec::new();
    for file in files {
        let label = file.file_stem().unwrap().to_str().unwrap();
        reports.push((label.to_owned(), run_paths(&[file]).report));
        let here = |h: &&lbdiag::report::Host| h.vantages.iter().any(|v| v == label);
        let Some(host) = whole.hosts.iter().find(here) else { continue };
        let mac = |text: &String| -> Option<[u8; 6]> {
            let bytes: Vec<u8> =
                text.split(':').filter_map(|b| u8::from_str_radix(b, 16).ok()).collect();
            bytes.try_into().ok()
        };
        let own: Vec<[u8; 6]> = host.macs.iter().filter_map(mac).collect();
        if let Some(file) = cooked(file, &own, folder, Any::Sll) {
            reports.push((format!("{label} by -i any"), run_paths(&[file]).report));
        }
    }
    reports
}

pub fn play(stage: &Stage) -> (Report, Vec<(String, Report)>) {
    if let Some(root) = std::env::var_os("LBDIAG_WRITE_SITUATIONS") {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let to = PathBuf::from(root).join(format!("{:02}", NEXT.fetch_add(1, Ordering::Relaxed)));
        std::fs::create_dir_all(&to).unwrap();
        stage.write(&to);
    }
    let (folder, any) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    stage.write(folder.path());
    let files: Vec<PathBuf> = stage.files().keys().map(|name| folder.path().join(name)).collect();
    let whole = run_paths(&files).report;
    let parts = alone(&files, &whole, any.path());
    (whole, parts)
}

#[test]
fn every_situation_is_told_and_its_healthy_twin_is_not_accused() {
    let mut wrong = Vec::new();
    for Situation { name, broken, told, healthy } in SITUATIONS {
        let (whole, parts) = play(&broken());
        if !whole.findings.iter().any(|f| f.id == *told && is_loud(f)) {
            let found: Vec<String> = whole.findings.iter().map(shown).collect();
            wrong.push(format!("{name}: {told} is not told, but {found:?}"));
        }
        let other = whole.findings.iter().filter(|f| accuses(f) && f.id != *told);
        wrong.extend(other.map(|f| format!("{name}: also {}", shown(f))));
        for (part, report) in &parts {
            let sure = report.findings.iter().filter(|f| accuses(f) && f.id != *told);
            let sure = sure.filter(|f| f.confidence == Confidence::Certain);
            wrong.extend(sure.map(|f| format!("{name}: {part}: certain of {}", shown(f))));
            if report.verdict.summary.contains("nothing is wrong") {
                wrong.push(format!("{name}: {part}: {}", report.verdict.summary));
            }
        }
        let (whole, parts) = play(&healthy());
        let all = [("whole".to_owned(), whole)].into_iter().chain(parts);
        for (part, report) in all {
            let loud = report.findings.iter().filter(|f| accuses(f));
            wrong.extend(loud.map(|f| format!("{name}, healthy: {part}: {}", shown(f))));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
