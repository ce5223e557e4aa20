//! The state of the program: one struct, changed by events, read by the drawing.
//!
//! [`App::handle`] is all that changes it. Nothing here writes to the terminal: what must
//! reach it otherwise than by drawing (text for the clipboard) waits in a field. It
//! refuses work that takes longer than a key may, which the workers do.

use super::action::Action;
use super::config::Config;
use super::data::Data;
use super::filter::FilterState;
use super::panes::{findings, help, ladder, overview, path, save, table, timeline};
use super::rows::{self, Rows};
use super::theme::Paint;
use super::work::{Done, Event, Job, Workers};
use crate::ladder::Chosen;
use crate::render::Times;
use crate::trace::ConnectionId;
use std::sync::Arc;
use std::sync::mpsc::Sender;

/// What fills the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// Verdict, services, findings.
    Overview,
    /// Connections over time.
    Timeline,
    /// All connections.
    Connections,
    /// One connection, packet by packet.
    Ladder,
    /// What was found.
    Findings,
    /// Hosts and ways.
    Path,
}

/// All panes, in the order of their keys, with their names.
pub const PANES: [(Pane, &str, Action); 6] = [
    (Pane::Overview, "Overview", Action::Overview),
    (Pane::Timeline, "Timeline", Action::Timeline),
    (Pane::Connections, "Connections", Action::Connections),
    (Pane::Ladder, "Ladder", Action::Ladder),
    (Pane::Findings, "Findings", Action::Findings),
    (Pane::Path, "Path", Action::Path),
];

/// What lies over the pane.
#[derive(Debug)]
pub enum Overlay {
    /// The keys.
    Help(help::State),
    /// A detector's page.
    Manual(help::Manual),
    /// What can be written where.
    Save(save::State),
}

/// How far the reading of the captures has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read.
    pub read: u64,
    /// Bytes to read, where it is known.
    pub total: Option<u64>,
    /// Ticks since the beginning, for what turns while nothing is known.
    pub ticks: usize,
}

/// The whole state.
#[derive(Debug)]
pub struct App {
    /// What is shown; none before it is loaded.
    pub data: Option<Arc<Data>>,
    /// The captures, as they were given.
    pub name: String,
    /// Until then.
    pub progress: Progress,
    /// Keys and colours.
    pub config: Config,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// What fills the screen.
    pub pane: Pane,
    /// What Esc goes back to.
    pub trail: Vec<Pane>,
    /// What lies over it.
    pub overlay: Option<Overlay>,
    /// A remark until the next key.
    pub remark: Option<(Paint, String)>,
    /// Which times the table shows.
    pub times: Times,
    /// The filter.
    pub filter: FilterState,
    /// The range of time that everything is narrowed to.
    pub range: Option<(i64, i64)>,
    /// What the table lists.
    pub rows: Arc<Rows>,
    /// A connection to compare with.
    pub marked: Option<ConnectionId>,
    /// Pane states.
    pub overview: overview::State,
    /// See `overview`.
    pub timeline: timeline::State,
    /// See `overview`.
    pub table: table::State,
    /// See `overview`.
    pub ladder: ladder::State,
    /// See `overview`.
    pub findings: findings::State,
    /// See `overview`.
    pub path: path::State,
    /// Text for the clipboard.
    pub clipboard: Option<String>,
    /// The screen is to be drawn from nothing.
    pub redraw: bool,
    /// The program is to stop until the shell lets it go on.
    pub suspend: bool,
    /// Files that are being written.
    pub writes: usize,
    /// The end, once what is being written is written.
    pub leaving: bool,
    /// The end.
    pub quit: bool,
    /// The end, because something went wrong.
    pub failed: Option<String>,
    /// A thread panicked, and the terminal has been left.
    pub died: bool,
    workers: Option<Workers>,
    events: Sender<Event>,
    rows_asked: u64,
    rows_shown: u64,
}

impl App {
    /// A program that waits for its data; workers answer to `events`.
    #[must_use]
    pub fn new(config: Config, name: String, total: Option<u64>, events: Sender<Event>) -> Self {
        Self {
            data: None,
            name,
            progress: Progress { total, ..Progress::default() },
            config,
            size: (80, 24),
            pane: Pane::Overview,
            trail: Vec::new(),
            overlay: None,
            remark: None,
            times: Times::Absolute,
            filter: FilterState::default(),
            range: None,
            rows: Arc::default(),
            marked: None,
            overview: overview::State::default(),
            timeline: timeline::State::default(),
            table: table::State::default(),
            ladder: ladder::State::default(),
            findings: findings::State::default(),
            path: path::State::default(),
            clipboard: None,
            redraw: false,
            suspend: false,
            writes: 0,
            leaving: false,
            quit: false,
            failed: None,
            died: false,
            workers: None,
            events,
            rows_asked: 0,
            rows_shown: 0,
        }
    }

    /// Takes an event in.
    pub fn handle(&mut self, event: Event) {
        match event {
            Event::Input(input) => self.input(&input),
            Event::Tick => self.progress.ticks = self.progress.ticks.wrapping_add(1),
            Event::Loaded(Ok(data)) => self.loaded(data),
            Event::Loaded(Err(why)) => {
                self.failed = Some(why);
                self.quit = true;
            }
            Event::Ended => self.quit = true,
            Event::Died => {
                self.died = true;
                self.quit = true;
            }
            Event::Done(done) => self.done(done),
        }
        timeline::ask(self);
    }

