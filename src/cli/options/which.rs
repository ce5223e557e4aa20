//! Connections and findings as a user names them: by number, or by the client.
//!
//! Refuses to guess: a number that leads nowhere is an error that says what there is.

use super::reading::Reading;
use anyhow::{anyhow, bail};
use lbdiag::diagnose::Diagnosis;
use lbdiag::report::End;
use lbdiag::report::story::{self, Ask};
use lbdiag::trace::{ConnectionId, Trace};

/// The connection with a number, from 1.
pub(crate) fn connection(
    number: u32,
    trace: &Trace,
    reading: &Reading,
) -> anyhow::Result<ConnectionId> {
    let all = trace.connections.list.len();
    let index = number.checked_sub(1).filter(|index| (*index as usize) < all);
    match index {
        Some(index) => Ok(ConnectionId(index)),
        None if all == 0 => bail!("there is no connection {number}: the captures have none"),
        None => bail!(
            "there is no connection {number}: there are 1 to {all}; list them: lbdiag connections {}",
            reading.named()
        ),
    }
}

/// The index of the finding with a number, from 1.
pub(crate) fn finding(
    number: usize,
    diagnosis: &Diagnosis,
    reading: &Reading,
) -> anyhow::Result<usize> {
    let all = diagnosis.findings.len();
    match number.checked_sub(1).filter(|index| *index < all) {
        Some(index) => Ok(index),
        None if all == 0 => bail!("there is no finding {number}: nothing was found here"),
        None => bail!(
            "there is no finding {number}: there are 1 to {all}; see lbdiag {}",
            reading.named()
        ),
    }
}

/// The most telling connection of a client, with the finding that explains it.
pub(crate) fn of_client(
    client: End,
    trace: &Trace,
    diagnosis: &Diagnosis,
    reading: &Reading,
) -> anyhow::Result<story::Chosen> {
    let ask = Ask { client, at: None, captures: reading.named() };
    story::choose(trace, diagnosis, &ask).map_err(|why| anyhow!(why))
}
