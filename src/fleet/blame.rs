//! Whose fault it is where a question is not answered: a capture whose tables are not sound is left out, and
//! the others are asked again.

use super::members::Tables;
use super::packed::all;
use super::plan::{self, Asked};
use super::rows::Unfit;
use datafusion::common::DataFusionError;
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;

/// What keeps a question from being answered.
pub(super) enum Trouble {
    /// A capture's tables, by its place.
    Of(usize, String),
    /// Something else.
    Engine(DataFusionError),
}

impl From<DataFusionError> for Trouble {
    fn from(error: DataFusionError) -> Self {
        Self::Engine(error)
    }
}

/// Whose fault it is, as far as can be told.
pub(super) async fn blamed(near: &SessionContext, members: &[Tables], trouble: Trouble) -> Trouble {
    let Trouble::Engine(error) = trouble else { return trouble };
    let text = error.to_string();
    if let Some((id, why)) = named_in(&text)
        && let Some(at) = members.iter().position(|member| member.id == id)
    {
        return Trouble::Of(at, why.to_owned());
    }
    // Each by itself: where one cannot be read, it is that one.
    for (at, member) in members.iter().enumerate() {
        if let Err(fault) = readable(near, member).await {
            return Trouble::Of(at, format!("cannot be read ({})", fault.strip_backtrace()));
        }
    }
    Trouble::Engine(error)
}

async fn readable(near: &SessionContext, member: &Tables) -> Result<(), DataFusionError> {
    let member = std::slice::from_ref(member);
    for table in all() {
        let Some(rows) = plan::scan(near, member, table, &Asked::default())? else {
            continue;
        };
        let mut batches = rows.execute_stream().await?;
        while batches.try_next().await?.is_some() {}
    }
    Ok(())
}

/// Of what cannot be put together.
pub(super) fn of(unfit: &Unfit, members: &[Tables]) -> Trouble {
    match unfit.capture.filter(|at| *at < members.len()) {
        Some(at) => Trouble::Of(at, unfit.why.clone()),
        None => Trouble::Engine(DataFusionError::Execution(unfit.why.clone())),
    }
}

/// The capture that a function of ours named, and what is wrong with it.
fn named_in(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = text.split_once("lbdiag: capture ")?;
    let (id, rest) = rest.split_once(": ")?;
    Some((id, rest.split_once(';')?.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_is_found_in_what_an_engine_says() {
        let said =
            "External error: task 7 failed: lbdiag: capture 9fb3: a row is there twice; at stage 2";
        assert_eq!(named_in(said), Some(("9fb3", "a row is there twice")));
        assert_eq!(named_in("no space left"), None);
    }
}
