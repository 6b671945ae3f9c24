//! Every action of the home screen: its name, keys, description, condition and function. Letters go into the filter,
//! so actions use other keys.

use super::act::{again, back, clear, go, open, page, read_again, restore, terminal, with_run};
use super::item::{PlanPlace, Standing};
use super::list::Selected;
use super::message::Effect;
use super::model::{Choice, Model};
use super::plan_act;
use super::planning::Planning;
use crate::tui::input::action::{Action, Run};
use crate::tui::input::key::Key;
use crate::tui::terminal::screen::{Outcome, TerminalEffect};
use crossterm::event::{KeyCode, KeyEvent};

/// An action of the home screen.
pub(crate) type Entry = Action<Model, Effect, ()>;

const fn code(code: KeyCode) -> Key {
    Key::code(code)
}

const fn change(
    name: &'static str,
    keys: &'static [Key],
    description: &'static str,
    enabled: fn(&Model) -> bool,
    run: fn(&mut Model),
) -> Entry {
    Action::new(name, keys, (), description, enabled, Run::Change(run))
}

const fn ask(
    name: &'static str,
    keys: &'static [Key],
    description: &'static str,
    enabled: fn(&Model) -> bool,
    run: fn(&mut Model) -> Vec<Effect>,
) -> Entry {
    Action::new(name, keys, (), description, enabled, Run::Ask(run))
}

fn always(_: &Model) -> bool {
    true
}

fn covered(model: &Model) -> bool {
    model.help.is_some() || model.trouble.is_some() || model.planning.is_some()
}

/// Whether the box in which a plan is made is in front.
fn in_planning(model: &Model) -> bool {
    model.planning.is_some() && model.help.is_none() && model.trouble.is_none()
}

fn typing_a_task(model: &Model) -> bool {
    in_planning(model) && model.planning.as_ref().is_some_and(Planning::is_typing)
}

fn plan_is_made(model: &Model) -> bool {
    let made =
        |planning: &Planning| planning.made.is_some() && !planning.working && !planning.changing;
    in_planning(model) && model.planning.as_ref().is_some_and(made)
}

fn in_list(model: &Model) -> bool {
    !covered(model) && !model.rows.is_empty()
}

fn on_plan(model: &Model) -> bool {
    !covered(model) && matches!(model.selected(), Some(Selected::Plan(_)))
}

fn on_run(model: &Model) -> bool {
    !covered(model) && model.run().is_some()
}

/// Whether the selected run can be resumed.
fn resumable(model: &Model) -> bool {
    on_run(model)
        && model
            .run()
            .is_some_and(|run| run.standing == Standing::Interrupted)
}

fn ended(model: &Model) -> bool {
    on_run(model)
        && model
            .run()
            .is_some_and(|run| !matches!(run.standing, Standing::Running | Standing::Interrupted))
}

fn on_file_of_sample(model: &Model) -> bool {
    let selected = model.selected();
    on_plan(model)
        && matches!(selected, Some(Selected::Plan(plan)) if matches!(plan.place, PlanPlace::Sample(_)))
}

