//! The state of the program: one struct, changed by events, read by the drawing.
//!
//! Panes and events build on what is here, and nothing here knows them. Nothing writes to the
//! terminal: what must reach it otherwise than by drawing (text for the clipboard) waits in a
//! field. Work that takes longer than a key may is the workers'.

use super::action::Action;
use super::config::Config;
use super::data::Data;
use super::filter::FilterState;
use super::rows::{self, Rows};
use super::states::{findings, help, ladder, overview, path, save, table, timeline};
use super::theme::Paint;
use super::work::{Event, Job, Workers};
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
    /// Who does what takes longer than a key may; none before there is data.
    pub workers: Option<Workers>,
    /// Where workers answer.
    pub events: Sender<Event>,
    /// The last request for the table's rows.
    pub rows_asked: u64,
    /// The last answer to one.
    pub rows_shown: u64,
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

    /// The data, which panes are only asked to act on once it is there.
    pub(super) fn loaded_data(&self) -> Option<Arc<Data>> {
        self.data.clone()
    }
}
