//! What the engine calls for each row: packs it, names whose it is, and the part that it belongs to.

use super::broadcast::Broadcast;
use super::packed::{self, entry, first_number};
use super::together::is_loose;
use super::work::{part_of, stream_of};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder, StringArray, UInt32Builder, UInt64Builder,
};
use datafusion::arrow::datatypes::{
    DataType, Int64Type, TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature,
    Volatility,
};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Packs the columns of a table into one.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Pack {
    pub(super) broadcast: Arc<Broadcast>,
    /// Place of the table.
    pub(super) table: usize,
    signature: Signature,
}

/// The stream (or link) that a packed row is of: its vantage in the high half, the number in the low.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// Its own number; else the first one that it names.
    pub(super) own: bool,
    signature: Signature,
}

/// A number that a packed stream has.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Number {
    pub(super) which: Which,
    pub(super) broadcast: Arc<Broadcast>,
    signature: Signature,
}

/// Which number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Which {
    /// The part of the work that it belongs to.
    Part,
    /// 0 where it shows no handshake, else none.
    Loose,
    /// The client's initial sequence number where it may be tied by more than that, else none.
    Tied,
    /// The client's initial sequence number.
    Isn,
}

impl Which {
    const ALL: [Self; 4] = [Self::Part, Self::Loose, Self::Tied, Self::Isn];

    fn name(self) -> &'static str {
        match self {
            Self::Part => "lbdiag_part",
            Self::Loose => "lbdiag_loose",
            Self::Tied => "lbdiag_tied",
            Self::Isn => "lbdiag_isn",
        }
    }

    /// The one of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|which| which.name() == name)
    }

    fn of(self, broadcast: &Broadcast, row: &[u8]) -> Option<u32> {
        match self {
            // What cannot be unpacked is said where it is tied.
            Self::Part => Some(part_of(broadcast, row).unwrap_or(0)),
            Self::Loose => stream_of(row).filter(is_loose).map(|_| 0),
            Self::Tied => broadcast.together.isn_of(&stream_of(row)?),
            Self::Isn => stream_of(row)?.client_isn(),
        }
    }
}

/// Their names, by which executors know them.
pub(super) const PACK: &str = "lbdiag_pack";
/// See [`PACK`].
pub(super) const KEY: &str = "lbdiag_key";

pub(super) fn pack(broadcast: &Arc<Broadcast>, table: usize) -> ScalarUDF {
    let signature = Signature::variadic_any(Volatility::Immutable);
    ScalarUDF::new_from_impl(Pack { broadcast: Arc::clone(broadcast), table, signature })
}

pub(super) fn key(own: bool) -> ScalarUDF {
    ScalarUDF::new_from_impl(Key { own, signature: of_row() })
}

pub(super) fn number(which: Which, broadcast: &Arc<Broadcast>) -> ScalarUDF {
    let (broadcast, signature) = (Arc::clone(broadcast), of_row());
    ScalarUDF::new_from_impl(Number { which, broadcast, signature })
}

fn of_row() -> Signature {
    Signature::new(TypeSignature::Exact(vec![DataType::Binary]), Volatility::Immutable)
}

