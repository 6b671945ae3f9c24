//! How numbers, texts, values and lists of fields are written to a record.

use super::{Codec, DecodeError, Decoder, Encoder};
use crate::plan::{StepInput, StepIx};
use crate::run::{AttemptEnd, RunHeader};
use crate::units::{Micros, Money};
use serde_json::Value;
use std::sync::Arc;

impl Codec for bool {
    fn put(&self, out: &mut Encoder) {
        out.byte(u8::from(*self));
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.raw.byte().map(|byte| byte != 0)
    }

    fn absent() -> Option<Self> {
        Some(false)
    }
}

impl Codec for u64 {
    fn put(&self, out: &mut Encoder) {
        out.number(*self);
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.raw.number()
    }
}

impl Codec for u32 {
    fn put(&self, out: &mut Encoder) {
        out.number(u64::from(*self));
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        u32::try_from(input.raw.number()?).map_err(|_| DecodeError::Malformed)
    }
}

impl Codec for f64 {
    fn put(&self, out: &mut Encoder) {
        out.out.extend_from_slice(&self.to_bits().to_le_bytes());
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let bits = input
            .raw
            .slice(8)?
            .try_into()
            .map_err(|_| DecodeError::Malformed)?;
        Ok(f64::from_bits(u64::from_le_bytes(bits)))
    }
}

impl Codec for Micros {
    fn put(&self, out: &mut Encoder) {
        out.number(self.0);
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.raw.number().map(Self)
    }
}

impl Codec for Money {
    fn put(&self, out: &mut Encoder) {
        out.signed(self.pico());
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.raw.signed().map(Self::from_pico)
    }

    fn absent() -> Option<Self> {
        Some(Self::ZERO)
    }
}

impl Codec for StepIx {
    fn put(&self, out: &mut Encoder) {
        self.0.put(out);
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        u32::take(input).map(Self)
    }
}

impl Codec for Arc<str> {
    fn put(&self, out: &mut Encoder) {
        out.text(self);
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.text()
    }
}

impl Codec for Arc<Value> {
    fn put(&self, out: &mut Encoder) {
        out.value(self);
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.value()
    }
}

impl Codec for StepInput {
    fn put(&self, out: &mut Encoder) {
        out.input(self);
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.input()
    }
}

impl<T: Codec> Codec for Option<T> {
    fn put(&self, out: &mut Encoder) {
        out.byte(u8::from(self.is_some()));
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        match input.raw.byte()? {
            0 => Ok(None),
            _ => T::take(input).map(Some),
        }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Codec> Codec for Box<T> {
    fn put(&self, out: &mut Encoder) {
        T::put(self, out);
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        T::take(input).map(Box::new)
    }
}

impl Codec for Arc<RunHeader> {
    fn put(&self, out: &mut Encoder) {
        RunHeader::put(self, out);
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        RunHeader::take(input).map(Arc::new)
    }
}

impl Codec for Arc<AttemptEnd> {
    fn put(&self, out: &mut Encoder) {
        AttemptEnd::put(self, out);
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        AttemptEnd::take(input).map(Arc::new)
    }
}

impl<T: Codec> Codec for Arc<[T]> {
    fn put(&self, out: &mut Encoder) {
        put_all(self, out);
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        take_all(input)
    }

    fn absent() -> Option<Self> {
        Some(Arc::new([]))
    }
}

impl<T: Codec> Codec for Vec<T> {
    fn put(&self, out: &mut Encoder) {
        put_all(self, out);
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        take_all(input)
    }

    fn absent() -> Option<Self> {
        Some(Vec::new())
    }
}

fn put_all<T: Codec>(items: &[T], out: &mut Encoder) {
    out.number(items.len() as u64);
    for item in items {
        item.put(out);
    }
}

fn take_all<T: Codec, C: FromIterator<T>>(input: &mut Decoder<'_>) -> Result<C, DecodeError> {
    let count = input.raw.number()?;
    // Every item takes a byte at least: what claims more than is there is malformed.
    if count > input.raw.0.len() as u64 {
        return Err(DecodeError::Malformed);
    }
    (0..count).map(|_| T::take(input)).collect()
}
