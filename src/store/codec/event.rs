//! The fields of every event, in the order in which a record holds them.
//!
//! A field that is added to a type here goes last and needs an absent value. A number that stands for a
//! variant is never used for another.

use super::{DecodeError, Decoder, Encoder, Memory, Rows};
use crate::plan::{Dialect, StepIx};
use crate::run::{
    Answer, AttemptDetails, AttemptEnd, BreakWhen, Breakpoint, DecidedBy, ErrorKind, EventKind,
    HandOver, HeldAt, Limit, LogStream, Question, ResourceLimits, RunError, RunEvent, RunHeader,
    RunOutcome, RunSetting, SettledBy, Settlement, SkipReason, StepChecks, StepInfo, StepKey,
    StepPrice, StepSource, Streamed, VoidReason, WaitReason,
};
use crate::units::{Charge, ChargeClass, Micros, Tokens};

/// Something that can be written to a record.
pub(crate) trait Codec: Sized {
    /// Writes it.
    fn put(&self, out: &mut Encoder);
    /// Reads it.
    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError>;
    /// What it is in a record that was written before it existed.
    fn absent() -> Option<Self> {
        None
    }
}

choice!(EventKind {
    0 RunStarted { 0: header },
    1 StepReady { step: step },
    2 StepWaiting { step: step, reason: reason, on: on, until: until },
    3 StepExpanded { step: step, count: count, elements: elements },
    4 AttemptStarted { step: step, attempt: attempt, slot: slot, input: input, reserved: reserved, why: why, prompt: prompt },
    5 AttemptLog { step: step, attempt: attempt, stream: stream, text: text },
    6 AttemptEnded { 0: end },
    7 StepSucceeded { step: step, source: source, output: output, reused: reused },
    8 StepFailed { step: step, error: error, output: output },
    9 StepSkipped { step: step, reason: reason, because: because },
    10 StepCancelled { step: step },
    11 StepReset { step: step },
    12 RunPaused {},
    13 RunResumed {},
    14 LimitReached { limit: limit, message: message },
    15 StopRequested {},
    16 RunEnded { status: status, result: result, error: error },
    17 RunReopened {},
    18 StepUnknown { step: step, error: error },
    19 ReservationRaised { step: step, attempt: attempt, reserved: reserved },
    20 StepInputSet { step: step, input: input },
    21 StepPinned { step: step, pinned: pinned },
    22 AttemptPaced { step: step, attempt: attempt },
    23 SettingChanged { setting: setting },
    24 StepSettled { step: step, settlement: settlement },
    25 AttemptHandle { step: step, attempt: attempt, handle: handle },
    26 StepCallSet { step: step, call: call },
    27 QuestionAsked { step: step, attempt: attempt, question: question },
    28 QuestionAnswered { step: step, attempt: attempt, answer: answer },
    29 StepEdited { step: step, edit: edit, before: before, after: after },
    40 ApprovalAsked { step: step, call: call, input: input, void: void },
    41 ApprovalDecided { step: step, call: call, granted: granted, by: by, until: until },
    42 ApprovalUsed { step: step, call: call, attempt: attempt },
    43 BreakpointSet { breakpoint: breakpoint, on: on },
    44 StepHeld { step: step, at: at, condition: condition },
    45 StepCalled { step: step, row: row, call: call },
    46 AttemptSuspended { step: step, attempt: attempt },
    47 AttemptContinued { step: step, attempt: attempt, slot: slot },
    48 StepsAdded { steps: steps },
    60 RunTargeted { to: to },
    61 HandOverSet { to: to },
});

record!(RunHeader {
    run_id,
    plan,
    dialect,
    started_at,
    worker,
    simulated,
    track_cost,
    limits,
    context,
    steps,
    forked_from,
    rates,
    priced,
    spent_before,
    pace,
});

record!(Settlement {
    name,
    by,
    happened,
    tool,
    input,
    output,
    error,
    released,
});

record!(Question {
    message,
    schema,
    url
});

choice!(Answer {
    0 Accept { 0: content },
    1 Decline {},
    2 Cancel {},
});

choice!(SettledBy {
    0 Key {},
    1 Probe {},
    2 Handle {},
});

