//! The fields of what is recorded about outputs that are used again.

use super::{Codec, DecodeError, Decoder, Encoder};
use crate::run::{CallReason, InputChange, MissReason, NotReused, RerunReason, Reuse};

record!(Reuse {
    run_id,
    age,
    cost,
    service,
    pinned,
    input
});

record!(CallReason { rerun, miss });

choice!(RerunReason {
    0 Asked {},
    1 Absent {},
    2 Redefined {},
    3 Interrupted {},
    4 Upstream { steps: steps },
    5 Input { changes: changes },
    6 Redacted {},
});

choice!(MissReason {
    0 Off {},
    1 Fresh {},
    2 Refresh {},
    3 Never {},
    4 Expired { run_id: run_id, age: age, limit: limit },
    5 Differs { run_id: run_id, age: age, changes: changes, parts: parts },
    6 Rejected {},
});

choice!(NotReused {
    0 Step {},
    1 Tool {},
    2 Effects {},
    3 Quick {},
    4 Temperature {},
    5 Simulated {},
    6 Undetermined {},
});

/// They are in lists, where the end of one is not the end of the record.
impl Codec for InputChange {
    fn put(&self, out: &mut Encoder) {
        let Self {
            path,
            before,
            after,
            steps,
            context,
        } = self;
        out.framed(|out| {
            path.put(out);
            before.put(out);
            after.put(out);
            steps.put(out);
            context.put(out);
        });
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.framed(|input| {
            Ok(Self {
                path: input.field()?,
                before: input.field()?,
                after: input.field()?,
                steps: input.field()?,
                context: input.field()?,
            })
        })
    }
}
