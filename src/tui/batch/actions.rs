//! Every action of the view of a batch: its name, keys, description, condition and function.

use super::act::{
    back, can_go_back, compare, go, go_step, leave, open, show, sort, stop, terminal, turn_focus,
    turn_list,
};
use super::message::Effect;
use super::model::{Focus, Model};
use crate::tui::input::action::{Action, ask, change};
use crate::tui::input::key::Key;
use crate::tui::input::keymap::KeyRules;
use crate::tui::input::palette::Palette;
use crate::tui::input::registry::{self, Hint, Registry, WithPalette, of_palette};
use crate::tui::terminal::screen::TerminalEffect;
use crossterm::event::{KeyCode, KeyEvent};

/// An action, with the group that it stands in.
pub(crate) type Entry = Action<Model, Effect, &'static str>;

const ITEMS: &str = "Items";
const VIEW: &str = "View";
const BATCH: &str = "Batch";
const FINDING: &str = "Finding items";
const COMPARED: &str = "Comparison";
const ASKED: &str = "Question";
const ACTIONS: &str = "List of actions";
/// The groups in the order of the list of actions.
pub(crate) const GROUPS: [&str; 7] = [ITEMS, VIEW, BATCH, FINDING, COMPARED, ASKED, ACTIONS];

const fn code(code: KeyCode) -> Key {
    Key::code(code)
}

fn asked(model: &Model) -> bool {
    model.question.is_some() && !model.is_listing()
}

fn compared(model: &Model) -> bool {
    model.compared.is_some() && !model.is_listing() && !asked(model)
}

/// Whether the keys for up and down have something to move.
fn moves(model: &Model) -> bool {
    plain(model) || compared(model)
}

fn typing(model: &Model) -> bool {
    model.typing && !model.is_listing() && !asked(model)
}

/// Whether keys are actions of the grid.
fn plain(model: &Model) -> bool {
    !model.is_listing() && !asked(model) && !compared(model) && !model.typing
}

fn on_failures(model: &Model) -> bool {
    plain(model) && model.focus == Focus::Failures
}

fn on_items(model: &Model) -> bool {
    plain(model) && model.focus == Focus::Items
}

fn on_several(model: &Model) -> bool {
    on_items(model) && model.window.chosen_span().len() > 1
}

fn has_failures(model: &Model) -> bool {
    plain(model) && !model.state.failures().is_empty()
}

fn backs(model: &Model) -> bool {
    plain(model) && can_go_back(model)
}

fn leads_home(model: &Model) -> bool {
    plain(model) && model.from_home
}

fn owned(model: &Model) -> bool {
    plain(model) && model.owned && model.state.header.live && !model.stopping
}

fn end_typing(model: &mut Model, clears: bool) {
    model.typing = false;
    if clears {
        model.field.clear();
        model.window.reset();
    }
}

static OF_PALETTE: [Entry; 6] = of_palette(ACTIONS);

