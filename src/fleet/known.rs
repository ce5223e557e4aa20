//! What every part of the work knows, asked for before: captures, vantages, hosts, and what lies in one part
//! though its numbers differ.

use super::asking::Asking;
use super::blame::{Trouble, of};
use super::broadcast::{Broadcast, How, Member};
use super::members::Tables;
use super::packed::{append, entry, named_client};
use super::plan::{self, Asked};
use super::rows::{Rows, Unfit};
use super::said::Said;
use super::together::{MOST, Together};
use super::work::stream_of;
use crate::capture::{self, Timestamp};
use crate::load::{free_label, relabelled};
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::UInt32Type;
use datafusion::common::DataFusionError;
use datafusion::dataframe::DataFrame;
use futures::TryStreamExt;
use std::collections::HashMap;
use std::sync::Arc;

/// Vantages of all captures together: they are numbered in 16 bits.
const MAX_VANTAGES: usize = 1 << 16;

impl Asking<'_> {
    /// What every part knows, with the first and last moment of all captures.
    pub(super) async fn broadcast(
        &self,
        members: &[Tables],
        how: How,
    ) -> Result<(Broadcast, Timestamp, Timestamp), Trouble> {
        let places: HashMap<&str, usize> =
            members.iter().enumerate().map(|(at, member)| (member.id.as_str(), at)).collect();
        let mut vantages: Vec<Vec<(u32, String)>> = vec![Vec::new(); members.len()];
        let rows = match plan::vantages(self.near, members)? {
            Some(rows) => rows.collect().await?,
            None => Vec::new(),
        };
        for batch in &rows {
            let numbers = batch.column(0).as_primitive::<UInt32Type>();
            let (ids, names) =
                (batch.column(1).as_string::<i32>(), batch.column(2).as_string::<i32>());
            for row in 0..batch.num_rows() {
                let at = (!ids.is_null(row)).then(|| places.get(ids.value(row))).flatten();
                let name = if names.is_null(row) { "" } else { names.value(row) };
                if let Some(at) = at {
                    vantages[*at].push((numbers.value(row), name.to_owned()));
                }
            }
        }
        let mut own: Vec<Member> = Vec::new();
        let mut room = MAX_VANTAGES;
        for (at, (tables, mut names)) in members.iter().zip(vantages).enumerate() {
            names.sort();
            let Some(left) = room.checked_sub(names.len()) else {
                let why = "it has more vantages than all captures together may have";
                return Err(Trouble::Of(at, why.to_owned()));
            };
            room = left;
            let vantages: Vec<String> = names.into_iter().map(|(_, name)| name).collect();
            let names = vantages.iter().cloned().map(capture::printable).collect();
            own.push(Member { id: tables.id.clone(), label: String::new(), vantages, names });
        }
        let bare = Arc::new(Broadcast::new(
            own.clone(),
            how.clone(),
            Together::default(),
            Said::default(),
            Vec::new(),
        ));
        let mut rows = Vec::new();
        if let Some(small) = plan::of_all(self.near, members, &bare)? {
            each_row(small, |row| append(&mut rows, row)).await?;
        }
        let (mut first, mut last) = (None, None);
        let known =
            Broadcast::new(own.clone(), how.clone(), Together::default(), Said::default(), rows);
        let unfit = |unfit: Unfit| of(&unfit, members);
        let seen = Rows::new(&known, &[&known.rows], None)
            .and_then(|mut rows| rows.seen())
            .map_err(unfit)?;
        for (at, capture) in seen.captures.iter().enumerate() {
            first = capture.files.iter().filter_map(|f| f.start).chain(first).min();
            last = capture.files.iter().filter_map(|f| f.end).chain(last).max();
            let label =
                free_label(&capture.label, |label| own[..at].iter().any(|o| o.label == label));
            for name in &mut own[at].names {
                *name = relabelled(name, &capture.label, &label);
            }
            own[at].label = label;
        }
        let rows = known.rows;
        let first = first.unwrap_or(Timestamp(0));
        let last = last.unwrap_or(first);
        let said = self.options.said.clone();
        Ok((Broadcast::new(own, how, Together::default(), said, rows), first, last))
    }

    /// The same with what lies in one part though its numbers differ, where there are several.
    pub(super) async fn gathered(
        &self,
        members: &[Tables],
        broadcast: Broadcast,
        asked: &Asked,
    ) -> Result<Broadcast, Trouble> {
        if broadcast.how.parts <= 1 {
            return Ok(broadcast);
        }
        let Broadcast { members: own, how, said, stated, rows, .. } = broadcast;
        let mut together = Together::default();
        together.stated(&stated);
        let most = usize::try_from(self.options.part).unwrap_or(usize::MAX);
        if let Some(some) = plan::datagrams(self.far, members, asked, most)? {
            let counts = some.collect().await?;
            let all: usize = counts.iter().map(|batch| batch.num_rows()).sum();
            together.datagrams = all < most;
        }
        let bare = |together| {
            Arc::new(Broadcast::new(
                own.clone(),
                how.clone(),
                together,
                Said::default(),
                Vec::new(),
            ))
        };
        let plain = bare(Together::default());
        if let Some(loose) = plan::loose(self.far, members, &plain, asked, MOST)? {
            each_row(loose, |row| {
                let stream = stream_of(row);
                stream.iter().for_each(|stream| together.loose(stream));
            })
            .await?;
        }
        let mut names = false;
        if let Some(naming) = plan::naming(self.far, members, &plain, asked)? {
            each_row(naming, |row| {
                names = true;
                let client = entry(row).and_then(|own| named_client(own.values));
                client.into_iter().for_each(|(ip, port)| together.client(ip, port));
            })
            .await?;
        }
        together.sort();
        if !together.is_empty() || names {
            let asking = bare(together.clone());
            if let Some(tied) = plan::tied(self.far, members, &asking, asked)? {
                for batch in tied.collect().await? {
                    let isns = batch.column(0).as_primitive::<UInt32Type>();
                    together.isns.extend(isns.iter().flatten());
                }
            }
            together.sort();
        }
        Ok(Broadcast::new(own, how, together.told(), said, rows))
    }
}

/// Shows the packed rows of a plan.
async fn each_row(plan: DataFrame, mut each: impl FnMut(&[u8])) -> Result<(), DataFusionError> {
    let mut batches = plan.execute_stream().await?;
    while let Some(batch) = batches.try_next().await? {
        batch.column(0).as_binary::<i32>().iter().flatten().for_each(&mut each);
    }
    Ok(())
}
