//! Every action of the home screen: its name, keys, description, condition and function. Letters go into the filter,
//! so actions use other keys.

use super::act::{again, back, clear, go, open, page, read_again, restore, terminal, with_run};
use super::item::{PlanPlace, Standing};
use super::list::Selected;
use super::message::Effect;
use super::model::{Choice, Model};
use super::plan_act;
use super::planning::Planning;
use super::themes;
use crate::tui::input::action::{Action, ask, change, take};
use crate::tui::input::key::Key;
use crate::tui::input::keymap::KeyRules;
use crate::tui::input::palette::Palette;
use crate::tui::input::registry::{self, Hint, Registry, WithPalette, of_palette};
use crate::tui::terminal::screen::{Outcome, TerminalEffect};
use crossterm::event::{KeyCode, KeyEvent};

/// An action of the home screen, with the group that it stands in.
pub(crate) type Entry = Action<Model, Effect, &'static str>;

const OPEN: &str = "Open";
const LIST: &str = "List";
const PLAN: &str = "New plan";
const HOME: &str = "Home";
const ACTIONS: &str = "List of actions";
const THEMES: &str = "List of themes";
/// The groups in the order of the list of actions.
pub(crate) const GROUPS: [&str; 6] = [OPEN, LIST, PLAN, HOME, ACTIONS, THEMES];

const fn code(code: KeyCode) -> Key {
    Key::code(code)
}

fn always(_: &Model) -> bool {
    true
}

fn covered(model: &Model) -> bool {
    let over = model.palette.is_some() || model.themes.is_some();
    over || model.trouble.is_some() || model.planning.is_some()
}

/// Whether the box in which a plan is made is in front.
fn in_planning(model: &Model) -> bool {
    let over = model.palette.is_some() || model.themes.is_some();
    model.planning.is_some() && !over && model.trouble.is_none()
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
    !covered(model) && model.run().is_some_and(|run| !run.is_batch)
}

