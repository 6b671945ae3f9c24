//! Every action of the view of a batch: its name, keys, description, condition and function.

use super::act::{
    back, can_go_back, compare, go, go_step, leave, open, show, sort, stop, terminal, turn_focus,
    turn_list,
};
use super::message::Effect;
use super::model::{Focus, Model};
use crate::text::fuzzy::Found;
use crate::tui::input::action::{Action, Run};
use crate::tui::input::key::Key;
use crate::tui::input::palette::{Listed, Palette, filtered};
use crate::tui::terminal::screen::TerminalEffect;
use crossterm::event::{KeyCode, KeyEvent};

/// An action, with the group that it stands in.
pub(super) type Entry = Action<Model, Effect, &'static str>;

const ITEMS: &str = "Items";
const VIEW: &str = "View";
const BATCH: &str = "Batch";
const ACTIONS: &str = "List of actions";
/// The groups in the order of the list of actions.
const GROUPS: [&str; 4] = [ITEMS, VIEW, BATCH, ACTIONS];

const fn code(code: KeyCode) -> Key {
    Key::code(code)
}

const fn change(
    name: &'static str,
    keys: &'static [Key],
    group: &'static str,
    description: &'static str,
    enabled: fn(&Model) -> bool,
    run: fn(&mut Model),
) -> Entry {
    Action::new(name, keys, group, description, enabled, Run::Change(run))
}

const fn ask(
    name: &'static str,
    keys: &'static [Key],
    group: &'static str,
    description: &'static str,
    enabled: fn(&Model) -> bool,
    run: fn(&mut Model) -> Vec<Effect>,
) -> Entry {
    Action::new(name, keys, group, description, enabled, Run::Ask(run))
}

fn in_palette(model: &Model) -> bool {
    model.palette.is_some()
}

fn asked(model: &Model) -> bool {
    model.question.is_some() && !in_palette(model)
}

fn compared(model: &Model) -> bool {
    model.compared.is_some() && !in_palette(model) && !asked(model)
}

/// Whether the keys for up and down have something to move.
fn moves(model: &Model) -> bool {
    plain(model) || compared(model)
}

fn typing(model: &Model) -> bool {
    model.typing && !in_palette(model) && !asked(model)
}

/// Whether keys are actions of the grid.
fn plain(model: &Model) -> bool {
    !in_palette(model) && !asked(model) && !compared(model) && !model.typing
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

fn go_palette(model: &mut Model, choose: impl FnOnce(&mut Palette)) {
    if let Some(palette) = &mut model.palette {
        choose(palette);
    }
}

fn end_typing(model: &mut Model, clears: bool) {
    model.typing = false;
    if clears {
        model.field.clear();
        model.window.reset();
    }
}

/// The registry. The footer shows the hints in this order.
#[rustfmt::skip]
static REGISTRY: &[Entry] = &[
    Action::new("palette-choose", &[code(KeyCode::Enter)], ACTIONS, "do what is chosen", in_palette, Run::Chosen).hint("do it"),
    change("palette-up", &[code(KeyCode::Up)], ACTIONS, "choose the action above", in_palette, |m| go_palette(m, |p| p.move_by(-1))).hint("up"),
    change("palette-down", &[code(KeyCode::Down)], ACTIONS, "choose the action below", in_palette, |m| go_palette(m, |p| p.move_by(1))).hint("down"),
    change("palette-close", &[code(KeyCode::Esc)], ACTIONS, "close the list of actions", in_palette, |m| m.palette = None).hint("close"),

    ask("stop", &[Key::char('y'), code(KeyCode::Enter)], BATCH, "stop the batch; what ended stays, the rest can be resumed", asked, stop).hint("stop it"),
    change("keep-running", &[Key::char('n'), code(KeyCode::Esc), Key::char('q')], BATCH, "let the batch go on", asked, |m| m.question = None).hint("let it run"),

    change("close-comparison", &[code(KeyCode::Esc), Key::char('d'), Key::char('q')], VIEW, "close the comparison", compared, |m| m.compared = None).hint("close"),

    change("keep-found", &[code(KeyCode::Enter)], ITEMS, "keep what was found", typing, |m| end_typing(m, false)).hint("keep"),
    change("find-nothing", &[code(KeyCode::Esc)], ITEMS, "show every key again", typing, |m| end_typing(m, true)).hint("clear"),

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
    change("help", &[Key::char('?'), code(KeyCode::F(1))], BATCH, "show every action with its keys, to find and do one", |m| !in_palette(m) && !m.typing, |m| m.palette = Some(Palette::default())).hint("help"),
    ask("leave", &[code(KeyCode::Esc)], BATCH, "back to the home screen", leads_home, leave).hint("home"),
    ask("quit", &[Key::char('q'), Key::control('c'), Key::control('q')], BATCH, "leave; a batch of another process goes on", |m| !m.typing || in_palette(m), leave).hint("quit"),
    ask("redraw", &[Key::control('l')], BATCH, "redraw the screen", |_| true, |_| terminal(TerminalEffect::Redraw)),
    ask("suspend", &[Key::control('z')], BATCH, "suspend the program", |_| true, |_| terminal(TerminalEffect::Suspend)),
];

/// What `event` does in this state; `None` where it is for what is typed into.
pub(super) fn meaning(model: &Model, event: &KeyEvent) -> Option<&'static Entry> {
    let is_typed = in_palette(model) || model.typing && !asked(model);
    let hit = |entry: &&Entry| {
        let mut keys = entry.keys.iter();
        let pressed = keys.any(|key| key.matches(event) && !(is_typed && key.is_typed()));
        pressed && (entry.enabled)(model)
    };
    REGISTRY.iter().find(hit)
}

