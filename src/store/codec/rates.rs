//! Rates of models and pools.

use super::{Codec, DecodeError, Decoder, Encoder};
use crate::run::{Rate, Rates};

record!(Rate {
    requests_per_minute,
    tokens_per_minute,
    max_concurrent,
});

impl Codec for Rates {
    fn put(&self, out: &mut Encoder) {
        out.number(self.0.len() as u64);
        for (name, rate) in &self.0 {
            out.framed(|out| {
                name.put(out);
                rate.put(out);
            });
        }
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let count = input.raw.number()?;
        (0..count)
            .map(|_| input.framed(|input| Ok((input.field()?, input.field()?))))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }
}