fn on_batch(model: &Model) -> bool {
    !covered(model) && model.run().is_some_and(|run| run.is_batch)
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

fn in_themes(model: &Model) -> bool {
    model.themes.is_some() && model.palette.is_none()
}

static OF_PALETTE: [Entry; 6] = of_palette(ACTIONS);

/// The actions below the list of actions. The footer shows the hints in this order.
#[rustfmt::skip]
static OWN: &[Entry] = &[
    ask("keep-theme", &[code(KeyCode::Enter)], THEMES, "keep the theme", in_themes, themes::keep).hint("keep"),
    change("theme-up", &[code(KeyCode::Up), code(KeyCode::BackTab)], THEMES, "look at the theme above", in_themes, |m| themes::move_by(m, -1)).hint("up"),
    change("theme-down", &[code(KeyCode::Down), code(KeyCode::Tab)], THEMES, "look at the theme below", in_themes, |m| themes::move_by(m, 1)).hint("down"),
    change("cancel-theme", &[code(KeyCode::Esc)], THEMES, "go back to the theme as it was", in_themes, themes::cancel).hint("cancel"),

    ask("make-plan", &[code(KeyCode::Enter)], PLAN, "write the plan for the task that was typed", typing_a_task, plan_act::ask)
        .hint("write the plan").needs("a task to write a plan for"),
    ask("run-plan", &[code(KeyCode::Enter)], PLAN, "run the plan that was made", plan_is_made, plan_act::run)
        .hint("run").needs("a plan that was made"),
    change("change-plan", &[Key::control('e')], PLAN, "say what should change in the plan that was made", plan_is_made, plan_act::change)
        .hint("change").needs("a plan that was made"),
    ask("close-plan", &[code(KeyCode::Esc)], PLAN, "stop the planner, or close the plan that was made", in_planning, plan_act::close)
        .hint("back").needs("a plan that is being made"),
    ask("resume", &[code(KeyCode::Enter)], OPEN,
        "resume an interrupted run; finished steps are kept", resumable, |m| open(m)).hint("resume").needs("an interrupted run"),
    ask("run", &[code(KeyCode::Enter)], OPEN, "run the selected plan", on_plan, |m| open(m)).hint("run").needs("a selected plan"),
    ask("open", &[code(KeyCode::Enter)], OPEN, "open the selected run as it ended", on_run, |m| open(m)).hint("open").needs("a selected run"),
    ask("open-batch", &[code(KeyCode::Enter)], OPEN, "open the selected batch: its items, and the runs of these", on_batch, |m| open(m)).hint("open").needs("a selected batch"),
    ask("replay", &[Key::control('p')], OPEN, "replay the selected run at its original speed", on_run, |m| with_run(m, Choice::Play))
        .hint("replay").needs("a selected run"),
    ask("fork", &[Key::control('f')], OPEN,
        "fork the selected run: reuse what succeeded, run the rest", ended, |m| with_run(m, Choice::Fork)).hint("fork").needs("a selected run that has ended"),
    ask("run-again", &[Key::control('n')], OPEN, "run the plan of the selected run again", on_run, again).hint("run again").needs("a selected run"),
    ask("restore", &[Key::control('o')], OPEN,
        "restore the files of the selected sample, and run it", on_file_of_sample, |m| restore(m)).hint("restore").needs("a selected sample"),
    change("new-plan", &[Key::control('t')], PLAN, "write a plan for a task", |m| !covered(m), plan_act::begin).hint("new plan"),
    change("up", &[code(KeyCode::Up)], LIST, "up", always, |m| go(m, -1)),
    change("down", &[code(KeyCode::Down)], LIST, "down", always, |m| go(m, 1)),
    change("page-up", &[code(KeyCode::PageUp)], LIST, "a page up", always, |m| go(m, -page(m))),
    change("page-down", &[code(KeyCode::PageDown)], LIST, "a page down", always, |m| go(m, page(m))),
    change("first", &[code(KeyCode::Home)], LIST, "to the first", in_list, |m| go(m, isize::MIN)),
    change("last", &[code(KeyCode::End)], LIST, "to the last", in_list, |m| go(m, isize::MAX)),
    change("next-part", &[code(KeyCode::Tab)], LIST,
        "to the next part: plans, runs, samples", in_list, |m| m.next_part(true)).hint("next part"),
    change("previous-part", &[code(KeyCode::BackTab)], LIST, "to the previous part", in_list, |m| m.next_part(false)),
    ask("reload", &[code(KeyCode::F(5)), Key::control('r')], LIST, "reload everything", always, read_again),
    change("back", &[code(KeyCode::Esc)], HOME, "back to the list", covered, back).hint("back").needs("something over the list"),
    change("clear", &[code(KeyCode::Esc)], LIST, "clear the filter",
        |m| !covered(m) && !m.field.is_empty(), clear).hint("clear").needs("something typed"),
    ask("quit", &[code(KeyCode::Esc), Key::control('c'), Key::control('q')], HOME, "quit", always, |_| terminal(TerminalEffect::Leave(Outcome::Quit))).hint("quit"),
    change("help", &[code(KeyCode::F(1)), Key::char('?')], HOME, "show every action with its keys, to find and do one", always, |m| m.palette = Some(Palette::default())).hint("help"),
    take("theme", &[code(KeyCode::F(2))], HOME, "choose the theme, which is seen at once; a name after it takes that one", always, themes::open),
    ask("redraw", &[Key::control('l')], HOME, "redraw the screen", always, |_| terminal(TerminalEffect::Redraw)),
    ask("suspend", &[Key::control('z')], HOME, "suspend the program", always, |_| terminal(TerminalEffect::Suspend)),
];

/// Every action.
pub(crate) fn registry() -> Registry<Model, Effect, &'static str> {
    Registry {
        actions: OF_PALETTE.iter().chain(OWN).collect(),
        group: |entry| {
            let place = GROUPS.iter().position(|group| *group == entry.scope);
            (place.unwrap_or_default(), entry.scope)
        },
        possible: |entry, model| (entry.enabled)(model),
        lacks: |entry, _| match entry.needs {
            "" if entry.scope == ACTIONS => "this list, where it has this key",
            "" if entry.scope == THEMES => "the list of themes",
            "" => "the list in front",
            needs => needs,
        },
    }
}

/// Which keys the user may give to the actions.
pub(crate) fn rules() -> KeyRules<Model, Effect, &'static str> {
    const NEEDED: [&str; 7] = [
        "quit",
        "help",
        "back",
        "palette-choose",
        "palette-close",
        "keep-theme",
        "cancel-theme",
    ];
    KeyRules {
        actions: registry().actions,
        situations: |entry| match entry.scope {
            ACTIONS => 1,
            THEMES => 2,
            _ => 4,
        },
        types: |entry| entry.name != "help" && entry.scope != THEMES,
        needs_key: |entry| NEEDED.contains(&entry.name),
    }
}

/// What `event` does in this state; `None` where it is for what is typed into.
pub(crate) fn meaning(model: &Model, event: &KeyEvent) -> Option<&'static Entry> {
    // A letter is typed; the question mark is one as soon as something was typed before it.
    let is_typed = !model.field.is_empty() || typing_a_task(model) || model.is_listing();
    let counts = |key: &Key| !key.is_typed() || !is_typed;
    registry().meaning(model, &model.keymap, event, counts)
}

/// The footer: hints of the possible actions.
pub(crate) fn hints(model: &Model) -> Vec<Hint<'static, Model, Effect, &'static str>> {
    registry().hints(model, &model.keymap, |entry| {
        if model.is_listing() {
            entry.scope == ACTIONS
        } else {
            !in_themes(model) || entry.scope == THEMES
        }
    })
}

/// Does what is chosen in the list of actions.
pub(super) fn choose(model: &mut Model) -> Vec<Effect> {
    let keymap = model.keymap.clone();
    registry::choose(model, &registry(), &keymap)
}
