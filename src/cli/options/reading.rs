//! What all commands that read captures share: which, whose roles, which part of
//! their time, and how the reading itself is done.
//!
//! Refuses to judge: what comes out is a [`Trace`].

use super::redacting::{MapFile, Redacting};
use super::role;
use super::screen::Screen;
use super::stating::{STATED, Stating};
use crate::cli::find::{find, stop_at_misspelt, with_hint};
use crate::cli::say::Say;
use crate::cli::stages::Stages;
use crate::cli::{memory, progress};
use anyhow::{anyhow, bail};
use lbdiag::bundle;
use lbdiag::capture::{CaptureError, Input, Inputs, Source};
use lbdiag::load::{self, Loaded, Origin, Seen};
use lbdiag::redact::{self, Labels, Mask, Redactor};
use lbdiag::shell::quote;
use lbdiag::state::HostState;
use lbdiag::topology::StatedRoles;
use lbdiag::trace::Trace;
use lbdiag::window::{self, Moment, Window};
use lbdiag::wire::Ip;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// The captures and how to read them.
#[derive(Debug, clap::Args)]
pub(crate) struct Reading {
    /// File, folder, archive, pattern, or - for standard input; NAME=CAPTURE labels it
    #[arg(value_name = "CAPTURE", value_hint = clap::ValueHint::AnyPath)]
    pub(crate) captures: Vec<String>,

    /// Search the folders inside folders too, as deep as they go or DEPTH levels
    #[arg(short, long, value_name = "DEPTH", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "64", default_value_t = 0, hide_default_value = true)]
    recursive: usize,

    #[command(flatten)]
    pub(crate) screen: Screen,

    /// Leave out frames before TIME: 07:41[:51[.5]] (UTC), RFC 3339, +10s, -5m
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = WINDOW)]
    since: Option<Moment>,

    /// Leave out frames after TIME
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = WINDOW)]
    until: Option<Moment>,

    /// Address of a service
    #[arg(long, value_name = "IP", value_parser = role::vip)]
    #[arg(help_heading = STATED)]
    vip: Vec<Ip>,

    #[command(flatten)]
    stating: Stating,

    #[command(flatten)]
    redacting: Redacting,
}

const WINDOW: &str = "Part of the time (by each capture's own clock, not corrected)";

/// Columns that the captures may take in a command to paste.
const MAX_CAPTURES: usize = 60;

/// What was read.
pub(crate) struct Taken {
    /// All that the captures show.
    pub(crate) trace: Trace,
    /// What could not be read and what was done that may not be expected.
    pub(crate) notes: Vec<String>,
    /// What was done that only who looks closely wants to know.
    pub(crate) details: Vec<String>,
    /// What every document passes before it is drawn.
    pub(crate) redactor: Redactor,
    map_file: MapFile,
}

impl Taken {
    /// Writes what stands for what, where that is to be kept.
    pub(crate) fn keep_map(&self) -> anyhow::Result<()> {
        self.map_file.keep(self.redactor.kept())
    }
}

impl Reading {
    /// These captures, in the way that nobody asked for anything else.
    pub(crate) fn plain(captures: Vec<String>, screen: Screen) -> Self {
        Self {
            recursive: 0,
            captures,
            screen,
            since: None,
            until: None,
            vip: Vec::new(),
            stating: Stating::default(),
            redacting: Redacting::default(),
        }
    }

    /// The same of a part of the time, through so many levels of folders.
    pub(crate) fn of_time(
        &mut self,
        recursive: usize,
        since: Option<Moment>,
        until: Option<Moment>,
    ) {
        (self.recursive, self.since, self.until) = (recursive, since, until);
    }

    /// The voice on stderr.
    pub(crate) fn say(&self) -> Say {
        self.screen.say()
    }

    /// The captures as they were given, for a command to paste; `CAPTURE...` where
    /// they are many, need quotes, or are not to be named.
    pub(crate) fn named(&self) -> String {
        let words: Vec<String> = self.captures.iter().map(|name| argument(name)).collect();
        let all = words.join(" ");
        if !self.redacting.is_on() && all.len() <= MAX_CAPTURES {
            all
        } else {
            "CAPTURE...".to_owned()
        }
    }