/// A column of any type that tables have.
enum Column<'a> {
    Bool(&'a datafusion::arrow::array::BooleanArray),
    U8(&'a [u8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
    U64(&'a [u64]),
    I64(&'a [i64]),
    Text(&'a StringArray),
}

impl<'a> Column<'a> {
    fn of(array: &'a ArrayRef) -> Result<Self> {
        Ok(match array.data_type() {
            DataType::Boolean => Self::Bool(array.as_boolean()),
            DataType::UInt8 => Self::U8(array.as_primitive::<UInt8Type>().values()),
            DataType::UInt16 => Self::U16(array.as_primitive::<UInt16Type>().values()),
            DataType::UInt32 => Self::U32(array.as_primitive::<UInt32Type>().values()),
            DataType::UInt64 => Self::U64(array.as_primitive::<UInt64Type>().values()),
            DataType::Int64 => Self::I64(array.as_primitive::<Int64Type>().values()),
            DataType::Timestamp(..) => {
                Self::I64(array.as_primitive::<TimestampNanosecondType>().values())
            }
            DataType::Utf8 => Self::Text(array.as_string::<i32>()),
            other => {
                return Err(DataFusionError::Execution(format!(
                    "tables have no columns of {other}"
                )));
            }
        })
    }

    fn put(&self, row: usize, out: &mut Vec<u8>) {
        let number = match self {
            Self::Bool(values) => i64::from(values.value(row)),
            Self::U8(values) => i64::from(values[row]),
            Self::U16(values) => i64::from(values[row]),
            Self::U32(values) => i64::from(values[row]),
            Self::U64(values) => values[row].cast_signed(),
            Self::I64(values) => values[row],
            Self::Text(values) => return packed::text(out, Some(values.value(row))),
        };
        packed::number(out, Some(number));
    }
}

impl ScalarUDFImpl for Pack {
    fn name(&self) -> &str {
        PACK
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let arrays = args
            .args
            .into_iter()
            .map(|arg| arg.into_array(rows))
            .collect::<Result<Vec<ArrayRef>>>()?;
        let columns = arrays
            .iter()
            .map(|array| Ok((Column::of(array)?, array.nulls())))
            .collect::<Result<Vec<_>>>()?;
        let [number, capture, vantage, rest @ ..] = &columns[..] else {
            return Err(DataFusionError::Execution("a table has no columns".to_owned()));
        };
        let (Column::U32(number), Column::Text(capture), Column::Text(vantage)) =
            (&number.0, &capture.0, &vantage.0)
        else {
            return Err(DataFusionError::Execution("a table has other columns".to_owned()));
        };
        let mut out = BinaryBuilder::with_capacity(rows, rows * 64);
        let mut bytes = Vec::new();
        let mut last: Option<(&str, Option<&str>, u32)> = None;
        for row in 0..rows {
            let of = (capture.value(row), (!vantage.is_null(row)).then(|| vantage.value(row)));
            // Rows of one vantage follow each other.
            let known = last.filter(|(a, b, _)| (*a, *b) == of).map(|(.., at)| at);
            let at = known.or_else(|| self.broadcast.vantage(of.0, of.1)).ok_or_else(|| {
                DataFusionError::Execution(fault(of.0, "a row is of no vantage that it has"))
            })?;
            last = Some((of.0, of.1, at));
            bytes.clear();
            packed::begin(&mut bytes, self.table, at, number[row]);
            for (column, nulls) in rest {
                match nulls.filter(|nulls| nulls.is_null(row)) {
                    Some(_) => packed::number(&mut bytes, None),
                    None => column.put(row, &mut bytes),
                }
            }
            out.append_value(&bytes);
        }
        self.broadcast.seen.fetch_add(rows as u64, Ordering::Relaxed);
        Ok(ColumnarValue::Array(Arc::new(out.finish())))
    }
}

/// What is wrong with a capture, so that who asked the engine knows which one to leave out.
pub(super) fn fault(capture: &str, why: &str) -> String {
    format!("lbdiag: capture {capture}: {why};")
}

fn binary(args: &ScalarFunctionArgs) -> Result<BinaryArray> {
    let array = args.args.first().map(|arg| arg.clone().into_array(args.number_rows));
    let array = array.transpose()?;
    let rows = array.as_ref().and_then(|array| array.as_binary_opt::<i32>()).cloned();
    rows.ok_or_else(|| DataFusionError::Execution("no packed row".to_owned()))
}

impl ScalarUDFImpl for Key {
    fn name(&self) -> &str {
        KEY
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::UInt64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = binary(&args)?;
        let mut out = UInt64Builder::with_capacity(rows.len());
        for row in &rows {
            let key = row.and_then(entry).and_then(|own| {
                let number = if self.own { Some(own.number) } else { first_number(own.values) };
                number.map(|number| u64::from(own.vantage) << 32 | u64::from(number))
            });
            out.append_option(key);
        }
        Ok(ColumnarValue::Array(Arc::new(out.finish())))
    }
}

impl ScalarUDFImpl for Number {
    fn name(&self) -> &str {
        self.which.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::UInt32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = binary(&args)?;
        let mut out = UInt32Builder::with_capacity(rows.len());
        for row in &rows {
            out.append_option(row.and_then(|row| self.which.of(&self.broadcast, row)));
        }
        Ok(ColumnarValue::Array(Arc::new(out.finish())))
    }
}
