//! Thrift's compact protocol, as far as Parquet's headers and footers need it (Apache Thrift,
//! thrift-compact-protocol.md).

use super::Fault;

/// Structures within structures, at most; those of Parquet go five deep.
const DEPTH: usize = 16;

const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCT: u8 = 12;

/// Appends a number, seven bits a byte.
pub(super) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A signed number as one that is small where it is near zero.
pub(super) fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Takes a number from the front.
pub(super) fn take_varint(from: &mut &[u8]) -> Result<u64, Fault> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let [byte, rest @ ..] = *from else { return Err(Fault::Damaged("a number is cut off")) };
        *from = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Fault::Damaged("a number is too long"))
}

/// A structure that is being written.
pub(super) struct Struct<'a> {
    out: &'a mut Vec<u8>,
    last: i16,
}

impl<'a> Struct<'a> {
    /// Writes one.
    pub(super) fn write(out: &'a mut Vec<u8>, fill: impl FnOnce(&mut Struct<'_>)) {
        let mut own = Struct { out, last: 0 };
        fill(&mut own);
        own.out.push(0);
    }

    /// Fields are written in the order of their numbers, which are less than 15 apart.
    fn field(&mut self, id: i16, kind: u8) {
        self.out.push(((id - self.last) as u8) << 4 | kind);
        self.last = id;
    }

    pub(super) fn bool(&mut self, id: i16, value: bool) {
        self.field(id, if value { TRUE } else { FALSE });
    }

    pub(super) fn byte(&mut self, id: i16, value: u8) {
        self.field(id, BYTE);
        self.out.push(value);
    }

    pub(super) fn int(&mut self, id: i16, value: i32) {
        self.field(id, I32);
        varint(self.out, zigzag(i64::from(value)));
    }

    pub(super) fn long(&mut self, id: i16, value: i64) {
        self.field(id, I64);
        varint(self.out, zigzag(value));
    }

    pub(super) fn bytes(&mut self, id: i16, value: &[u8]) {
        self.field(id, BINARY);
        varint(self.out, value.len() as u64);
        self.out.extend_from_slice(value);
    }

    pub(super) fn nested(&mut self, id: i16, fill: impl FnOnce(&mut Struct<'_>)) {
        self.field(id, STRUCT);
        Struct::write(self.out, fill);
    }

    fn list(&mut self, id: i16, kind: u8, len: usize) {
        self.field(id, LIST);
        if len < 15 {
            self.out.push((len as u8) << 4 | kind);
        } else {
            self.out.push(0xf0 | kind);
            varint(self.out, len as u64);
        }
    }

    pub(super) fn structs<T>(
        &mut self,
        id: i16,
        list: &[T],
        mut fill: impl FnMut(&T, &mut Struct<'_>),
    ) {
        self.list(id, STRUCT, list.len());
        for one in list {
            Struct::write(self.out, |own| fill(one, own));
        }
    }

    pub(super) fn ints(&mut self, id: i16, list: &[i32]) {
        self.list(id, I32, list.len());
        list.iter().for_each(|one| varint(self.out, zigzag(i64::from(*one))));
    }

    pub(super) fn texts(&mut self, id: i16, list: &[&str]) {
        self.list(id, BINARY, list.len());
        for one in list {
            varint(self.out, one.len() as u64);
            self.out.extend_from_slice(one.as_bytes());
        }
    }
}

/// What was read. Each takes at least a byte of the input, so lists allocate no more than is there.
#[derive(Debug)]
pub(super) enum Value<'a> {
    Int(i64),
    Bytes(&'a [u8]),
    List(Vec<Value<'a>>),
    Struct(Vec<(i16, Value<'a>)>),
    /// A kind that Parquet has no use for here.
    Other,
}

impl<'a> Value<'a> {
    /// Takes a structure from the front.
    pub(super) fn take(from: &mut &'a [u8]) -> Result<Self, Fault> {
        value(from, STRUCT, 0)
    }

    pub(super) fn get(&self, id: i16) -> Option<&Self> {
        let Self::Struct(fields) = self else { return None };
        fields.iter().find(|(own, _)| *own == id).map(|(_, value)| value)
    }

    pub(super) fn int(&self, id: i16) -> Option<i64> {
        if let Some(Self::Int(value)) = self.get(id) { Some(*value) } else { None }
    }

    /// A number that counts or measures something.
    pub(super) fn size(&self, id: i16) -> Option<u64> {
        self.int(id).and_then(|value| u64::try_from(value).ok())
    }

    pub(super) fn text(&self, id: i16) -> Option<&'a str> {
        let Some(Self::Bytes(bytes)) = self.get(id) else { return None };
        std::str::from_utf8(bytes).ok()
    }

    pub(super) fn list(&self, id: i16) -> &[Self] {
        if let Some(Self::List(list)) = self.get(id) { list } else { &[] }
    }
}

fn bytes<'a>(from: &mut &'a [u8], len: u64) -> Result<&'a [u8], Fault> {
    let cut = Fault::Damaged("its description is cut off");
    let len = usize::try_from(len).map_err(|_| Fault::Damaged("a length is too large"))?;
    let (own, rest) = from.split_at_checked(len).ok_or(cut)?;
    *from = rest;
    Ok(own)
}

fn byte(from: &mut &[u8]) -> Result<u8, Fault> {
    Ok(bytes(from, 1)?[0])
}

fn value<'a>(from: &mut &'a [u8], kind: u8, depth: usize) -> Result<Value<'a>, Fault> {
    if depth > DEPTH {
        return Err(Fault::Damaged("its description is too deep"));
    }
    Ok(match kind {
        TRUE | FALSE => Value::Other,
        BYTE => Value::Int(i64::from(byte(from)? as i8)),
        I16 | I32 | I64 => Value::Int(unzigzag(take_varint(from)?)),
        DOUBLE => bytes(from, 8).map(|_| Value::Other)?,
        BINARY => {
            let len = take_varint(from)?;
            Value::Bytes(bytes(from, len)?)
        }
        LIST | SET => {
            let head = byte(from)?;
            let len = if head >> 4 == 15 { take_varint(from)? } else { u64::from(head >> 4) };
            let mut list = Vec::new();
            for _ in 0..len {
                let kind = head & 0x0f;
                // A truth value within a list has a byte of its own.
                let kind = if matches!(kind, TRUE | FALSE) { byte(from)? } else { kind };
                list.push(value(from, kind, depth + 1)?);
            }
            Value::List(list)
        }
        STRUCT => {
            let mut fields = Vec::new();
            let mut id = 0i16;
            loop {
                let head = byte(from)?;
                if head == 0 {
                    break Value::Struct(fields);
                }
                id = match head >> 4 {
                    0 => unzigzag(take_varint(from)?) as i16,
                    delta => id.saturating_add(i16::from(delta)),
                };
                fields.push((id, value(from, head & 0x0f, depth + 1)?));
            }
        }
        _ => return Err(Fault::Damaged("its description is none")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_are_read_as_they_were_written() {
        let mut out = Vec::new();
        Struct::write(&mut out, |s| {
            s.int(1, -7);
            s.bytes(4, b"name");
            s.structs(5, &[1, 2], |n, s| s.long(1, i64::from(*n) << 40));
            s.bool(9, true);
            s.nested(10, |s| s.ints(1, &[3; 20]));
        });
        let value = Value::take(&mut &out[..]).unwrap();
        assert_eq!((value.int(1), value.text(4)), (Some(-7), Some("name")));
        assert_eq!(value.list(5)[1].int(1), Some(2 << 40));
        assert_eq!(value.get(10).unwrap().list(1).len(), 20);
        for end in 0..out.len() {
            assert!(Value::take(&mut &out[..end]).is_err());
        }
    }

    #[test]
    fn what_is_nested_without_end_is_refused() {
        let deep = [0x1c; 1000];
        assert!(Value::take(&mut &deep[..]).is_err());
    }
}