    /// Reads; `None` where nothing could be read, which stderr has been told.
    ///
    /// `told`: whether the result itself shows the notes to who sees it.
    pub(crate) fn read(&self, told: bool, stages: &mut Stages) -> anyhow::Result<Option<Taken>> {
        let say = self.say();
        memory::watch(say, || {});
        let job = self.prepare()?;
        if job.waits_for_paste() {
            say.note("paste what tcpdump printed, then press Enter and Ctrl-D");
        }
        for failure in &job.unnamed {
            say.error(&with_hint(failure));
        }
        for note in job.notes.iter().filter(|_| !told) {
            say.note(note);
        }
        stages.ended("finding the captures");

        let shown = self.screen.shows_progress();
        let inputs = job.inputs.clone();
        let mut details = job.details.clone();
        let (read, failures) = progress::watch(shown, job.total(), |counter| job.run(counter));
        for failure in &failures {
            say.error(&failure.to_string());
        }
        let Some((mut trace, mut notes)) = read? else { return Ok(None) };
        stages.ended("reading and joining");
        stages.within(&trace.spent);
        let mut redactor = self.redacting.redactor()?;
        if redactor.is_on() {
            redactor.trace(&mut trace, &Labels::new(&inputs));
            details.clear();
            notes = redact::without_names(notes);
        }
        let map_file = self.redacting.map_file();
        Ok(Some(Taken { trace, notes, details, redactor, map_file }))
    }

    /// What is to be shown in the place of addresses, and where that is kept.
    pub(crate) fn mask(&self) -> anyhow::Result<(Arc<Mask>, MapFile)> {
        Ok((self.redacting.mask()?, self.redacting.map_file()))
    }

    /// Finds the captures and what is said of them, and reads none yet.
    pub(crate) fn prepare(&self) -> anyhow::Result<Job> {
        stop_at_misspelt(&self.captures)?;
        let mut sorted = load::sort_out(&self.captures);
        let opened = bundle::open(&sorted.captures)?;
        let tables = sorted.has_tables() || !sorted.faults.is_empty();
        let nothing = opened.args.is_empty() && opened.captures.is_empty();
        if nothing && !tables && !opened.states.is_empty() {
            bail!(
                "{}: this is what hosts say of themselves, which is read beside a capture; name one too, or the text that is printed by: tcpdump -nn -e -v -i any{}",
                self.captures.join(", "),
                if self.redacting.is_on() { String::new() } else { dropped(&opened.states) }
            );
        }
        let (inputs, mut unnamed) = match tables && nothing {
            true => (Inputs::default(), Vec::new()),
            false => find(&opened.args, self.recursive, opened.captures)?,
        };
        unnamed.append(&mut sorted.faults);
        sorted.captures = opened.args;
        let window = Window::new(&inputs.inputs, self.since, self.until).map_err(|e| anyhow!(e))?;
        let mut states = self.stating.states()?;
        states.hosts.extend(opened.states);
        states.notes.extend(opened.notes);
        let stated = self.stating.roles(&self.vip, &states.hosts);
        Ok(Job {
            origins: sorted.origins(&inputs.inputs, self.recursive),
            inputs: inputs.inputs,
            unnamed,
            notes: inputs.notes.into_iter().chain(states.notes).collect(),
            details: inputs.details,
            window,
            states: states.hosts,
            stated,
            align: self.stating.aligns(),
        })
    }
}

/// What outputs without a capture say was dropped: that much is told without one.
fn dropped(states: &[HostState]) -> String {
    let rows = states.iter().flat_map(|state| state.dropped.iter().map(move |d| (state, d)));
    let end = |(ip, port): (Ip, Option<u16>)| match port {
        Some(port) => ip.with_port(port),
        None => ip.to_string(),
    };
    let told = rows.take(NAMED).map(|(state, d)| {
        let (from, to, at) = (end(d.from), end(d.to), state.place(d.at));
        format!("\n{at}: {from} > {to} was dropped by {}", d.by)
    });
    told.collect()
}

/// Paths that a sentence names.
const NAMED: usize = 4;

/// Why frames cannot be read again, and where they are.
pub(crate) fn no_frames(trace: &Trace) -> String {
    let files = trace.captures.iter().flat_map(|capture| &capture.files);
    let away: Vec<&str> =
        files.filter(|file| file.is_elsewhere()).map(|file| file.path.as_str()).collect();
    frames_of(&away)
}

