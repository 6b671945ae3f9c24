//! What the user has given a step, before and after an edit.

use super::{Codec, DecodeError, Decoder, Encoder};
use crate::run::{EditWay, GivenCall, StepGiven};
use crate::units::{ModelOptions, Temperature};

impl Codec for Temperature {
    fn put(&self, out: &mut Encoder) {
        out.number(self.thousandths());
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Self::from_thousandths(input.raw.number()?).map_err(|_| DecodeError::Malformed)
    }
}

fn put_options(options: ModelOptions, out: &mut Encoder) {
    options.temperature.put(out);
    options.max_tokens.put(out);
}

fn take_options(input: &mut Decoder<'_>) -> Result<ModelOptions, DecodeError> {
    Ok(ModelOptions {
        temperature: input.field()?,
        max_tokens: input.field()?,
    })
}

/// It ends its record: the options follow what older versions write.
impl Codec for GivenCall {
    fn put(&self, out: &mut Encoder) {
        self.prompt.put(out);
        self.model.put(out);
        put_options(self.options, out);
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            prompt: input.field()?,
            model: input.field()?,
            options: take_options(input)?,
        })
    }
}

choice!(EditWay { 0 Done {}, 1 Undone {}, 2 Redone {} });

/// Two of them follow one another, where the end of one is not the end of the record.
impl Codec for StepGiven {
    fn put(&self, out: &mut Encoder) {
        let Self {
            input,
            call,
            supplied,
            output,
            skipped,
        } = self;
        out.framed(|out| {
            input.put(out);
            call.prompt.put(out);
            call.model.put(out);
            supplied.put(out);
            output.put(out);
            skipped.put(out);
            put_options(call.options, out);
        });
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.framed(|input| {
            let given = input.field()?;
            let call = GivenCall {
                prompt: input.field()?,
                model: input.field()?,
                ..GivenCall::default()
            };
            Ok(Self {
                input: given,
                supplied: input.field()?,
                output: input.field()?,
                skipped: input.field()?,
                call: GivenCall {
                    options: take_options(input)?,
                    ..call
                },
            })
        })
    }
}
