//! How events are stored: a compact binary form that gives back exactly what went in.
//!
//! JSON is good enough to read, but not here: an amount of money or a time that passes through a decimal
//! fraction may come back changed in its last digit, and a million events have to be read within a second.
//! A record is the fields of an event in their order. A reader that finds a record ended before a field that
//! was added later takes the field's absent value, so older journals stay readable.

#[macro_use]
mod forms;

mod basic;
mod edited;
mod event;
mod figures;
mod rates;
mod reuse;
#[cfg(test)]
mod tests;
mod value;

use crate::plan::{StepInput, StepIx};
use crate::run::StepInfo;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

pub(super) use event::{Codec, decode_event, encode_event, learn_event, remember_event};
pub(super) use figures::{decode_figures, encode_figures};

/// A content address: the blake3 hash of a blob's bytes.
pub(crate) type Hash = [u8; 32];

/// What is at least this long in bytes is kept once by its content, outside of the record.
pub(super) const BLOB_FROM: usize = 2048;

/// A record that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It ends in the middle, or holds what no writer writes.
    #[error("the record is malformed")]
    Malformed,
    /// It was written by a newer version.
    #[error("the record holds a kind of event that this version does not know")]
    Newer,
    /// It refers to content that is not there.
    #[error("content that an event refers to is missing or damaged")]
    Missing,
}

/// Where large contents are read from.
pub(super) trait Blobs {
    /// The bytes with this hash.
    fn bytes(&mut self, hash: &Hash) -> Result<Arc<[u8]>, DecodeError>;
}

/// For records that refer to no blobs.
pub(super) struct NoBlobs;

impl Blobs for NoBlobs {
    fn bytes(&mut self, _hash: &Hash) -> Result<Arc<[u8]>, DecodeError> {
        Err(DecodeError::Missing)
    }
}

/// The ids of the rows so far: an event names its step by position, and the id follows from that.
#[derive(Debug, Default)]
pub(super) struct Rows {
    ids: Vec<Arc<str>>,
}

impl Rows {
    fn begin(&mut self, steps: &[StepInfo]) {
        self.ids.clear();
        self.extend(steps);
    }

    /// A call made by code: a row that is known already, or the next one.
    fn called(&mut self, row: StepIx, call: &StepInfo) {
        if row.at() == self.ids.len() {
            self.ids.push(Arc::clone(&call.id));
        }
    }

    fn extend(&mut self, steps: &[StepInfo]) {
        self.ids.extend(steps.iter().map(|step| step.id.clone()));
    }
}

/// Writes records.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    /// The records so far.
    pub out: Vec<u8>,
    /// Contents that the records refer to and that this encoder had not met before, by hash.
    pub blobs: Vec<(Hash, Vec<u8>)>,
    /// The size of these.
    pub blob_bytes: usize,
    met: HashSet<Hash>,
    rows: Rows,
    /// Whether everything stays in the record, however large.
    one_piece: bool,
}

impl Encoder {
    /// An encoder that moves nothing out of its records.
    pub(super) fn in_one_piece() -> Self {
        Self {
            one_piece: true,
            ..Self::default()
        }
    }

    fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.out.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.out.push(number as u8);
    }

    fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)) as u64);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    /// Moves what was written since `start` out of the record where it is large, and leaves its hash.
    fn outline(&mut self, start: usize) {
        if self.one_piece || self.out.len() - start < BLOB_FROM {
            return;
        }
        let hash = *blake3::hash(&self.out[start..]).as_bytes();
        if self.met.insert(hash) {
            let blob = if self.out.len() - start > self.out.len() / 2 {
                // Most of the record: it is not copied once more.
                let mut blob = std::mem::take(&mut self.out);
                self.out.extend_from_slice(&blob[..start]);
                blob.drain(..start);
                blob
            } else {
                self.out[start..].to_vec()
            };
            self.blob_bytes += blob.len();
            self.blobs.push((hash, blob));
        }
        self.out.truncate(start);
        self.byte(value::BLOB);
        self.out.extend_from_slice(&hash);
    }

    /// Writes `body` with its length before it.
    fn framed(&mut self, body: impl FnOnce(&mut Self)) {
        let start = self.out.len();
        body(self);
        let length = self.out.len() - start;
        self.number(length as u64);
        let prefix = self.out.len() - start - length;
        self.out[start..].rotate_right(prefix);
    }
}

/// What a decoder keeps from one record to the next.
#[derive(Debug, Default)]
pub(super) struct Memory {
    rows: Rows,
    short: HashSet<Arc<str>>,
    values: HashMap<Hash, Arc<serde_json::Value>>,
    /// Those blobs of inputs that refer to other blobs.
    inputs: HashMap<Hash, StepInput>,
    texts: HashMap<Hash, Arc<str>>,
}

/// Strings up to this length are shared between events.
const SHORT: usize = 48;
/// As many of them as this, so that a hostile journal cannot make the table grow without end.
const MOST_SHORT: usize = 4096;

impl Memory {
    fn text(&mut self, text: &str) -> Arc<str> {
        if text.len() > SHORT {
            return text.into();
        }
        if let Some(known) = self.short.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        if self.short.len() < MOST_SHORT {
            self.short.insert(Arc::clone(&new));
        }
        new
    }
}

/// Bytes that are read from the front.
#[derive(Clone, Copy, Debug)]
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn byte(&mut self) -> Result<u8, DecodeError> {
        let (first, rest) = self.0.split_first().ok_or(DecodeError::Malformed)?;
        self.0 = rest;
        Ok(*first)
    }

    fn number(&mut self) -> Result<u64, DecodeError> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(DecodeError::Malformed)
    }

    fn signed(&mut self) -> Result<i64, DecodeError> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    fn slice(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(DecodeError::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.number()?;
        self.slice(usize::try_from(length).map_err(|_| DecodeError::Malformed)?)
    }

    fn str(&mut self) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| DecodeError::Malformed)
    }

    fn hash(&mut self) -> Result<Hash, DecodeError> {
        self.slice(32)?
            .try_into()
            .map_err(|_| DecodeError::Malformed)
    }
}

/// Reads records.
pub(super) struct Decoder<'a> {
    raw: Cursor<'a>,
    memory: &'a mut Memory,
    blobs: &'a mut dyn Blobs,
}

impl<'a> Decoder<'a> {
    /// A decoder for the records in `input`.
    pub(super) fn new(input: &'a [u8], memory: &'a mut Memory, blobs: &'a mut dyn Blobs) -> Self {
        Self {
            raw: Cursor(input),
            memory,
            blobs,
        }
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.raw.0.is_empty()
    }

    /// Reads what [`Encoder::framed`] wrote; what `body` leaves was added by a newer version.
    fn framed<T>(
        &mut self,
        body: impl FnOnce(&mut Decoder<'_>) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let input = self.raw.bytes()?;
        body(&mut Decoder::new(input, self.memory, self.blobs))
    }

    /// The next field, or its absent value where the record ends before it.
    fn field<T: Codec>(&mut self) -> Result<T, DecodeError> {
        if self.is_empty() {
            return T::absent().ok_or(DecodeError::Malformed);
        }
        T::take(self)
    }
}