/// The actions below the list of actions. The footer shows the hints in this order.
#[rustfmt::skip]
static OWN: &[Entry] = &[
    ask("confirm", &[Key::char('y'), code(KeyCode::Enter)], ASKED, "stop the batch; what ended stays, the rest can be resumed", asked, stop).hint("stop it"),
    change("decline", &[Key::char('n'), code(KeyCode::Esc), Key::char('q')], ASKED, "let the batch go on", asked, |m| m.question = None).hint("let it run"),

    change("close-comparison", &[code(KeyCode::Esc), Key::char('d'), Key::char('q')], COMPARED, "close the comparison", compared, |m| m.compared = None).hint("close"),

    change("keep-found", &[code(KeyCode::Enter)], FINDING, "keep what was found", typing, |m| end_typing(m, false)).hint("keep"),
    change("find-nothing", &[code(KeyCode::Esc)], FINDING, "show every key again", typing, |m| end_typing(m, true)).hint("clear"),

    ask("open-group", &[code(KeyCode::Enter)], ITEMS, "show the items that failed like this", on_failures, open).hint("show items").needs("a group of failures"),
    ask("go-in", &[code(KeyCode::Enter), Key::char('+')], ITEMS, "show the items of the row alone", on_several, open).hint("zoom in").needs("a row of several items"),
    ask("open", &[code(KeyCode::Enter)], ITEMS, "open the run of the item; esc leads back here", on_items, open).hint("open run").needs("an item"),
    change("back", &[code(KeyCode::Esc), Key::char('-')], ITEMS, "back: out of a row, a filter or the failures", backs, back).hint("back").needs("something to go back from"),
    change("up", &[code(KeyCode::Up), Key::char('k')], ITEMS, "up", moves, |m| go(m, -1)),
    change("down", &[code(KeyCode::Down), Key::char('j')], ITEMS, "down", moves, |m| go(m, 1)),
    change("page-up", &[code(KeyCode::PageUp)], ITEMS, "a page up", moves, |m| { let page = m.window.page(); go(m, -page); }),
    change("page-down", &[code(KeyCode::PageDown)], ITEMS, "a page down", moves, |m| { let page = m.window.page(); go(m, page); }),
    change("first", &[code(KeyCode::Home), Key::char('g')], ITEMS, "to the first", moves, |m| go(m, isize::MIN)),
    change("last", &[code(KeyCode::End), Key::char('G')], ITEMS, "to the last", moves, |m| go(m, isize::MAX)),
    change("step-left", &[code(KeyCode::Left), Key::char('h')], ITEMS, "choose the step to the left; before the first, none", plain, |m| go_step(m, -1)),
    change("step-right", &[code(KeyCode::Right), Key::char('l')], ITEMS, "choose the step to the right, which items are then sorted by", plain, |m| go_step(m, 1)),
    change("colour", &[Key::char('c')], VIEW, "colour the cells by status, time or cost", plain, |m| m.heat = m.heat.next()).hint("colour"),
    change("sort", &[Key::char('s')], VIEW, "sort the items: as in the input, failed, slowest or most expensive first", plain, sort).hint("sort"),
    change("filter", &[Key::char('f')], VIEW, "show all items, or those that failed, are running, wait or succeeded", plain, |m| { let next = m.filter.next(); show(m, next); }).hint("filter"),
    change("find", &[Key::char('/')], VIEW, "find items by their keys", plain, |m| m.typing = true).hint("find"),
    change("list", &[Key::char('z')], VIEW, "give every item a row of its own, or show all at once", on_items, turn_list).hint("list"),
    ask("compare", &[Key::char('d')], VIEW, "compare with the batch of the same plan before this one", plain, compare),
    change("failures", &[code(KeyCode::Tab), code(KeyCode::BackTab)], VIEW, "go to the failures, or back to the items", has_failures, turn_focus).hint("failures").needs("a failure"),
    ask("stop", &[Key::char('x')], BATCH, "stop the batch; what ended stays, the rest can be resumed", owned, |m| { m.question = Some(super::model::Question::Stop); Vec::new() }).needs("a batch that this program runs"),
    change("help", &[Key::char('?'), code(KeyCode::F(1))], BATCH, "show every action with its keys, to find and do one", |m: &Model| !m.is_listing() && !m.typing, |m| m.palette = Some(Palette::default())).hint("help"),
    ask("leave", &[code(KeyCode::Esc)], BATCH, "back to the home screen", leads_home, leave).hint("home"),
    ask("quit", &[Key::char('q'), Key::control('c'), Key::control('q')], BATCH, "leave; a batch of another process goes on", |m: &Model| !m.typing || m.is_listing(), leave).hint("quit"),
    ask("redraw", &[Key::control('l')], BATCH, "redraw the screen", |_| true, |_| terminal(TerminalEffect::Redraw)),
    ask("suspend", &[Key::control('z')], BATCH, "suspend the program", |_| true, |_| terminal(TerminalEffect::Suspend)),
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
            "" => "the part of the screen that has this key",
            needs => needs,
        },
    }
}

const IN_GRID: u32 = 1;
const IN_FIELD: u32 = 1 << 1;
const IN_COMPARISON: u32 = 1 << 2;
const IN_QUESTION: u32 = 1 << 3;
const IN_LIST: u32 = 1 << 4;

/// Which keys the user may give to the actions.
pub(crate) fn rules() -> KeyRules<Model, Effect, &'static str> {
    const NEEDED: [&str; 10] = [
        "quit",
        "help",
        "back",
        "confirm",
        "decline",
        "close-comparison",
        "keep-found",
        "find-nothing",
        "palette-choose",
        "palette-close",
    ];
    KeyRules {
        actions: registry().actions,
        situations: |entry| match (entry.scope, entry.name) {
            (ACTIONS, _) => IN_LIST,
            (ASKED, _) => IN_QUESTION,
            (COMPARED, _) => IN_COMPARISON,
            (FINDING, _) => IN_FIELD,
            (_, "up" | "down" | "page-up" | "page-down" | "first" | "last") => {
                IN_GRID | IN_COMPARISON
            }
            (_, "help") => IN_GRID | IN_COMPARISON | IN_QUESTION,
            (_, "quit") => IN_GRID | IN_COMPARISON | IN_QUESTION | IN_LIST,
            (_, "redraw" | "suspend") => IN_GRID | IN_FIELD | IN_COMPARISON | IN_QUESTION | IN_LIST,
            _ => IN_GRID,
        },
        types: |entry| matches!(entry.scope, ACTIONS | FINDING),
        needs_key: |entry| NEEDED.contains(&entry.name),
    }
}

/// What `event` does in this state; `None` where it is for what is typed into.
pub(super) fn meaning(model: &Model, event: &KeyEvent) -> Option<&'static Entry> {
    let is_typed = model.is_listing() || model.typing && !asked(model);
    let counts = |key: &Key| !key.is_typed() || !is_typed;
    registry().meaning(model, &model.keymap, event, counts)
}

/// The footer: hints of the possible actions.
pub(super) fn hints(model: &Model) -> Vec<Hint<'static, Model, Effect, &'static str>> {
    registry().hints(model, &model.keymap, |entry| {
        !model.is_listing() || entry.scope == ACTIONS
    })
}

/// Does what is chosen in the list of actions.
pub(super) fn choose(model: &mut Model) -> Vec<Effect> {
    let keymap = model.keymap.clone();
    registry::choose(model, &registry(), &keymap)
}
