//! What each message does to the model.

pub(crate) mod answers;
pub(crate) mod approval;
pub(crate) mod bodies;
pub(crate) mod break_line;
pub(crate) mod bundle;
pub(crate) mod compare;
pub(crate) mod define_tool;
pub(crate) mod editor;
pub(crate) mod export;
pub(crate) mod group;
pub(crate) mod json_filter;
pub(crate) mod json_table;
mod keys;
mod mouse;
pub(crate) mod navigation;
pub(crate) mod overlays;
pub(crate) mod page_search;
pub(crate) mod pages;
pub(crate) mod plan_edit;
pub(crate) mod presentation;
pub(crate) mod previewed;
pub(crate) mod questions;
pub(crate) mod repairing;
pub(crate) mod run_commands;
pub(crate) mod save_edits;
pub(crate) mod search;
pub(crate) mod settings;
pub(crate) mod structure;
pub(crate) mod themes;
pub(crate) mod trying;
pub(crate) mod unknown;
pub(crate) mod watches;

use super::history::HistoryAnswer;
use super::message::{Effect, Message};
use super::state::model::Model;
use super::state::overlay::{Overlay, Question};
use crate::run::{CommandError, EventKind, RunEvent};
use crate::tui::terminal::screen::{Outcome, TerminalEffect, TerminalEvent};

/// Applies a message; returns effects to run in order.
pub fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    let mut effects = take(model, message);
    run_commands::mark_breakpoints(model);
    effects.extend(bodies::ask(model));
    effects.extend(json_filter::ask(model));
    effects.extend(watches::ask(model));
    effects
}

fn take(model: &mut Model, message: Message) -> Vec<Effect> {
    match message {
        Message::Terminal(event) => on_terminal(model, event),
        Message::Events(events) => on_events(model, events),
        Message::Whole(whole) => {
            model.replace(*whole);
            model.banner |= model.run.has_ended();
            Vec::new()
        }
        Message::Read(percent) => {
            model.dirty |= std::mem::replace(&mut model.read_percent, percent) != percent;
            Vec::new()
        }
        Message::Answer(HistoryAnswer::Saved(saved)) => {
            pages::take_savings(model, saved);
            Vec::new()
        }
        Message::Answer(HistoryAnswer::Reliability(known)) => {
            model.reliability = Some(known);
            model.dirty = true;
            Vec::new()
        }
        Message::Answer(HistoryAnswer::Bundle(made)) => bundle::take(model, made),
        Message::Answer(HistoryAnswer::Structure(known)) => {
            structure::take(model, known);
            Vec::new()
        }
        Message::Answer(HistoryAnswer::ToolDefinition(step, known)) => {
            define_tool::take(model, &step, known);
            Vec::new()
        }
        Message::Answer(HistoryAnswer::PlanPlace(place)) => plan_edit::take_place(model, place),
        Message::Answer(HistoryAnswer::EditsDiff(known)) => {
            save_edits::take(model, known);
            Vec::new()
        }
        Message::Answer(HistoryAnswer::EditsWritten(written)) => {
            save_edits::written(model, written);
            Vec::new()
        }
        Message::Answer(HistoryAnswer::PlanChange(change)) => {
            plan_edit::take_change(model, change);
            Vec::new()
        }
        Message::Answer(HistoryAnswer::Filtered(number, answer)) => {
            json_filter::take(model, number, answer);
            Vec::new()
        }
        Message::Answer(HistoryAnswer::Watched(number, values)) => {
            watches::take(model, number, values);
            Vec::new()
        }
        Message::Answer(HistoryAnswer::Bodies(step, read)) => {
            bodies::take(model, &step, read);
            Vec::new()
        }
        Message::Answer(HistoryAnswer::ModelCall(step, known)) => {
            editor::take_call(model, step, known);
            Vec::new()
        }
        Message::Answer(HistoryAnswer::Preview(number, known)) => {
            previewed::take(model, number, known)
        }
        Message::Answer(HistoryAnswer::RepeatPrice(number, price)) => {
            trying::take_price(model, number, price);
            Vec::new()
        }
        Message::Answer(HistoryAnswer::Repeated(number, tried)) => {
            trying::take(model, number, tried);
            Vec::new()
        }
        Message::Answer(HistoryAnswer::RepairPrice(number, price)) => {
            repairing::take_price(model, number, price);
            Vec::new()
        }
        Message::Answer(HistoryAnswer::RepairProgress(number, words)) => {
            repairing::take_progress(model, number, words);
            Vec::new()
        }
        Message::Answer(HistoryAnswer::Repaired(number, known)) => {
            repairing::take(model, number, known)
        }
        Message::Answer(HistoryAnswer::RepairWritten(written)) => {
            repairing::written(model, written)
        }
        Message::Answer(HistoryAnswer::Usual(usual)) => {
            model.usual = usual;
            model.outdate_figures();
            Vec::new()
        }
        Message::Live(answers) => {
            if !answers.is_empty() {
                model.take_live(answers);
                model.dirty = true;
            }
            Vec::new()
        }
        Message::Answer(answer) => {
            compare::answer(model, answer);
            Vec::new()
        }
        Message::Tick(now) => {
            model.tick(now);
            model.dirty |= model.moves() || model.is_drawn_later();
            model.keep_figures();
            themes::read_again(model)
        }
        Message::Notice(notice) => {
            model.dirty = true;
            model.notice = Some(notice);
            Vec::new()
        }
        Message::Refused(CommandError::RunOver) => {
            model.dirty = true;
            if model.leaving {
                return leave(Outcome::Quit);
            }
            previewed::refused(model);
            model.notice = Some("the run no longer takes commands".to_owned());
            Vec::new()
        }
        Message::Refused(CommandError::Busy) => {
            model.dirty = true;
            // The run was not asked to stop: it is still running, and leaving would not wait for it.
            model.leaving = false;
            previewed::refused(model);
            model.notice = Some(
                "the run is busy and did not take the command: press the key again".to_owned(),
            );
            Vec::new()
        }
    }
}