/// The registry. The footer shows the hints in this order.
#[rustfmt::skip]
pub(crate) static REGISTRY: &[Entry] = &[
    ask("make a plan", &[code(KeyCode::Enter)], "write the plan for the task that was typed", typing_a_task, plan_act::ask).hint("write the plan"),
    ask("run the plan", &[code(KeyCode::Enter)], "run the plan that was made", plan_is_made, plan_act::run).hint("run"),
    change("change the plan", &[Key::control('e')], "say what should change in the plan that was made", plan_is_made, plan_act::change).hint("change"),
    ask("close", &[code(KeyCode::Esc)], "stop the planner, or close the plan that was made", in_planning, plan_act::close).hint("back"),
    ask("resume", &[code(KeyCode::Enter)],
        "resume an interrupted run; finished steps are kept", resumable, |m| open(m)).hint("resume"),
    ask("run", &[code(KeyCode::Enter)], "run the selected plan", on_plan, |m| open(m)).hint("run"),
    ask("open", &[code(KeyCode::Enter)], "open the selected run as it ended", on_run, |m| open(m)).hint("open"),
    ask("replay", &[Key::control('p')], "replay the selected run at its original speed", on_run, |m| with_run(m, Choice::Play)).hint("replay"),
    ask("fork", &[Key::control('f')],
        "fork the selected run: reuse what succeeded, run the rest", ended, |m| with_run(m, Choice::Fork)).hint("fork"),
    ask("run again", &[Key::control('n')], "run the plan of the selected run again", on_run, again).hint("run again"),
    ask("restore", &[Key::control('o')],
        "restore the files of the selected sample, and run it", on_file_of_sample, |m| restore(m)).hint("restore"),
    change("new plan", &[Key::control('t')], "write a plan for a task", |m| !covered(m), plan_act::begin).hint("new plan"),
    change("up", &[code(KeyCode::Up)], "up", always, |m| go(m, -1)),
    change("down", &[code(KeyCode::Down)], "down", always, |m| go(m, 1)),
    change("page up", &[code(KeyCode::PageUp)], "a page up", always, |m| go(m, -page(m))),
    change("page down", &[code(KeyCode::PageDown)], "a page down", always, |m| go(m, page(m))),
    change("first", &[code(KeyCode::Home)], "to the first", in_list, |m| go(m, isize::MIN)),
    change("last", &[code(KeyCode::End)], "to the last", in_list, |m| go(m, isize::MAX)),
    change("next part", &[code(KeyCode::Tab)],
        "to the next part: plans, runs, samples", in_list, |m| m.next_part(true)).hint("next part"),
    change("previous part", &[code(KeyCode::BackTab)], "to the previous part", in_list, |m| m.next_part(false)),
    ask("reload", &[code(KeyCode::F(5)), Key::control('r')], "reload everything", always, read_again),
    change("back", &[code(KeyCode::Esc)], "back to the list", covered, back).hint("back"),
    change("clear", &[code(KeyCode::Esc)], "clear the filter",
        |m| !covered(m) && !m.field.is_empty(), clear).hint("clear"),
    ask("quit", &[code(KeyCode::Esc), Key::control('c'), Key::control('q')], "quit", always, |_| terminal(TerminalEffect::Leave(Outcome::Quit))).hint("quit"),
    change("help", &[code(KeyCode::F(1)), Key::char('?')], "show the keys", always, |m| m.help = if m.help.is_some() { None } else { Some(0) }).hint("help"),
    ask("redraw", &[Key::control('l')], "redraw the screen", always, |_| terminal(TerminalEffect::Redraw)),
    ask("suspend", &[Key::control('z')], "suspend the program", always, |_| terminal(TerminalEffect::Suspend)),
];

/// What `event` does in this state; `None` where it is for the filter.
pub(crate) fn meaning(model: &Model, event: &KeyEvent) -> Option<&'static Entry> {
    // A letter is typed; the question mark is one as soon as something was typed before it.
    let counts = |key: &Key| {
        !matches!(key.code, KeyCode::Char(_))
            || key.control
            || (model.field.is_empty() && !typing_a_task(model))
    };
    REGISTRY
        .iter()
        .find(|entry| entry.has_key(event, counts) && (entry.enabled)(model))
}

/// The footer: hints of the possible actions, each with its first key. Of several with the same key, the first.
pub(crate) fn hints(model: &Model) -> Vec<(Key, &'static str)> {
    let mut hints: Vec<(Key, &'static str)> = Vec::new();
    let possible = REGISTRY.iter().filter(|entry| (entry.enabled)(model));
    for (key, hint) in possible.filter_map(Action::footer) {
        if !hints.iter().any(|(taken, _)| *taken == key) {
            hints.push((key, hint));
        }
    }
    hints
}
