//! What takes longer than a key may: filtering, sorting, lanes, reading frames again,
//! writing files.
//!
//! Three threads, one for the table and the timeline, one for reading captures, one for
//! writing, so that a slow disk does not hold up a filter. Of several requests of one kind
//! the newest is done and the others are dropped, but every file is written. A worker that
//! panics says so, and the program ends.

use super::data::Data;
use super::file::{self, Order};
use super::frames::{self, Sight};
use super::lanes::{self, Lane};
use super::rows::{self, Rows};
use crate::ladder::{self, Chosen};
use crate::report::ladder::Ladder;
use crate::trace::{At, ConnectionId};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};

/// Packets of a connection that are drawn; the middle of a longer one is folded.
const MAX_STEPS: usize = 1_000;

/// What the event loop is told.
#[derive(Debug)]
pub enum Event {
    /// A key, a click, a new size.
    Input(crossterm::event::Event),
    /// Captures are read; or why they are not.
    Loaded(Result<Arc<Data>, String>),
    /// A worker has done something.
    Done(Done),
    /// Time has passed while something is awaited.
    Tick,
    /// The program is to end.
    Ended,
    /// A thread panicked.
    Died,
}

/// What a worker is asked for, with the number of the request.
#[derive(Debug)]
pub enum Job {
    /// The rows of the table.
    Rows(u64, rows::Ask),
    /// The lanes of the timeline, of these connections.
    Lanes(u64, lanes::Ask, Arc<Rows>),
    /// The drawing of a connection, for one side of the pane.
    Ladder(u64, usize, Chosen),
    /// The frames of a packet of that drawing.
    Packet(u64, usize, ConnectionId, Vec<(String, u64)>),
    /// The connection that shows a frame of a finding, by the indexes of both.
    Proof(u64, usize, usize),
    /// A frame that is in no drawing.
    Frame(u64, At),
    /// A file to be written.
    Write(u64, Order),
}

/// What a worker has done.
#[derive(Debug)]
pub enum Done {
    /// See [`Job::Rows`].
    Rows(u64, Rows),
    /// See [`Job::Lanes`].
    Lanes(u64, lanes::Ask, Vec<Lane>),
    /// See [`Job::Ladder`]; `None` where no frame can be read again.
    Ladder(u64, usize, Option<Ladder>),
    /// See [`Job::Packet`].
    Packet(u64, usize, Vec<Sight>),
    /// See [`Job::Proof`]: the indexes again, and the connection where there is one.
    Proof(u64, usize, usize, Option<Chosen>),
    /// See [`Job::Frame`].
    Frame(u64, Sight),
    /// See [`Job::Write`]: the path, and how it ended.
    Write(String, std::io::Result<()>),
}

/// The threads.
#[derive(Debug)]
pub struct Workers {
    table: Sender<Job>,
    reads: Sender<Job>,
    writes: Sender<Job>,
    asked: u64,
}

impl Workers {
    /// Starts them; what they do is sent to `events`.
    #[must_use]
    pub fn new(data: &Arc<Data>, events: &Sender<Event>) -> Self {
        let start = || {
            let (jobs, queue) = mpsc::channel();
            let (data, events) = (Arc::clone(data), events.clone());
            std::thread::spawn(move || work(&data, &queue, events));
            jobs
        };
        Self { table: start(), reads: start(), writes: start(), asked: 0 }
    }

    /// Gives a job out; the number that its answer will have.
    pub fn ask(&mut self, job: impl FnOnce(u64) -> Job) -> u64 {
        self.asked += 1;
        let job = job(self.asked);
        let to = match job {
            Job::Rows(..) | Job::Lanes(..) => &self.table,
            Job::Ladder(..) | Job::Packet(..) | Job::Proof(..) | Job::Frame(..) => &self.reads,
            Job::Write(..) => &self.writes,
        };
        // A worker that is gone has said so.
        let _ = to.send(job);
        self.asked
    }
}

/// Tells that a thread ended by a panic.
#[derive(Debug)]
pub struct Watch(pub Sender<Event>);

impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.0.send(Event::Died);
        }
    }
}

fn work(data: &Data, queue: &Receiver<Job>, events: Sender<Event>) {
    let watch = Watch(events);
    while let Ok(first) = queue.recv() {
        let mut waiting = vec![first];
        waiting.extend(queue.try_iter());
        for job in newest(waiting) {
            if watch.0.send(Event::Done(done(data, job))).is_err() {
                return;
            }
        }
    }
}

/// The last job of each kind and side, and every file, in order.
fn newest(jobs: Vec<Job>) -> Vec<Job> {
    let kind = |job: &Job| match job {
        Job::Rows(..) => (0, 0),
        Job::Lanes(..) => (1, 0),
        Job::Ladder(_, side, _) => (2, *side as u64),
        Job::Packet(_, side, ..) => (3, *side as u64),
        Job::Frame(..) => (4, 0),
        Job::Proof(..) => (5, 0),
        Job::Write(n, _) => (6, *n),
    };
    let mut kept: Vec<Job> = Vec::new();
    for job in jobs {
        kept.retain(|other| kind(other) != kind(&job));
        kept.push(job);
    }
    kept
}

fn done(data: &Data, job: Job) -> Done {
    match job {
        Job::Rows(n, ask) => Done::Rows(n, rows::rows(data, &ask)),
        Job::Lanes(n, ask, rows) => {
            let lanes = lanes::lanes(data, &rows.everywhen, &ask);
            Done::Lanes(n, ask, lanes)
        }
        Job::Ladder(n, side, chosen) => {
            let drawn = ladder::draw_up_to(&data.trace, &data.diagnosis, chosen, MAX_STEPS);
            Done::Ladder(n, side, drawn.and_then(|drawn| data.mask.document(drawn)))
        }
        Job::Packet(n, side, id, frames) => {
            Done::Packet(n, side, frames::read(&data.trace, &data.mask, id, &frames))
        }
        Job::Proof(n, finding, proof) => {
            let (trace, diagnosis) = (&data.trace, &data.diagnosis);
            let chosen = ladder::of_proof(trace, diagnosis, finding, proof)
                .or_else(|| ladder::of_finding(trace, diagnosis, finding));
            Done::Proof(n, finding, proof, chosen)
        }
        Job::Frame(n, at) => Done::Frame(n, frames::at(&data.trace, &data.mask, at)),
        Job::Write(_, order) => {
            let result = file::write(data, &order);
            Done::Write(order.path, result)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_one_kind_the_newest_is_done_and_every_file_is_written() {
        let rows = |n| Job::Rows(n, rows::Ask::default());
        let packet = |n, side| Job::Packet(n, side, ConnectionId(0), Vec::new());
        let write =
            |n| Job::Write(n, Order { path: String::new(), contents: file::Contents::Markdown });
        let jobs =
            vec![rows(1), packet(2, 0), write(6), rows(3), packet(4, 1), packet(5, 0), write(7)];
        let number = |job: &Job| match job {
            Job::Rows(n, _)
            | Job::Lanes(n, ..)
            | Job::Ladder(n, ..)
            | Job::Packet(n, ..)
            | Job::Frame(n, _)
            | Job::Proof(n, ..)
            | Job::Write(n, _) => *n,
        };
        assert_eq!(newest(jobs).iter().map(number).collect::<Vec<_>>(), [6, 3, 4, 5, 7]);
    }
}