fn leave(outcome: Outcome) -> Vec<Effect> {
    vec![Effect::Terminal(TerminalEffect::Leave(outcome))]
}

fn on_terminal(model: &mut Model, event: TerminalEvent) -> Vec<Effect> {
    match event {
        TerminalEvent::Key(event) => keys::on_key(model, &event),
        TerminalEvent::Paste(text) => {
            keys::on_paste(model, &text);
            Vec::new()
        }
        TerminalEvent::Mouse(event) => mouse::on_mouse(model, event),
        TerminalEvent::Resize(columns, rows) => {
            model.size = (columns, rows);
            // What the terminal kept is not known, also where several changes led back to the same size.
            vec![Effect::Terminal(TerminalEffect::Redraw)]
        }
        TerminalEvent::Told(words) => {
            model.notice = Some(words);
            model.dirty = true;
            Vec::new()
        }
        TerminalEvent::Outside(end) => export::returned(model, end),
        TerminalEvent::Background(light) => {
            themes::take_background(model, light);
            Vec::new()
        }
        TerminalEvent::Themes(files) => themes::take(model, files),
        TerminalEvent::Signal(signal) => leave(Outcome::Signal(signal)),
    }
}

fn on_events(model: &mut Model, events: Vec<RunEvent>) -> Vec<Effect> {
    if events.is_empty() {
        return Vec::new();
    }
    let pinned = events.iter().rev().find_map(|event| match &event.kind {
        EventKind::StepPinned { step, pinned } => Some((step.id.clone(), *pinned)),
        _ => None,
    });
    if let Some((id, pinned)) = pinned {
        model.notice = Some(if pinned {
            format!("pinned: the output of {id} is used for this call until it is unpinned")
        } else {
            format!("unpinned the output of {id}")
        });
    }
    structure::told(model, &events);
    let ended = events
        .iter()
        .any(|event| matches!(event.kind, EventKind::RunEnded { .. }));
    let (changed, limit_reached) = settings::told(&events);
    let reshaped = model.take_in(events);
    model.keep_live();
    model.dirty = true;
    if !model.is_past() {
        model.clock = model.clock.max(model.run.at);
        model.now = model.now.max(model.run.at);
        model.shown_changed(reshaped);
    }
    model.banner |= ended && !model.is_past() && model.run.has_ended();
    let raises = Overlay::asks(model.overlay.as_ref(), Question::Raise);
    if !model.in_progress() && !raises && matches!(model.overlay, Some(Overlay::Question(_))) {
        model.overlay = None;
    }
    settings::on_events(model, changed, limit_reached);
    answers::on_events(model);
    unknown::ask(model);
    approval::keep_up(model);
    let mut effects = previewed::keep_up(model);
    let goes_on_elsewhere = model.run.has_ended() && model.run.hand_over.is_some();
    if goes_on_elsewhere && (model.forkable || model.attached) && !model.is_replay() {
        return leave(Outcome::HandedOver);
    }
    if model.leaving && !model.in_progress() {
        return leave(Outcome::Quit);
    }
    effects.extend(pages::ask_for_savings(model));
    effects
}
