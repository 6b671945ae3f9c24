//! What the user has given a step, before and after an edit.

use super::{Codec, DecodeError, Decoder, Encoder};
use crate::run::{EditWay, StepGiven};

choice!(EditWay { 0 Done {}, 1 Undone {}, 2 Redone {} });

/// Two of them follow one another, where the end of one is not the end of the record.
impl Codec for StepGiven {
    fn put(&self, out: &mut Encoder) {
        let Self {
            input,
            prompt,
            model,
            supplied,
            output,
            skipped,
        } = self;
        out.framed(|out| {
            input.put(out);
            prompt.put(out);
            model.put(out);
            supplied.put(out);
            output.put(out);
            skipped.put(out);
        });
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.framed(|input| {
            Ok(Self {
                input: input.field()?,
                prompt: input.field()?,
                model: input.field()?,
                supplied: input.field()?,
                output: input.field()?,
                skipped: input.field()?,
            })
        })
    }
}
