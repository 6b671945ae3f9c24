//! The driver: runs the scheduler's actions on tokio, and reports what happened to the sinks.
//!
//! Its loop is fair in time. Each round first takes in what has come: log entries, questions, ended calls, timers,
//! commands. Only then it runs actions, for at most [`SLICE`], and gives the events to the sinks. So a plan of a
//! million instant steps delays no time limit, no backoff, no ended call and no command for longer than that.

mod breakpoints;
mod call;
mod code;
mod command_channel;
mod commands;
mod expectations;
mod log;
mod preparation;
mod questions;
mod recovery;
mod sharing;

use self::command_channel::Commands;
use super::answer_channel::AnswerSender;
use super::attempt::AttemptDone;
use super::break_conditions::BreakConditions;
use super::cache::Keys;
use super::calls::{CallEvent, Calls, EndedCall};
use super::continued::opening;
use super::edited_steps::EditedSteps;
use super::evaluations::Evaluations;
use super::event_emitter::EventEmitter;
use super::expectations::{Expectations, Made};
use super::held_outputs::HeldOutputs;
use super::inquiries::Inquiries;
use super::large_inputs::LargeInputs;
use super::questions::Questions;
use super::reuse::Reuse;
use super::setup::{Settings, Setup};
use super::shared_limits::{Answer, Share};
use super::slow_motion::SlowMotion;
use super::step_tools::StepTools;
use super::tape::Tape;
use super::timers::Timers;
use super::{Action, Input, Rules, Scheduler};
use crate::plan::{ExecutionPlan, StepIx};
use crate::run::{EventKind, Rates, RunCommand, RunState, TraceContext};
use crate::tools::{AnswerListener, Toolbox};
use crate::units::Micros;
use code::CodeRows;
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tokio::sync::mpsc::{self, error::TryRecvError};
use tokio::time::Instant;

/// How long actions are run before everything else is looked at again. A single action may take longer.
const SLICE: Micros = Micros(4_000);
/// Commands taken in one round.
const COMMANDS_IN_A_ROUND: usize = 64;

/// A running run.
pub(super) struct Driver {
    plan: Arc<ExecutionPlan>,
    context: Arc<Value>,
    tools: StepTools,
    edited: EditedSteps,
    toolbox: Arc<dyn Toolbox>,
    settings: Settings,
    run_id: Arc<str>,
    scheduler: Scheduler,
    random: fastrand::Rng,
    reuse: Box<Reuse>,
    /// Calls on record, which are not made again.
    tape: Tape,
    emitter: EventEmitter,
    calls: Calls,
    answers: Option<AnswerSender>,
    evaluations: Evaluations,
    expectations: Expectations,
    break_conditions: BreakConditions,
    inquiries: Inquiries,
    timers: Timers,
    slow_motion: SlowMotion,
    code: CodeRows,
    held: HeldOutputs,
    large: LargeInputs,
    /// The handles of calls that an earlier run made, and whose end is waited for.
    attached: HashMap<StepIx, Arc<str>>,
    questions: Box<Questions>,
    /// Its share of limits that other runs use too.
    share: Option<Box<Share>>,
    /// What tools are told of the trace of the run.
    trace: Option<Box<TraceContext>>,
    origin: Instant,
    /// The time read last.
    now: Micros,
    actions: VecDeque<Action>,
    scratch: Vec<Action>,
}

