//! What happens to the state: keys, data that has been read, answers of the workers.
//!
//! [`App::handle`] is all that changes it.

use super::app::App;
use super::data::Data;
use super::panes::{findings, ladder, overview, save, table, timeline};
use super::rows;
use super::states::timeline::fit;
use super::work::{Done, Event, Workers};
use std::sync::Arc;

impl App {
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
        fit(&mut self.timeline, data.columns.span);
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
                self.timeline.stale = true;
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
}
