//! The figures of the steps of an item's run, as its row in the list of runs holds them.

use super::{Codec, DecodeError, Decoder, Encoder, Memory, NoBlobs};
use crate::run::{ItemFigures, StepFigures, StepStatus};

/// The form of the record.
const FORM: u8 = 1;

impl Codec for StepStatus {
    fn put(&self, out: &mut Encoder) {
        out.byte(*self as u8);
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let byte = input.raw.byte()?;
        let found = Self::ALL.get(usize::from(byte));
        found.copied().ok_or(DecodeError::Newer)
    }
}

record!(StepFigures {
    status,
    attempts,
    service,
    cost,
    output,
});
record!(ItemFigures { at, error, steps });

/// The record of figures.
pub(crate) fn encode_figures(figures: &ItemFigures) -> Vec<u8> {
    let mut out = Encoder::in_one_piece();
    out.byte(FORM);
    figures.put(&mut out);
    out.out
}

/// The figures in a record.
pub(crate) fn decode_figures(record: &[u8]) -> Result<ItemFigures, DecodeError> {
    let (mut memory, mut blobs) = (Memory::default(), NoBlobs);
    let mut input = Decoder::new(record, &mut memory, &mut blobs);
    if input.raw.byte()? != FORM {
        return Err(DecodeError::Newer);
    }
    ItemFigures::take(&mut input)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{ErrorKind, RunError};
    use crate::units::{Micros, Money};

    #[test]
    fn what_goes_in_comes_out_and_what_is_cut_off_is_an_error() {
        let step = |status, cost: Option<i64>| StepFigures {
            status,
            attempts: 2,
            service: Micros(1_234_567),
            cost: cost.map(Money::from_pico),
            output: u64::MAX,
        };
        let all = StepStatus::ALL.into_iter();
        let figures = ItemFigures {
            at: Micros(99),
            steps: all
                .map(|status| step(status, Some(7)))
                .chain([step(StepStatus::Ready, None)])
                .collect(),
            error: Some(Box::new(RunError {
                kind: ErrorKind::ToolExecutionError,
                step: Some("s".into()),
                tool_name: None,
                message: "wrong".into(),
                retryable: true,
                attempts: 2,
            })),
        };
        let record = encode_figures(&figures);
        for end in 0..record.len() {
            assert_ne!(decode_figures(&record[..end]), Ok(figures.clone()), "{end}");
        }
        assert_eq!(decode_figures(&record), Ok(figures));
        assert_eq!(decode_figures(&[9]), Err(DecodeError::Newer));
    }
}