impl Driver {
    pub(super) fn new(setup: Setup, origin: Instant) -> Self {
        let tools = StepTools::new(&setup.plan, &*setup.toolbox);
        let hash_key = setup.cache.as_ref().map(|cache| cache.hash_key());
        let mut keys = Keys::new(Arc::clone(&setup.toolbox), hash_key.unwrap_or_default());
        let header = setup.header(&tools, &mut keys);
        let spent_before = setup.spent_before();
        let settings = setup.settings;
        let share = setup
            .shared
            .as_ref()
            .map(|limits| Box::new(Share::of(limits)));
        let rules = Rules {
            limits: settings.limits.clone(),
            fail_fast: settings.fail_fast,
            track_cost: settings.track_cost,
            paused: settings.paused,
            // Where others use them too, the shared account keeps them.
            rates: match &share {
                Some(_) => Rates::default(),
                None => settings.rates.clone(),
            },
            asks: settings.interactive,
            spent_before,
            answers: settings.answers.clone(),
            approval_lifetime: settings.approval_lifetime.map(Micros::from),
            breakpoints: settings.breakpoints.clone(),
            run_to: settings.run_to.clone(),
        };
        let retry = tools.retry_policies(&setup.plan);
        let mut scheduler = Scheduler::new(Arc::clone(&setup.plan.steps), retry, rules);
        let tool_names = setup.toolbox.names();
        let mut emitter = EventEmitter::new(setup.sinks, setup.toolbox.secrets());
        let secrets = setup.toolbox.secrets();
        let questions = Box::new(Questions::with(&settings.question_answers));
        let reuse = Reuse::new(setup.resume, setup.cache, keys, &header.steps, secrets);
        let mut reuse = Box::new(reuse);
        match setup.so_far {
            None => emitter.emit(Micros(0), EventKind::RunStarted(Arc::new(header))),
            Some(run) => {
                scheduler.go_on(&run);
                let (at, opening) = (run.at, {
                    let (limits, rates) = (&settings.limits, &settings.rates);
                    opening(&run, limits, rates, &|row| reuse.keeps(row))
                });
                emitter = emitter.after(*run);
                for kind in opening {
                    reuse.reopens(&kind, emitter.state());
                    emitter.emit(at, kind);
                }
            }
        }
        let emitter_at = emitter.state().at;
        Self {
            reuse,
            tape: setup.tape,
            scheduler,
            random: fastrand::Rng::with_seed(settings.seed),
            plan: setup.plan,
            context: setup.context,
            tools,
            edited: EditedSteps::default(),
            toolbox: setup.toolbox,
            slow_motion: SlowMotion::new(settings.pace, origin),
            settings,
            run_id: setup.run_id,
            emitter,
            calls: Calls::new(),
            answers: setup.answers,
            evaluations: Evaluations::default(),
            expectations: Expectations::default(),
            break_conditions: BreakConditions::default(),
            inquiries: Inquiries::default(),
            timers: Timers::new(origin),
            code: CodeRows::new(tool_names),
            held: HeldOutputs::default(),
            large: LargeInputs::default(),
            attached: HashMap::new(),
            questions,
            share,
            trace: setup.trace.map(Box::new),
            origin,
            now: emitter_at,
            actions: VecDeque::new(),
            scratch: Vec::new(),
        }
    }

    pub(super) async fn run(mut self, commands: mpsc::Receiver<RunCommand>) -> RunState {
        let mut commands = Commands::new(commands, !self.settings.interactive);
        self.note_breakpoints();
        let _warm = self.warm_jail();
        self.input(Input::Start);
        self.reuse.begin(&self.plan, &self.tools);
        if let Some(edited) = self.reuse.takes_back() {
            self.emitter.emit(self.now, edited);
        }
        self.apply_edits(0);
        loop {
            self.take_in(&mut commands);
            let more = self.carry_out();
            self.emitter.flush();
            if more {
                tokio::task::yield_now().await;
                continue;
            }
            if self.scheduler.has_ended() && (commands.closed || !commands.open) {
                break;
            }
            if !commands.open {
                self.refuse_questions();
            }
            if !commands.open && self.scheduler.is_stuck() {
                self.input(Input::Unattended);
                continue;
            }
            let origin = self.origin;
            tokio::select! {
                biased;
                command = commands.from.recv(), if commands.open => match command {
                    Some(command) => commands.closed |= self.take_command(command),
                    None => commands.open = false,
                },
                event = self.calls.next(|| origin.elapsed().into()) => self.call_event(event),
                row = self.evaluations.ended() => self.prepare(row),
                row = self.expectations.ended() => self.judge_again(row),
                answered = self.inquiries.answered() => self.answered(answered),
                answer = next_of(&mut self.share) => self.shared_answer(answer),
                () = self.timers.wait() => {}
                () = self.slow_motion.wait() => {}
            }
        }
        self.emitter.finish()
    }