/// The fields that older versions do not write stand at the end.
impl Codec for AttemptEnd {
    fn put(&self, out: &mut Encoder) {
        let Self {
            step,
            attempt,
            service,
            cost,
            details: _,
            cancelled,
        } = self;
        let AttemptDetails {
            charges,
            tokens,
            model,
            prompt,
            answer,
            reasoning,
            streamed,
            error,
            retry_in,
        } = &**self;
        step.put(out);
        attempt.put(out);
        service.put(out);
        cost.put(out);
        tokens.put(out);
        model.put(out);
        prompt.put(out);
        answer.put(out);
        error.put(out);
        retry_in.put(out);
        cancelled.put(out);
        let rarely_known = tokens.as_deref().map(|tokens| RareTokens {
            cache_write: tokens.cache_write,
            cache_write_1h: tokens.cache_write_1h,
            reasoning: tokens.reasoning,
        });
        let rarely_known = rarely_known.filter(|tokens| *tokens != RareTokens::default());
        let has_more = !charges.is_empty() || reasoning.is_some() || streamed.is_some();
        if rarely_known.is_some() || has_more {
            rarely_known.put(out);
            charges.put(out);
            reasoning.put(out);
        }
        if streamed.is_some() {
            streamed.put(out);
        }
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let (step, attempt, service, cost) = (
            input.field()?,
            input.field()?,
            input.field()?,
            input.field()?,
        );
        let mut details = AttemptDetails {
            tokens: input.field()?,
            model: input.field()?,
            prompt: input.field()?,
            answer: input.field()?,
            error: input.field()?,
            retry_in: input.field()?,
            ..AttemptDetails::default()
        };
        let cancelled = input.field()?;
        let rarely_known: Option<RareTokens> = input.field()?;
        if let Some((tokens, rare)) = details.tokens.as_mut().zip(rarely_known) {
            tokens.cache_write = rare.cache_write;
            tokens.cache_write_1h = rare.cache_write_1h;
            tokens.reasoning = rare.reasoning;
        }
        details.charges = input.field()?;
        details.reasoning = input.field()?;
        details.streamed = input.field()?;
        Ok(Self {
            step,
            attempt,
            service,
            cost,
            details: details.boxed(),
            cancelled,
        })
    }
}

record!(Streamed {
    first_token,
    tokens_per_second,
});

/// The classes of tokens that only some providers report.
#[derive(Default, PartialEq)]
struct RareTokens {
    cache_write: Option<u64>,
    cache_write_1h: Option<u64>,
    reasoning: Option<u64>,
}

record!(RareTokens {
    cache_write,
    cache_write_1h,
    reasoning
});

/// The classes of tokens that every provider reports; [`AttemptEnd`] has the others.
impl Codec for Tokens {
    fn put(&self, out: &mut Encoder) {
        self.input.put(out);
        self.cached_input.put(out);
        self.output.put(out);
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            input: input.field()?,
            cached_input: input.field()?,
            output: input.field()?,
            ..Self::default()
        })
    }
}

/// They are in lists, where the end of one is not the end of the record.
impl Codec for Charge {
    fn put(&self, out: &mut Encoder) {
        let Self {
            class,
            count,
            price,
            upper_bound,
        } = self;
        out.framed(|out| {
            class.put(out);
            count.put(out);
            price.put(out);
            upper_bound.put(out);
        });
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.framed(|input| {
            Ok(Self {
                class: input.field()?,
                count: input.field()?,
                price: input.field()?,
                upper_bound: input.field()?,
            })
        })
    }
}

choice!(ChargeClass {
    0 Input {},
    1 CachedInput {},
    2 CacheWrite {},
    3 CacheWrite1h {},
    4 Output {},
    5 Reasoning {},
    6 Call {},
    7 Reserved {},
    8 Billed {},
    9 Stated {},
});

record!(RunError {
    kind,
    step,
    tool_name,
    message,
    retryable,
    attempts
});

record!(ResourceLimits {
    max_memory_mb,
    max_cpu_percent,
    timeout_seconds,
    max_tool_calls,
    max_concurrent,
    max_total_cost_usd,
});

choice!(RunSetting {
    0 MaxConcurrent { value: value },
    1 MaxTotalCostUsd { value: value },
    2 MaxToolCalls { value: value },
    3 TimeoutSeconds { value: value },
    4 Rate { name: name, rate: rate },
});

choice!(Dialect {
    0 Documented {},
    1 Runtime {},
    2 Template {},
    3 LlmCompiler {},
    4 HuggingGpt {},
    5 ReWoo {},
});

choice!(StepSource { 0 Call {}, 1 Cache {}, 2 Recorded {}, 3 Mock {} });

choice!(SkipReason { 0 Condition {}, 1 Upstream {}, 2 Limit {}, 3 User {} });

choice!(WaitReason { 0 Budget {}, 1 Rate {}, 2 Exclusive {}, 3 Breakpoint {}, 4 Approval {}, 5 Target {}, 6 HandOver {} });

choice!(DecidedBy { 0 Flag {}, 1 Screen {}, 2 Other {} });

choice!(VoidReason { 0 Changed {}, 1 Expired {} });

