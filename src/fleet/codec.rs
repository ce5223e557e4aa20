//! The functions as they travel to executors: a name, and what it needs to know.
//!
//! Every executor is this program, so a name is enough to find the function; what it knows of the fleet
//! ([`Broadcast`]) goes along, and is unpacked once.

use super::aggregates::{self, DIAGNOSE, Diagnose, TIE, Tie};
use super::broadcast::Broadcast;
use super::functions::{self, KEY, Key, Number, PACK, Pack, Which};
use ballista_core::serde::{BallistaLogicalExtensionCodec, BallistaPhysicalExtensionCodec};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::{DataFusionError, Result, TableReference};
use datafusion::datasource::file_format::FileFormatFactory;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{AggregateUDF, Extension, LogicalPlan, ScalarUDF};
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::logical_plan::LogicalExtensionCodec;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use std::sync::{Arc, Mutex, PoisonError};

/// What was unpacked last: functions of one question know one of two things.
static LAST: Mutex<Vec<(Vec<u8>, Arc<Broadcast>)>> = Mutex::new(Vec::new());
/// Questions that are kept.
const KEPT: usize = 4;

fn unpacked(bytes: &[u8]) -> Result<Arc<Broadcast>> {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, broadcast)) = last.iter().find(|(known, _)| known == bytes) {
        return Ok(Arc::clone(broadcast));
    }
    let broadcast = Broadcast::decode(bytes)
        .ok_or_else(|| DataFusionError::Execution("another lbdiag asks".to_owned()))?;
    let broadcast = Arc::new(broadcast);
    if last.len() == KEPT {
        last.remove(0);
    }
    last.push((bytes.to_vec(), Arc::clone(&broadcast)));
    Ok(broadcast)
}

fn scalar_out(function: &ScalarUDF, out: &mut Vec<u8>) {
    let inner = function.inner();
    if let Some(pack) = inner.downcast_ref::<Pack>() {
        out.push(pack.table as u8);
        out.extend(pack.broadcast.encode(false));
    } else if let Some(key) = inner.downcast_ref::<Key>() {
        out.push(u8::from(key.own));
    } else if let Some(number) = inner.downcast_ref::<Number>() {
        out.extend(number.broadcast.encode(false));
    }
}

fn scalar_in(name: &str, bytes: &[u8]) -> Result<Option<ScalarUDF>> {
    let first = || bytes.split_first();
    Ok(match (name, first()) {
        (PACK, Some((table, rest))) => Some(functions::pack(&unpacked(rest)?, usize::from(*table))),
        (KEY, Some((own, _))) => Some(functions::key(*own != 0)),
        _ => match Which::named(name) {
            Some(which) => Some(functions::number(which, &unpacked(bytes)?)),
            None => None,
        },
    })
}

fn aggregate_out(function: &AggregateUDF, out: &mut Vec<u8>) {
    let inner = function.inner();
    if let Some(tie) = inner.downcast_ref::<Tie>() {
        out.extend(tie.broadcast.encode(true));
    } else if let Some(diagnose) = inner.downcast_ref::<Diagnose>() {
        out.extend(diagnose.broadcast.encode(true));
    }
}

fn aggregate_in(name: &str, bytes: &[u8]) -> Result<Option<AggregateUDF>> {
    Ok(match name {
        TIE => Some(aggregates::tie(&unpacked(bytes)?)),
        DIAGNOSE => Some(aggregates::diagnose(&unpacked(bytes)?)),
        _ => None,
    })
}

/// The same four for both kinds of plan: what is not ours is the engine's.
macro_rules! functions_by_name {
    () => {
        fn try_encode_udf(&self, function: &ScalarUDF, out: &mut Vec<u8>) -> Result<()> {
            scalar_out(function, out);
            Ok(())
        }

        fn try_decode_udf(&self, name: &str, bytes: &[u8]) -> Result<Arc<ScalarUDF>> {
            match scalar_in(name, bytes)? {
                Some(function) => Ok(Arc::new(function)),
                None => self.0.try_decode_udf(name, bytes),
            }
        }

        fn try_encode_udaf(&self, function: &AggregateUDF, out: &mut Vec<u8>) -> Result<()> {
            aggregate_out(function, out);
            Ok(())
        }

        fn try_decode_udaf(&self, name: &str, bytes: &[u8]) -> Result<Arc<AggregateUDF>> {
            match aggregate_in(name, bytes)? {
                Some(function) => Ok(Arc::new(function)),
                None => self.0.try_decode_udaf(name, bytes),
            }
        }
    };
}

/// For plans as they are asked for.
#[derive(Debug, Default)]
pub(super) struct Logical(BallistaLogicalExtensionCodec);

impl LogicalExtensionCodec for Logical {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[LogicalPlan],
        context: &TaskContext,
    ) -> Result<Extension> {
        self.0.try_decode(bytes, inputs, context)
    }

    fn try_encode(&self, node: &Extension, out: &mut Vec<u8>) -> Result<()> {
        self.0.try_encode(node, out)
    }

    fn try_decode_table_provider(
        &self,
        bytes: &[u8],
        table: &TableReference,
        schema: SchemaRef,
        context: &TaskContext,
    ) -> Result<Arc<dyn TableProvider>> {
        self.0.try_decode_table_provider(bytes, table, schema, context)
    }

    fn try_encode_table_provider(
        &self,
        table: &TableReference,
        node: Arc<dyn TableProvider>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        self.0.try_encode_table_provider(table, node, out)
    }

    fn try_decode_file_format(
        &self,
        bytes: &[u8],
        context: &TaskContext,
    ) -> Result<Arc<dyn FileFormatFactory>> {
        self.0.try_decode_file_format(bytes, context)
    }

    fn try_encode_file_format(
        &self,
        out: &mut Vec<u8>,
        node: Arc<dyn FileFormatFactory>,
    ) -> Result<()> {
        self.0.try_encode_file_format(out, node)
    }

    functions_by_name!();
}

/// For plans as they are carried out.
#[derive(Debug, Default)]
pub(super) struct Physical(BallistaPhysicalExtensionCodec);

impl PhysicalExtensionCodec for Physical {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.0.try_decode(bytes, inputs, context, converter)
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        out: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        self.0.try_encode(node, out, converter)
    }

    functions_by_name!();
}
