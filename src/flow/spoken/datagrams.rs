//! What is said in datagrams: names, time, calls, and who is let in.

use super::{AllSpoken, MAX_MISSING, MAX_RESOLVED, Spoken, Words};
use crate::flow::{Mark, Side, StreamId};
use crate::wire::fault::{self, Service};
use crate::wire::{Ip, Udp, dns, sip};

/// Whether a datagram that is not the first of its side may say some of it.
#[inline(always)]
pub(in crate::flow) fn goes_on(udp: &Udp<'_>) -> bool {
    match udp.payload.first() {
        Some(b'I') => sip::has_media(udp.payload),
        Some(2 | 3) => fault::is_access(udp.src_port, udp.payload),
        Some(b'S') => sip::status(udp.payload)
            .is_some_and(|s| (200..300).contains(&s) || fault::is_of_asker(Service::Sip, s)),
        _ => false,
    }
}

impl AllSpoken {
    /// Takes in the first datagram of a side, and later ones that [`goes_on`] lets pass, with the address that it is
    /// from.
    #[inline]
    pub fn datagram(&mut self, (id, side): (StreamId, Side), mark: Mark, from: Ip, udp: &Udp<'_>) {
        let payload = udp.payload;
        if udp.src_port == dns::PORT
            && let Some((service, code)) = fault::of_dns(payload)
        {
            self.keep(id, Spoken { side, mark, words: Words::Fault(service, code) });
        } else if udp.src_port == dns::PORT {
            if let Some(name) = fault::not_there(payload) {
                let fruitless = !self.finders.contains(&from) && self.missing < MAX_MISSING;
                if fruitless || self.named.contains(&name) {
                    self.missing += u32::from(fruitless);
                    self.keep(id, Spoken { side, mark, words: Words::NoSuchName(name) });
                }
            } else if self.finders.len() < MAX_RESOLVED {
                self.finders.insert(from);
            }
            let name = fault::resolved(payload).filter(|_| self.resolved.len() < MAX_RESOLVED);
            if let Some(name) = name.filter(|name| self.resolved.insert(*name)) {
                self.keep(id, Spoken { side, mark, words: Words::Resolved(name) });
            }
        } else if udp.src_port == fault::NTP_PORT
            && let Some((service, code)) = fault::of_ntp(payload)
        {
            self.keep(id, Spoken { side, mark, words: Words::Fault(service, code) });
        } else if fault::is_access(udp.src_port, payload) {
            self.refusals.access((id, side), mark, payload);
        } else if payload.first().is_some_and(u8::is_ascii_uppercase) {
            if let Some((ip, port)) = sip::media(payload) {
                self.keep(id, Spoken { side, mark, words: Words::Media(ip, port) });
            }
            if let Some((ip, port)) = sip::contact(payload) {
                self.keep(id, Spoken { side, mark, words: Words::Contact(ip, port) });
            }
            let fault = || fault::of_sip(payload).map(|(s, code)| Words::Fault(s, code));
            let asked = sip::answer_to(payload).map(|(ip, port)| Words::AnswerTo(ip, port));
            let refusal = self.refusals.sip(&mut self.by_stream, (id, side), payload);
            if let Some(words) = asked.or_else(fault).or(refusal) {
                self.keep(id, Spoken { side, mark, words });
            }
        }
    }

    /// Takes in a later answer of a time server: one whose clock is set has begun to serve.
    pub fn time(&mut self, id: StreamId, payload: &[u8]) {
        let Some(known) = self.by_stream.get_mut(&id) else { return };
        if fault::is_set(payload) {
            let set = |s: &Spoken| s.words != Words::Fault(Service::Ntp, fault::CLOCK_NOT_SET);
            known.retain(set);
        }
    }
}