choice!(Limit {
    0 MaxMemoryMb {},
    1 MaxCpuPercent {},
    2 TimeoutSeconds {},
    3 MaxToolCalls {},
    4 MaxTotalCostUsd {},
});

choice!(ErrorKind {
    0 PlanError {},
    1 ToolExecutionError {},
    2 ResourceLimitError {},
    3 TimeoutError {},
    4 ExpectationError {},
});

choice!(LogStream { 0 Stderr {}, 1 Note {}, 2 Stdout {} });

choice!(RunOutcome { 0 Succeeded {}, 1 Failed {}, 2 LimitExceeded {}, 3 Cancelled {}, 4 Waiting {} });

/// Steps are in lists, where the end of one is not the end of the record.
impl Codec for StepInfo {
    fn put(&self, out: &mut Encoder) {
        let Self {
            id,
            tool,
            kind,
            depends_on,
            description,
            parent,
            parameters,
            not_reused,
            sequential,
            price,
            checks,
        } = self;
        out.framed(|out| {
            id.put(out);
            tool.put(out);
            kind.put(out);
            depends_on.put(out);
            description.put(out);
            parent.put(out);
            parameters.put(out);
            not_reused.put(out);
            sequential.put(out);
            price.put(out);
            checks.put(out);
        });
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.framed(|input| {
            Ok(Self {
                id: input.field()?,
                tool: input.field()?,
                kind: input.field()?,
                depends_on: input.field()?,
                description: input.field()?,
                parent: input.field()?,
                parameters: input.field()?,
                not_reused: input.field()?,
                sequential: input.field()?,
                price: input.field()?,
                checks: input.field()?,
            })
        })
    }
}

record!(Breakpoint { step, when });

record!(HandOver {
    run_id,
    verb,
    step,
    held
});

choice!(BreakWhen { 0 Before {}, 1 After {}, 2 Failure {}, 3 Condition { 0: condition } });

choice!(HeldAt { 0 Before {}, 1 After {}, 2 Failure {}, 3 Target {}, 4 Missed {} });

record!(StepChecks { expect, approve });

record!(StepPrice {
    min,
    expected,
    max,
    attempts,
    times,
    sure,
});

/// The position; the id only where it is not the one that the row is known by.
impl Codec for StepKey {
    fn put(&self, out: &mut Encoder) {
        let Self { ix, id } = self;
        let known = out.rows.ids.get(ix.at()) == Some(id);
        out.number(u64::from(ix.0) << 1 | u64::from(known));
        if !known {
            out.bytes(id.as_bytes());
        }
    }

    fn take(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let number = input.raw.number()?;
        let ix = StepIx(u32::try_from(number >> 1).map_err(|_| DecodeError::Malformed)?);
        let id = if number & 1 == 1 {
            let known = input.memory.rows.ids.get(ix.at());
            known.cloned().ok_or(DecodeError::Malformed)?
        } else {
            input.raw.str()?.into()
        };
        Ok(Self { ix, id })
    }
}

/// Writes an event; its number follows from its place. `before` is the moment of the event before it.
pub(crate) fn encode_event(event: &RunEvent, before: Micros, out: &mut Encoder) {
    out.framed(|out| {
        out.signed(event.at.0.wrapping_sub(before.0) as i64);
        event.kind.put(out);
    });
    learn(&event.kind, &mut out.rows);
}

/// Takes in an event that is written already, for those that follow it.
pub(crate) fn learn_event(event: &RunEvent, out: &mut Encoder) {
    learn(&event.kind, &mut out.rows);
}

/// Takes in an event that was read elsewhere, for those that follow it.
pub(crate) fn remember_event(event: &RunEvent, memory: &mut Memory) {
    learn(&event.kind, &mut memory.rows);
}

/// Reads an event that [`encode_event`] wrote.
pub(crate) fn decode_event(
    seq: u64,
    before: Micros,
    input: &mut Decoder<'_>,
) -> Result<RunEvent, DecodeError> {
    let (at, kind) = input.framed(|input| {
        let at = before.0.wrapping_add(input.raw.signed()? as u64);
        Ok((Micros(at), EventKind::take(input)?))
    })?;
    let Memory { rows, .. } = input.memory;
    learn(&kind, rows);
    Ok(RunEvent { seq, at, kind })
}

/// Adds the rows that an event brings.
fn learn(kind: &EventKind, rows: &mut Rows) {
    match kind {
        EventKind::RunStarted(header) => rows.begin(&header.steps),
        EventKind::StepsAdded { steps } => rows.extend(steps),
        EventKind::StepExpanded { elements, .. } => rows.extend(elements),
        EventKind::StepCalled { row, call, .. } => rows.called(*row, call),
        _ => {}
    }
}