    /// Takes in everything that has come so far, without waiting. A call's log comes before its end.
    fn take_in(&mut self, commands: &mut Commands) {
        self.take_log();
        while let Some((row, total)) = self.calls.try_question() {
            self.asks_for_money(row, total);
        }
        self.take_what_servers_said();
        while let Some(message) = self.calls.try_code() {
            self.code_asks(message);
        }
        while let Some(ended) = self.calls.try_ended(self.now) {
            self.call_ended(ended);
        }
        while let Some(row) = self.evaluations.try_ended() {
            self.prepare(row);
        }
        while let Some(row) = self.expectations.try_ended() {
            self.judge_again(row);
        }
        while let Some(answered) = self.inquiries.try_answered() {
            self.answered(answered);
        }
        self.take_answers();
        let now = self.read_clock();
        while let Some((row, done)) = self.slow_motion.take_due(now) {
            self.ended(row, done);
        }
        for timer in self.timers.take_due(now) {
            self.input(Input::Timer(timer));
        }
        for _ in 0..COMMANDS_IN_A_ROUND {
            match commands.from.try_recv() {
                Ok(command) => commands.closed |= self.take_command(command),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    commands.open = false;
                    break;
                }
            }
        }
    }

    /// Runs actions for up to [`SLICE`]; returns whether some are left for the next round.
    fn carry_out(&mut self) -> bool {
        let begin = self.read_clock();
        while self.now - begin < SLICE {
            let Some(action) = self.actions.pop_front() else {
                return false;
            };
            let Some(action) = self.large.admit(action) else {
                continue;
            };
            match action {
                Action::Emit(_) => {}
                Action::Prepare(row) => {
                    self.unshare(row);
                    self.evaluations.forget(row);
                    self.expectations.forget(row);
                    self.prepare(row);
                }
                Action::Call {
                    step,
                    attempt,
                    input,
                    reserved,
                } => self.call(step, attempt, &input, reserved),
                Action::Cancel(row) => self.cancel(row),
                Action::Answer {
                    caller,
                    number,
                    outcome,
                } => self.answer_code(caller, number, outcome),
                Action::BudgetDecision(row, granted) => self.calls.answer(row, granted),
                Action::SetTimer(at, timer) => self.timers.set(at, timer),
            }
        }
        !self.actions.is_empty()
    }

    fn read_clock(&mut self) -> Micros {
        self.now = self.origin.elapsed().into();
        self.now
    }

    fn input(&mut self, input: Input) {
        self.read_clock();
        self.input_now(input);
    }

    /// Gives the scheduler an input that happened at the time read last.
    fn input_now(&mut self, input: Input) {
        let (now, random) = (self.now, self.random.u64(..));
        let mut decided = std::mem::take(&mut self.scratch);
        let spent = self.scheduler.spent();
        self.scheduler.handle(now, random, input, &mut decided);
        let cost = self.scheduler.spent() - spent;
        let mut from = self.emitter.state().steps.len().max(self.plan.steps.len());
        for action in decided.drain(..) {
            // An event is dated when it is decided, not when it is given to the sinks.
            match action {
                Action::Emit(mut kind) => {
                    match &mut kind {
                        EventKind::StepReset { step } => {
                            self.reuse.reset(step, self.emitter.state());
                        }
                        // Rows of an earlier time are used again.
                        EventKind::StepExpanded { .. } => from = self.plan.steps.len(),
                        EventKind::StepCalled { row, .. } => from = from.min(row.at()),
                        EventKind::StepCallSet { step, call } => {
                            let before = self.emitter.state().steps.get(step.ix.at());
                            let before = before.and_then(|row| row.given_call.clone());
                            self.reuse.call_changed(&step.id, before);
                            self.edit(step.ix, call);
                        }
                        EventKind::AttemptStarted {
                            step,
                            input,
                            prompt,
                            ..
                        } => {
                            *prompt = self.prompt(step.ix, input);
                            self.code.begin(step.ix);
                        }
                        EventKind::AttemptSuspended { step, .. } => {
                            self.calls.suspend(step.ix, now, true);
                        }
                        EventKind::AttemptContinued { step, .. } => {
                            self.calls.suspend(step.ix, now, false);
                        }
                        other => self.reuse.note_end(other, &self.scheduler),
                    }
                    self.share_event(&kind, cost);
                    let attached = self.attach(&kind);
                    self.emitter.emit(now, kind);
                    if let Some(attached) = attached {
                        self.emitter.emit(now, attached);
                    }
                }
                other => self.actions.push_back(other),
            }
        }
        self.scratch = decided;
        self.apply_edits(from);
    }

    /// The call of an attempt that began at `started` has ended at the time read last, and it changed nothing: where it
    /// was too fast for the eye, slow motion holds its end.
    fn ended_in_slow_motion(&mut self, row: StepIx, started: Micros, done: AttemptDone) {
        let parent = self.scheduler.plan_step(row);
        let list = (parent != row).then(|| self.emitter.state().steps.get(parent.at()));
        let siblings = list
            .flatten()
            .map_or(1, |step| step.elements().len() as u64);
        match self.slow_motion.until(started, self.now, siblings) {
            Some(until) => {
                self.input_now(Input::Paced(row));
                self.slow_motion.hold(row, until, done);
            }
            None => self.ended(row, done),
        }
    }

    /// Who follows the answers of a call.
    fn listener(&self, row: StepIx, attempt: u32) -> Option<AnswerListener> {
        let secrets = self.toolbox.secrets().now();
        let answers = self.answers.as_ref()?;
        answers.listener(row, attempt, self.origin, &secrets)
    }

    fn call_event(&mut self, event: CallEvent) {
        match event {
            CallEvent::Log(entry) => self.log(entry),
            CallEvent::Code(message) => self.code_asks(message),
            CallEvent::Asked(row, total) => self.asks_for_money(row, total),
            CallEvent::Handle(given) => self.record_handle(given),
            CallEvent::Question(asked) => self.asked(asked),
            CallEvent::Ended(ended) => self.call_ended(ended),
        }
    }

    fn call_ended(&mut self, ended: EndedCall) {
        self.take_log();
        self.calls.forget(ended.row);
        self.forget_questions(ended.row);
        self.read_clock();
        if ended.has_effect {
            self.emitter.require_survival();
        }
        let made = Made {
            started: ended.started,
            done: ended.done,
            may_be_paced: !ended.has_effect && !ended.stopped,
        };
        self.made(ended.row, made);
    }

    /// An attempt ended at the time read last.
    fn ended(&mut self, row: StepIx, done: AttemptDone) {
        let AttemptDone {
            service,
            mut report,
            cancelled,
        } = done;
        let breaks = self.breaks_after(row, &report);
        self.held.count(row, &mut report);
        // What was asked is on record already, unless there was more than one request.
        let state = self.emitter.state().steps.get(row.at());
        let known = state.and_then(|step| step.running_attempt()?.prompt.as_ref());
        if let Some(known) = known.filter(|known| report.prompt.as_ref() == Some(known)) {
            report.prompt = Some(Arc::clone(known));
        }
        self.reuse.call_ended(row, service, &report);
        let exchanges = std::mem::take(&mut report.exchanges);
        self.emitter.keep_exchanges(row, exchanges);
        // Later steps need the output as it is; events are redacted on their way out.
        if let Some(whole) = report.unredacted.take() {
            report.output = Ok(whole.into_value());
        }
        self.input_now(Input::Ended {
            step: row,
            service,
            report,
            cancelled,
            breaks,
        });
        let next = self.large.ended(row);
        self.actions.extend(next);
    }
}

/// The next answer of the shared limits; never where there are none.
async fn next_of(share: &mut Option<Box<Share>>) -> Answer {
    match share {
        Some(share) => share.next().await,
        None => std::future::pending().await,
    }
}
