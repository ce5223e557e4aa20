//! The same two pieces of work as aggregate functions of the engine.
//!
//! [`Tie`] gathers the packed rows of each part and gives what [`work::tie`] makes of it; [`Diagnose`]
//! gathers what all parts gave and gives the report.

use super::broadcast::Broadcast;
use super::functions::fault;
use super::lists::Lists;
use super::packed::append;
use super::rows::Unfit;
use super::work;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, LargeBinaryBuilder};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature,
    TypeSignature, Volatility,
};
use std::sync::Arc;

/// Their names, by which executors know them.
pub(super) const TIE: &str = "lbdiag_tie";
/// See [`TIE`].
pub(super) const DIAGNOSE: &str = "lbdiag_diagnose";

/// Ties and counts the connections of a part.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Tie {
    pub(super) broadcast: Arc<Broadcast>,
    signature: Signature,
}

/// Diagnoses what was kept of all parts.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Diagnose {
    pub(super) broadcast: Arc<Broadcast>,
    signature: Signature,
}

fn takes(kind: DataType) -> Signature {
    Signature::new(TypeSignature::Exact(vec![kind]), Volatility::Immutable)
}

pub(super) fn tie(broadcast: &Arc<Broadcast>) -> AggregateUDF {
    let (broadcast, signature) = (Arc::clone(broadcast), takes(DataType::Binary));
    AggregateUDF::new_from_impl(Tie { broadcast, signature })
}

pub(super) fn diagnose(broadcast: &Arc<Broadcast>) -> AggregateUDF {
    let (broadcast, signature) = (Arc::clone(broadcast), takes(DataType::LargeBinary));
    AggregateUDF::new_from_impl(Diagnose { broadcast, signature })
}

fn error(broadcast: &Broadcast, unfit: &Unfit) -> DataFusionError {
    let member = unfit.capture.and_then(|at| broadcast.members.get(at));
    DataFusionError::Execution(match member {
        Some(own) => fault(&own.id, &unfit.why),
        None => format!("lbdiag: {}", unfit.why),
    })
}

fn state() -> Vec<FieldRef> {
    vec![Arc::new(Field::new("rows", DataType::LargeBinary, true))]
}

impl AggregateUDFImpl for Tie {
    fn name(&self) -> &str {
        TIE
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::LargeBinary)
    }

    fn state_fields(&self, _: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(state())
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Err(DataFusionError::NotImplemented("parts are tied by groups".to_owned()))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Parts { broadcast: Arc::clone(&self.broadcast), lists: Lists::default() }))
    }
}

/// The rows of each part so far.
struct Parts {
    broadcast: Arc<Broadcast>,
    lists: Lists,
}

impl Parts {
    /// Parts that are asked for.
    fn asked(&self, emit: EmitTo) -> usize {
        match emit {
            EmitTo::All => self.lists.len(),
            EmitTo::First(parts) => parts,
        }
    }
}

impl GroupsAccumulator for Parts {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        all: usize,
    ) -> Result<()> {
        self.lists.room(all);
        let rows = values[0].as_binary::<i32>();
        for (at, group) in groups.iter().enumerate() {
            let wanted = filter.is_none_or(|filter| filter.is_valid(at) && filter.value(at));
            if wanted && rows.is_valid(at) {
                self.lists.push(*group, rows.value(at))?;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let mut out = LargeBinaryBuilder::new();
        let parts = self.asked(emit);
        self.lists.take(parts, |list| -> Result<()> {
            let tied = work::tie(&self.broadcast, &list).map_err(|e| error(&self.broadcast, &e))?;
            out.append_value(tied);
            Ok(())
        })?;
        Ok(Arc::new(out.finish()))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let mut out = LargeBinaryBuilder::new();
        let parts = self.asked(emit);
        self.lists.take(parts, |list| -> Result<()> {
            out.append_value(list);
            Ok(())
        })?;
        Ok(vec![Arc::new(out.finish())])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], all: usize) -> Result<()> {
        self.lists.room(all);
        let lists = values[0].as_binary::<i64>();
        for (at, group) in groups.iter().enumerate() {
            if lists.is_valid(at) {
                self.lists.extend(*group, lists.value(at))?;
            }
        }
        Ok(())
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let rows = values[0].as_binary::<i32>();
        let mut out = LargeBinaryBuilder::new();
        let mut list = Vec::new();
        for at in 0..rows.len() {
            let wanted = filter.is_none_or(|filter| filter.is_valid(at) && filter.value(at));
            list.clear();
            if wanted && rows.is_valid(at) {
                append(&mut list, rows.value(at));
            }
            out.append_value(&list);
        }
        Ok(vec![Arc::new(out.finish())])
    }

    fn size(&self) -> usize {
        self.lists.held()
    }
}

impl AggregateUDFImpl for Diagnose {
    fn name(&self) -> &str {
        DIAGNOSE
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::LargeUtf8)
    }

    fn state_fields(&self, _: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(state())
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Whole { broadcast: Arc::clone(&self.broadcast), parts: Vec::new() }))
    }
}

/// What parts gave so far.
#[derive(Debug)]
struct Whole {
    broadcast: Arc<Broadcast>,
    parts: Vec<Vec<u8>>,
}

impl Accumulator for Whole {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let parts = values[0].as_binary::<i64>();
        self.parts.extend(parts.iter().flatten().map(<[u8]>::to_vec));
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let told = work::diagnosed(&self.broadcast, &std::mem::take(&mut self.parts))
            .map_err(|e| error(&self.broadcast, &e))?;
        let text = serde_json::to_string(&told)
            .map_err(|e| DataFusionError::Execution(format!("the report cannot be told: {e}")))?;
        Ok(ScalarValue::LargeUtf8(Some(text)))
    }

    fn size(&self) -> usize {
        self.parts.iter().map(Vec::len).sum()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        // Several parts as one list, each with its length.
        let mut list = Vec::new();
        for part in self.parts.drain(..) {
            list.extend((part.len() as u64).to_le_bytes());
            list.extend(part);
        }
        Ok(vec![ScalarValue::LargeBinary(Some(list))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for list in states[0].as_binary::<i64>().iter().flatten() {
            let mut rest = list;
            while let Some((length, after)) = rest.split_first_chunk::<8>() {
                let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
                let Some((part, after)) = after.split_at_checked(length) else { break };
                self.parts.push(part.to_vec());
                rest = after;
            }
        }
        Ok(())
    }
}