/// The same by the files that were indexed.
pub(crate) fn frames_of(away: &[&str]) -> String {
    let Some(more) = away.len().checked_sub(1) else {
        return "captures are gone or have changed".to_owned();
    };
    let named = away[..away.len().min(NAMED)].join(", ");
    let rest =
        if more >= NAMED { format!(" and {} more", away.len() - NAMED) } else { String::new() };
    format!(
        "tables have none; they are in {named}{rest}, on the hosts where these were indexed: name captures in place of their tables"
    )
}

/// Whether an input is standard input.
fn is_stdin(input: &Input) -> bool {
    input.files.contains(&Source::Stdin)
}

/// All that the captures show, and remarks.
pub(crate) type Read = (Trace, Vec<String>);

/// All that a reading needs.
pub(crate) struct Job {
    inputs: Vec<Input>,
    /// These, and the tables that were made of others.
    origins: Vec<Origin>,
    /// Names that lead nowhere.
    pub(crate) unnamed: Vec<CaptureError>,
    /// What was done that may not be expected.
    pub(crate) notes: Vec<String>,
    /// The same for who looks closely.
    pub(crate) details: Vec<String>,
    window: Window,
    states: Vec<HostState>,
    stated: StatedRoles,
    align: bool,
}

impl Job {
    /// Whether it would read from the terminal that a person sits at.
    pub(crate) fn waits_for_paste(&self) -> bool {
        self.inputs.iter().any(is_stdin) && io::stdin().is_terminal()
    }

    /// The labels that were typed, which may be shown to anybody.
    pub(crate) fn labels(&self) -> Labels {
        Labels::new(&self.inputs)
    }

    /// Bytes to read, where all sources have a size.
    pub(crate) fn total(&self) -> Option<u64> {
        progress::total(&self.origins)
    }

    /// Whether hosts said something of themselves.
    pub(crate) fn has_states(&self) -> bool {
        !self.states.is_empty()
    }

    /// Whether tables are among what is to be read.
    pub(crate) fn has_tables(&self) -> bool {
        self.origins.iter().any(|origin| matches!(origin, Origin::Tables(_)))
    }

    /// Reads what can be observed, counting bytes, and concludes nothing.
    pub(crate) fn see(self, counter: &AtomicU64) -> Seen {
        load::see(&self.origins, &self.window, counter)
    }

    /// Reads, counting bytes: the trace with remarks, or nothing where no capture could be
    /// read. Beside it, what could not.
    pub(crate) fn run(
        self,
        counter: &AtomicU64,
    ) -> (anyhow::Result<Option<Read>>, Vec<CaptureError>) {
        let how = load::How { stated: &self.stated, window: &self.window, align: self.align };
        let Loaded { trace, failures } = load::load_all(&self.origins, &how, counter);
        if trace.captures.is_empty() {
            return (Ok(None), failures);
        }
        if let Err(error) = something_left(&trace, &self.window) {
            return (Err(error), failures);
        }
        let trace = trace.with_states(self.states);
        let missing = self.unnamed.iter().chain(&failures).map(ToString::to_string);
        let notes = missing.chain(self.notes).collect();
        (Ok(Some((trace, notes))), failures)
    }
}

/// An error where a window left nothing: no verdict rests on nothing.
fn something_left(trace: &Trace, window: &Window) -> anyhow::Result<()> {
    if window.is_open() || trace.vantages.iter().any(|v| v.tally.frames > 0) {
        return Ok(());
    }
    let files = || trace.captures.iter().flat_map(|capture| &capture.files);
    let start = files().filter_map(|file| file.start).min();
    let end = files().filter_map(|file| file.end).max();
    let (Some(start), Some(end)) = (start, end) else { return Ok(()) };
    bail!(
        "no frame lies in the window {}: the captures span {} to {} UTC by their own clocks; choose --since and --until between",
        window.describe(start),
        window::text(start),
        window::text(end)
    )
}

/// A capture as it was given, for a command to paste: one word.
fn argument(name: &str) -> String {
    if name == "-" { name.to_owned() } else { quote(name) }
}
