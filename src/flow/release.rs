//! Streams that never became one are judged, counted and let go.

use super::embryo::Kind;
use super::observe::Observer;
use super::{Flow, Hop, Observations, Stream, StreamId};
use crate::hashed::HashSet;
use crate::wire::Mac;

/// The MAC that answered a stream, else the one to which it was sent last.
fn counterpart<'a>(
    stream: &Stream,
    hops: impl Fn(&Flow) -> Option<(&'a Hop, &'a Hop)>,
) -> Option<Mac> {
    let client = stream.client();
    match hops(stream.flow(client.other())) {
        Some((first, _)) => first.link.src,
        None => hops(stream.flow(client)).and_then(|(_, last)| last.link.dst),
    }
}

fn kind_of<'a>(stream: &Stream, hops: impl Fn(&Flow) -> Option<(&'a Hop, &'a Hop)>) -> Kind {
    let server = stream.client().other();
    Kind {
        server: (stream.key.ip(server), stream.key.port(server)),
        protocol: stream.key.protocol,
        by: counterpart(stream, hops),
        answer: stream.answer(),
    }
}

impl Observer {
    /// Takes in a new stream, and judges the oldest where too many are nothing.
    #[inline]
    pub(super) fn bound_embryos(&mut self, new: StreamId) {
        self.embryos.push(new);
        while let Some(old) = self.embryos.overdue() {
            if old != new && self.is_embryo(old) {
                self.judge(old);
            }
        }
    }

    fn judge(&mut self, id: StreamId) {
        if self.is_among_first(id) {
            self.keep(id);
        } else if let Some(judged) = self.embryos.judged(id) {
            self.decide(judged);
        }
    }

    fn is_among_first(&mut self, id: StreamId) -> bool {
        let stream = &self.streams[id as usize];
        let (kind, number) = (self.kind(stream), stream.number());
        self.embryos.is_among_first(kind, number)
    }

    fn is_embryo(&self, id: StreamId) -> bool {
        let stream = &self.streams[id as usize];
        !stream.is_evicted() && stream.is_embryo()
    }

    fn kind(&self, stream: &Stream) -> Kind {
        kind_of(stream, |flow| {
            let first = flow.link.index()?;
            let mut last = first;
            while let Some(next) = self.links[last].next.index() {
                last = next;
            }
            let hop = |at: usize| self.hops.list().get(self.links[at].hop.index());
            Some((hop(first)?, hop(last)?))
        })
    }

    fn decide(&mut self, id: StreamId) {
        if !self.is_embryo(id) {
            return;
        }
        let number = self.streams[id as usize].number();
        if self.embryos.joins_first(number) || self.is_chosen(id) {
            self.keep(id);
        } else {
            self.release(id);
        }
    }

    fn keep(&mut self, id: StreamId) {
        let answer = self.streams[id as usize].answer();
        let Some(of) = self.embryos.keep(id, answer) else { return };
        // Every second goes, by its number, until there is room.
        while self.embryos.is_tight(of) && self.evicted.below[of] > 0 {
            self.evicted.below[of] /= 2;
            for id in self.embryos.take(of) {
                if !self.is_embryo(id) {
                    continue;
                }
                let stream = &self.streams[id as usize];
                if self.is_chosen(id) || self.embryos.is_first(stream.number()) {
                    self.embryos.keep(id, stream.answer());
                } else {
                    self.release(id);
                }
            }
        }
    }

    fn is_chosen(&self, id: StreamId) -> bool {
        let stream = &self.streams[id as usize];
        self.evicted.chooses(stream.answer(), stream.number())
    }

    /// The end of the pass: what is chosen of the last streams is chosen as of the first.
    pub(super) fn settle_embryos(&mut self) {
        if self.evicted.keeps_answered() {
            return;
        }
        let mut waiting = self.embryos.waiting();
        waiting.retain(|id| {
            self.is_embryo(*id) && self.streams[*id as usize].answer().sample().is_some()
        });
        for id in &waiting {
            self.is_among_first(*id);
        }
        self.evicted.first = self.embryos.first();
        for id in waiting {
            let number = self.streams[id as usize].number();
            if !self.is_chosen(id) && !self.embryos.is_first(number) {
                self.release(id);
            }
        }
    }

    fn release(&mut self, id: StreamId) {
        let stream = self.streams[id as usize];
        let kind = self.kind(&stream);
        self.evicted.add(kind, stream.first());
        self.forget_key(&stream.key, id);
        self.side_tables.forget(id);
        for flow in &stream.flows {
            let mut next = flow.link;
            while let Some(at) = next.index() {
                self.free_links.push(next);
                self.side_tables.troubles.release(self.links[at].trouble);
                self.fragments.forget(at);
                self.side_tables.forget_link(at as u32);
                next = self.links[at].next;
            }
        }
        let slot = &mut self.streams[id as usize];
        *slot = Stream::new(slot.key);
        self.free_streams.push(id);
    }
}

impl Observations {
    /// Lets streams go that another vantage of the same connections had no room for: what
    /// one shows and the other had to let go would look lost between them.
    pub(crate) fn thin_out(&mut self, below: [u32; 2], first: &HashSet<u32>) {
        if below == self.evicted.below {
            return;
        }
        self.evicted.below = below;
        for at in 0..self.streams.len() {
            let stream = &self.streams[at];
            let answer = stream.answer();
            if stream.is_evicted()
                || !stream.is_embryo()
                || answer.sample().is_none()
                || self.evicted.chooses(answer, stream.number())
                || first.contains(&stream.number())
            {
                continue;
            }
            let kind = kind_of(stream, |flow| {
                let mut path = self.path(flow).map(|(_, hop)| hop);
                let first = path.next()?;
                Some((first, path.last().unwrap_or(first)))
            });
            self.evicted.add(kind, stream.first());
            self.streams[at] = Stream::new(stream.key);
        }
    }
}