    fn loaded(&mut self, data: Arc<Data>) {
        self.workers = Some(Workers::new(&data, &self.events));
        timeline::fit(&mut self.timeline, data.columns.span);
        let rows = rows::Rows {
            ids: data.columns.all.clone(),
            everywhen: data.columns.all.clone(),
            account: crate::breaks::Account::default(),
        };
        self.rows = Arc::new(rows);
        self.data = Some(data);
        overview::begin(self);
        self.ask_rows();
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Rows(n, rows) if n >= self.rows_asked => {
                self.rows_shown = n;
                let under = self.selected();
                self.rows = Arc::new(rows);
                let at = under.and_then(|id| self.rows.ids.iter().position(|row| *row == id.0));
                let height = table::height(self);
                self.table.list.go(at.unwrap_or(0), self.rows.ids.len(), height);
                self.timeline.stale();
            }
            Done::Rows(..) => {}
            Done::Lanes(n, ask, lanes) => self.timeline.done(n, ask, lanes),
            Done::Ladder(n, side, drawn) => ladder::drawn(self, n, side, drawn),
            Done::Packet(n, side, sights) => ladder::packet_read(self, n, side, sights),
            Done::Proof(n, finding, proof, chosen) => {
                findings::proof_found(self, n, finding, proof, chosen);
            }
            Done::Frame(n, sight) => ladder::frame_read(self, n, sight),
            Done::Write(path, result) => save::written(self, &path, &result),
        }
    }

    /// Asks for the table anew, after filter, range or order changed.
    pub fn ask_rows(&mut self) {
        let ask = rows::Ask {
            filter: self.filter.applied.clone(),
            range: self.range,
            sort: self.table.sort(),
            reverse: self.table.reverse,
        };
        if let Some(n) = self.ask(|n| Job::Rows(n, ask)) {
            self.rows_asked = n;
        }
    }

    /// Gives a job to a worker; its number.
    pub fn ask(&mut self, job: impl FnOnce(u64) -> Job) -> Option<u64> {
        self.workers.as_mut().map(|workers| workers.ask(job))
    }

    /// Whether something that was asked for has not come yet.
    #[must_use]
    pub fn busy(&self) -> bool {
        self.data.is_some()
            && (self.rows_shown < self.rows_asked
                || self.writes > 0
                || self.findings.waits()
                || self.timeline.waits()
                || self.ladder.waits())
    }

    /// Whether the table that is shown is not yet the one that was asked for.
    #[must_use]
    pub fn rows_wait(&self) -> bool {
        self.rows_shown < self.rows_asked
    }

    /// The connection under the table's cursor.
    #[must_use]
    pub fn selected(&self) -> Option<ConnectionId> {
        self.rows.ids.get(self.table.list.at).copied().map(ConnectionId)
    }

    /// The connection that is looked at: what the pane draws, else the selected.
    #[must_use]
    pub fn current(&self) -> Option<ConnectionId> {
        match self.pane {
            Pane::Ladder => self.ladder.connection().or_else(|| self.selected()),
            Pane::Path => self.path.shown.or_else(|| self.selected()),
            _ => self.selected(),
        }
    }

    /// Goes to a pane; `back` is where Esc leads, where it leads anywhere new.
    pub fn open(&mut self, pane: Pane) {
        if self.pane != pane {
            self.trail.retain(|other| *other != pane);
            self.trail.push(self.pane);
            self.pane = pane;
        }
    }

    /// Goes to a pane by its own key: Esc does not lead back.
    pub fn switch(&mut self, pane: Pane) {
        self.trail.clear();
        match pane {
            Pane::Ladder => ladder::arrive(self),
            Pane::Path => path::arrive(self),
            _ => {}
        }
        self.pane = pane;
    }

    /// Draws a connection and goes there; `frame` is put under the cursor.
    pub fn open_ladder(&mut self, chosen: Chosen, frame: Option<ladder::Wanted>) {
        ladder::load(self, 0, chosen, frame);
        self.open(Pane::Ladder);
    }

    /// Applies a filter and shows what it leaves.
    pub fn narrow(&mut self, text: &str) {
        let Some(data) = self.data.clone() else { return };
        match self.filter.apply(&data, text) {
            Ok(()) => {
                self.ask_rows();
                self.table.list.at = 0;
            }
            Err(fault) => self.say(Paint::Bad, fault.message),
        }
    }

    /// Narrows everything to a range of time, or to none.
    pub fn narrow_time(&mut self, range: Option<(i64, i64)>) {
        self.range = range.map(|(a, b)| (a.min(b), a.max(b)));
        self.ask_rows();
    }

    /// Leaves a remark until the next key.
    pub fn say(&mut self, role: Paint, text: impl Into<String>) {
        self.remark = Some((role, text.into()));
    }

    /// Copies a text.
    pub fn copy(&mut self, text: &str, what: &str) {
        self.clipboard = Some(text.to_owned());
        let first = text.lines().next().unwrap_or_default();
        self.say(Paint::Good, format!("{what} copied (OSC 52): {first}"));
    }
}