/// The footer: hints of the possible actions, each with its first key. Of several with the same key, the first.
pub(super) fn hints(model: &Model) -> Vec<(Key, &'static str, &'static Entry)> {
    let mut hints: Vec<(Key, &'static str, &'static Entry)> = Vec::new();
    for entry in REGISTRY.iter().filter(|entry| (entry.enabled)(model)) {
        let (Some(key), Some(hint)) = (entry.keys.first(), entry.hint) else {
            continue;
        };
        let over = in_palette(model) && entry.scope != ACTIONS;
        if !over && !hints.iter().any(|(taken, ..)| taken == key) {
            hints.push((*key, hint, entry));
        }
    }
    hints
}

/// The actions that fit what was typed into the list of them, which is not in the model while this is asked.
pub(super) fn listed(model: &Model, typed: &str) -> Vec<Listed> {
    let place = |entry: &Entry| GROUPS.iter().position(|group| *group == entry.scope);
    let mut entries: Vec<&'static Entry> = Vec::new();
    for entry in REGISTRY {
        if !entries.iter().any(|known| known.name == entry.name) {
            entries.push(entry);
        }
    }
    entries.sort_by_key(|entry| place(entry));
    let possible = |name: &str| {
        let mut same = REGISTRY.iter().filter(|entry| entry.name == name);
        same.any(|entry| (entry.enabled)(model))
    };
    let keys = |name: &str| {
        let same = REGISTRY.iter().filter(|entry| entry.name == name);
        let mut keys: Vec<String> = Vec::new();
        for key in same.flat_map(|entry| entry.keys) {
            let key = key.to_string();
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys.join(" ")
    };
    let listed = entries.into_iter().map(|entry| Listed {
        name: entry.name,
        keys: keys(entry.name),
        description: entry.description,
        group: entry.scope,
        lacks: (!possible(entry.name)).then(|| match entry.needs {
            "" => "the part of the screen that has this key".to_owned(),
            needs => needs.to_owned(),
        }),
        takes_argument: false,
        found: Found::default(),
    });
    filtered(listed.collect(), typed)
}

/// Does what is chosen in the list of actions; if it is not possible, says why and stays open.
pub(super) fn choose(model: &mut Model) -> Vec<Effect> {
    let Some(palette) = model.palette.take() else {
        return Vec::new();
    };
    let listed = listed(model, palette.field.text());
    let Some(line) = listed.get(palette.chosen.min(listed.len().saturating_sub(1))) else {
        model.palette = Some(palette);
        return Vec::new();
    };
    if let Some(lacks) = &line.lacks {
        model.notice = Some(format!("{} needs {lacks}", line.name));
        model.palette = Some(palette);
        return Vec::new();
    }
    let mut same = REGISTRY.iter().filter(|entry| entry.name == line.name);
    let entry = same.find(|entry| (entry.enabled)(model));
    entry.map_or_else(Vec::new, |entry| entry.run(model))
}
