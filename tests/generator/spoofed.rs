//! A flood's packets on their way: the SYN from the director's ingress on, and the answer until it leaves towards a
//! source that never asked.

use super::frame::{self, Segment};
use super::living;
use super::options::Options;
use super::rng;
use super::run::{Passing, Run, emit};
use super::script::{ACK, SYN};
use super::world::FloodFate;
use std::cmp::Reverse;
use std::io;

impl Run<'_> {
    /// A spoofed SYN, or the answer to it, passes a hop.
    ///
    /// # Errors
    /// What writing a file gives.
    pub(super) fn pass_spoofed(&mut self, passing: Passing) -> io::Result<()> {
        let Some((source, flood)) = self.flood.as_ref().zip(self.world.flood) else {
            return Ok(());
        };
        let syn = source.syn(passing.value);
        let server = source.server(passing.value, self.world.real_servers);
        let answer = passing.step == 1;
        let path = if answer { &self.paths.backward } else { &self.paths.forward };
        let path = &path[usize::from(server)];
        let hop = path[usize::from(passing.hop)];
        // The answer goes to whoever owns the source: it leaves the router, but not towards our clients.
        let last = usize::from(passing.hop) + 1 == path.len() - usize::from(answer);
        let (service, service_port) = living::service(self.world, hop, server);
        let packet = if answer {
            let seq = rng::at(u64::from(syn.seq), u64::from(syn.from)) as u32;
            let echo = if let Options::Stamps { value, .. } = syn.options { value } else { 0 };
            let options = if matches!(syn.options, Options::Stamps { .. }) {
                Options::Stamps { value: passing.echo, echo }
            } else {
                Options::Mss
            };
            Segment {
                from: service,
                from_port: service_port,
                to: syn.from,
                to_port: syn.from_port,
                seq,
                ack: syn.seq.wrapping_add(1),
                flags: SYN | ACK,
                window: frame::window(false, SYN | ACK),
                ttl: 64 - hop.ttl_gone,
                id: 0,
                options,
                ..syn
            }
        } else {
            Segment { to: service, to_port: service_port, ttl: syn.ttl - hop.ttl_gone, ..syn }
        };
        emit(&mut self.captures, &mut self.buf, hop, passing.at, &packet, &[])?;
        if last {
            if !answer && flood.fate == FloodFate::Answered {
                let at = passing.at + 40_000;
                let echo = self.milliseconds(at);
                self.queue.push(Reverse(Passing { at, step: 1, hop: 0, echo, ..passing }));
            }
        } else if flood.fate != FloodFate::DroppedAtDirector {
            self.go_on(passing, hop.delay);
        }
        Ok(())
    }
}
