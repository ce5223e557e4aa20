//! What is served by whom, the hosts, and the drawing of the ways between them.

use super::super::svg::{Place, topology_drawing};
use super::super::text::endpoint;
use super::super::text::topology::{outcomes, spent};
use super::super::units::{count, duration, plural};
use super::parts::Column::Words;
use super::parts::{codes, drawing, headings, wide};
use crate::report::topology::Topology;
use crate::report::{HostRef, RealServer, Report, Service};
use maud::{Markup, PreEscaped, html};

/// Services that are shown; a capture of all traffic has thousands.
const MAX_SERVICES: usize = 50;

/// Rows of a table; the rest is counted.
const MAX_ROWS: usize = 200;

/// What a list leaves out.
fn more(all: usize, shown: usize, noun: &str) -> Markup {
    html! {
        @if all > shown { p class="sub" { (plural((all - shown) as u64, noun)) " not shown." } }
    }
}

/// A heading and a table for each service.
pub(super) fn services(report: &Report) -> Markup {
    let (wrong, rest) = report.shown_services();
    html! {
        @for service in wrong.iter().take(MAX_SERVICES) { (one(service)) }
        (more(wrong.len(), MAX_SERVICES, "more service"))
        @if let Some(rest) = rest {
            details class="more" {
                summary { (rest.said) }
                @for service in rest.services.iter().take(MAX_SERVICES) { (one(service)) }
                (more(rest.services.len(), MAX_SERVICES, "more service"))
            }
        }
    }
}

fn one(service: &Service) -> Markup {
    let name = endpoint(&service.vip, (service.port > 0).then_some(service.port));
    let mode = if service.mode == "unknown" { "Forwarding mode unknown" } else { &service.mode };
    let timed = service.real_servers.iter().any(|s| s.timing.is_some());
    let table = html! {
        table {
            thead {
                tr {
                    th scope="col" { "Real server" }
                    th scope="col" class="num" { "Connections" }
                    th scope="col" class="num" { "Did well" }
                    th scope="col" class="num" { "Failed" }
                    th scope="col" class="num" { "Suffered" }
                    th scope="col" class="num" { "Cannot be told" }
                    th scope="col" { "How they ended" }
                    @if timed {
                        th scope="col" class="num" { "Connect" }
                        th scope="col" class="num" { "First byte" }
                        th scope="col" { "Where the time goes" }
                    }
                    th scope="col" { "Remark" }
                }
            }
            tbody { @for server in service.rows().iter().take(MAX_ROWS) { (row(server, timed)) } }
        }
    };
    html! {
        h3 { (name) "/" (service.protocol) }
        p {
            (mode) (directors(&service.directors)) ": "
            (plural(service.totals.connections, "connection")) ": " (service.totals.fates()) "."
        }
        @if service.real_servers.is_empty() { p { "No real server was seen." } }
        @else { (wide(&format!("Real servers of {name}"), &table)) }
        (more(service.real_servers.len(), MAX_ROWS, "more real server"))
    }
}

fn directors(directors: &[HostRef]) -> Markup {
    html! {
        @if !directors.is_empty() {
            ", by director "
            @for (n, director) in directors.iter().enumerate() {
                @if n > 0 { "; " }
                @match director.own.as_deref() {
                    Some(own) => {
                        (codes([own].into_iter()))
                        @if !director.macs.is_empty() {
                            " (" (codes(director.macs.iter().map(String::as_str))) ")"
                        }
                    }
                    None if director.macs.is_empty() => {
                        (codes(director.addresses.iter().take(1).map(String::as_str)))
                    }
                    None => (codes(director.macs.iter().map(String::as_str))),
                }
            }
        }
    }
}

fn row(server: &RealServer, timed: bool) -> Markup {
    let address = server.address.as_deref().map(|a| endpoint(a, server.port));
    let time = |ns: Option<i64>| ns.map_or_else(String::new, duration);
    let timing = server.timing.clone().unwrap_or_default();
    let totals = &server.totals;
    html! {
        tr {
            th scope="row" {
                @if let Some(address) = &address { code { (address) } " " }
                @if let Some(mac) = &server.mac { code class="path" { (mac) } }
                @else if address.is_none() { "not known" }
            }
            td class="num" { (count(server.connections)) }
            @for n in [totals.well, totals.failed, totals.suffered, totals.untold] {
                td class="num" { (count(n)) }
            }
            td { (outcomes(&server.totals, |_| true)) }
            @if timed {
                td class="num" { (time(timing.connect_ns)) }
                td class="num" { (time(timing.first_byte_ns)) }
                td { (spent(&timing)) }
            }
            td { (server.remark.as_deref().unwrap_or_default()) }
        }
    }
}

/// The drawing, and the hosts with why each has its role.
pub(super) fn hosts(report: &Report, topology: &Topology) -> Markup {
    let drawn = html! { (PreEscaped(topology_drawing(topology, Place::Page))) };
    let table = html! {
        table {
            (headings(&[
                Words("Role"), Words("Addresses"), Words("MACs"), Words("Captured as"),
                Words("Why this role"),
            ]))
            tbody {
                @for host in report.hosts.iter().take(MAX_ROWS) {
                    tr {
                        th scope="row" { (host.role) }
                        td { (codes(host.addresses.iter().map(String::as_str))) }
                        td { (codes(host.macs.iter().map(String::as_str))) }
                        td { (host.vantages.join(", ")) }
                        td { (host.evidence) }
                    }
                }
            }
        }
    };
    html! {
        @if !topology.hosts.is_empty() {
            (drawing("Hosts and the ways between them", &drawn))
            p class="sub" {
                "Clients' packets go from left to right. Numbers are connections; what no "
                "capture shows is dashed, what only answers take is grey, and red is where "
                "connections break."
            }
        }
        details class="more" open[report.hosts.len() <= 12] {
            summary { (plural(report.hosts.len() as u64, "host")) }
            (wide("Hosts", &table))
            (more(report.hosts.len(), MAX_ROWS, "more host"))
        }
    }
}
