//! How a connection ended, in a sentence with the frame that shows it.

use super::way::Teller;
use crate::correlate::Outcome;
use crate::diagnose::words::thousands;
use crate::flow::{Flow, Mark};
use crate::trace::At;

pub(super) fn end(teller: &Teller<'_>) -> String {
    let (trace, id) = (teller.trace, teller.id);
    let connection = trace.connection(id);
    let payload = |forward: bool| {
        let legs = trace.legs(id).iter();
        let flows = legs.map(|leg| if forward { trace.forward(leg) } else { trace.reply(leg) });
        flows.map(|flow| flow.payload).max().unwrap_or(0)
    };
    let sent = || match (payload(true), payload(false)) {
        (0, 0) => "no data was sent".to_owned(),
        (there, 0) if !connection.progress.answered => {
            let there = thousands(there);
            format!("the client sent {there} bytes, and no capture shows what the server sent")
        }
        (there, back) => {
            format!("the client sent {} bytes, the server {}", thousands(there), thousands(back))
        }
    };
    let times = |n: u16| if n == 1 { "once".to_owned() } else { format!("{n} times") };
    match connection.outcome {
        Outcome::Completed if connection.protocol.is_tcp() => {
            format!("It completed: {}.", sent())
        }
        Outcome::Completed => "It was answered.".to_owned(),
        Outcome::Open => format!("It was still open when the captures end: {} so far.", sent()),
        Outcome::Refused => {
            format!("It was refused by a RST to its SYN{}.", teller.first(|f| f.rst, false))
        }
        Outcome::Unanswered => format!(
            "The SYN was sent {} and no answer to it is in any capture.",
            times(connection.progress.syns.max(1))
        ),
        Outcome::Incomplete => format!(
            "The SYN was sent {} and was answered{}, but the client never went on{}.",
            times(connection.progress.syns.max(1)),
            teller.first(|f| f.syn, false),
            match teller.first(|f| f.rst, true) {
                frame if frame.is_empty() => String::new(),
                frame => format!("; a RST in its name came back{frame}"),
            }
        ),
        Outcome::Reset => {
            let by_server = teller.first(|f| f.rst, false);
            let (side, frame) = if by_server.is_empty() {
                ("client", teller.first(|f| f.rst, true))
            } else {
                ("server", by_server)
            };
            format!("It was cut off by a RST from the {side}'s side{frame}: {}.", sent())
        }
        Outcome::Stalled => format!(
            "It stalled: bytes were sent again and again and never acknowledged; {}.",
            sent()
        ),
        Outcome::Unknown if !connection.protocol.is_tcp() => {
            "Whether the client got an answer is not to be seen.".to_owned()
        }
        Outcome::Unknown => "The captures do not show how it ended.".to_owned(),
    }
}

impl Teller<'_> {
    /// ` (rs1 #16)`, the earliest such moment of one direction, or nothing.
    pub(super) fn first(&self, moment: impl Fn(&Flow) -> Mark, forward: bool) -> String {
        let trace = self.trace;
        let marks = trace.legs(self.id).iter().filter_map(|leg| {
            let flow = if forward { trace.forward(leg) } else { trace.reply(leg) };
            let mark = moment(flow).get()?;
            Some(At { vantage: leg.vantage, mark })
        });
        marks.min_by_key(|at| trace.time(*at)).map_or_else(String::new, |at| {
            let vantage = &trace.vantages[at.vantage.index()];
            let (_, frame) = trace.captures[vantage.capture].locate(at.mark.frame());
            format!(" ({} #{frame})", vantage.label)
        })
    }
}
