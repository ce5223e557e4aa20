//! The loop around the state: terminal, input thread, ticks.
//!
//! The terminal is left as it was found, also after a panic on any thread and after a
//! signal that ends the program. Keys come from `/dev/tty` where standard input is a
//! capture.

use super::app::App;
use super::config::Config;
use super::load::{self, Read};
use super::view;
use super::work::{Event, Watch};
use crate::unfinished;
use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::execute;
use ratatui::DefaultTerminal;
use std::io::{self, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

/// Time between two looks at the progress.
const TICK: Duration = Duration::from_millis(100);

/// What is to be shown, and how.
pub struct Source {
    /// Reads the captures.
    pub read: Read,
    /// Bytes to read, where it is known.
    pub total: Option<u64>,
    /// The captures, as they were given.
    pub name: String,
    /// Keys and colours.
    pub config: Config,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The user left.
    Quit,
    /// The captures could not be read; why.
    Unread(String),
    /// A thread panicked, which the panic hook has said.
    Died,
}

/// Runs until the user leaves.
///
/// # Errors
/// Where the terminal cannot be used.
pub fn run(source: Source) -> io::Result<Ended> {
    let (events, queue) = mpsc::channel();
    let counter = Arc::new(AtomicU64::new(0));
    let mut app = App::new(source.config, source.name.clone(), source.total, events.clone());
    let mut terminal = enter()?;
    if let Ok(size) = terminal.size() {
        app.size = (size.width, size.height);
    }
    listen(events.clone());
    signals(events.clone());
    load::start(source.read, source.name, Arc::clone(&counter), events);
    let ended = serve(&mut terminal, &mut app, &queue, &counter);
    // What a worker was writing is not whole.
    unfinished::remove_all();
    // After a panic the hook has left it, and what it said must not be written over.
    if !app.died {
        leave();
    }
    ended.map(|()| match (app.died, app.failed) {
        (true, _) => Ended::Died,
        (_, Some(why)) => Ended::Unread(why),
        _ => Ended::Quit,
    })
}

/// Takes the terminal; a panic gives it back.
fn enter() -> io::Result<DefaultTerminal> {
    let terminal = ratatui::try_init()?;
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let _ = execute!(stdout(), DisableMouseCapture, DisableBracketedPaste);
        before(info);
    }));
    more_keys()?;
    Ok(terminal)
}

/// Clicks and pastes come as events.
fn more_keys() -> io::Result<()> {
    execute!(stdout(), EnableMouseCapture, EnableBracketedPaste)
}

/// Gives the terminal back to who must end the program from outside of the loop.
pub fn give_back() {
    leave();
}

fn leave() {
    let _ = execute!(stdout(), DisableMouseCapture, DisableBracketedPaste);
    ratatui::restore();
}

/// Gives the terminal to the shell until that lets the program go on.
#[cfg(unix)]
fn suspend(terminal: &mut DefaultTerminal) -> io::Result<()> {
    leave();
    signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
    crossterm::terminal::enable_raw_mode()?;
    execute!(stdout(), crossterm::terminal::EnterAlternateScreen)?;
    more_keys()?;
    draw_all(terminal)
}

/// The next drawing writes every cell, at the size that the window has now.
fn draw_all(terminal: &mut DefaultTerminal) -> io::Result<()> {
    let size = terminal.size()?;
    // `Terminal::clear` asks the terminal where the cursor is, and the thread that reads
    // keys would get the answer.
    terminal.resize(size.into())
}

/// Nothing here stops a program and lets it go on.
#[cfg(not(unix))]
fn suspend(_terminal: &mut DefaultTerminal) -> io::Result<()> {
    Ok(())
}

/// Keys and clicks, for as long as somebody listens.
fn listen(events: Sender<Event>) {
    std::thread::spawn(move || {
        let watch = Watch(events);
        while let Ok(event) = crossterm::event::read() {
            if watch.0.send(Event::Input(event)).is_err() {
                return;
            }
        }
        // Without a keyboard nobody could leave.
        let _ = watch.0.send(Event::Loaded(Err("the terminal is gone".to_owned())));
    });
}

/// A signal that would end the program ends it by the loop, which gives the terminal back.
#[cfg(unix)]
fn signals(events: Sender<Event>) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    // Ctrl-C is a key here; SIGINT comes from elsewhere.
    if let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGTERM, SIGHUP, SIGINT]) {
        std::thread::spawn(move || {
            if signals.forever().next().is_some() {
                let _ = events.send(Event::Ended);
            }
        });
    }
}

#[cfg(not(unix))]
fn signals(_events: Sender<Event>) {}

fn serve(
    terminal: &mut DefaultTerminal,
    app: &mut App,
    queue: &Receiver<Event>,
    counter: &AtomicU64,
) -> io::Result<()> {
    while !app.quit {
        app.progress.read = counter.load(Ordering::Relaxed);
        terminal.draw(|frame| view::draw(app, frame))?;
        let first = if app.data.is_some() {
            queue.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            queue.recv_timeout(TICK)
        };
        match first {
            Ok(event) => app.handle(event),
            Err(RecvTimeoutError::Timeout) => app.handle(Event::Tick),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        // What has come meanwhile needs one drawing, not one each.
        for event in queue.try_iter() {
            app.handle(event);
        }
        if let Some(text) = app.clipboard.take() {
            execute!(stdout(), CopyToClipboard::to_clipboard_from(text))?;
        }
        if std::mem::take(&mut app.suspend) {
            suspend(terminal)?;
            // The window may have another size by now.
            app.size = terminal.size().map_or(app.size, |size| (size.width, size.height));
        }
        if std::mem::take(&mut app.redraw) {
            draw_all(terminal)?;
        }
    }
    Ok(())
}
