//! What each action does to the model, and what it asks for.

use super::compare;
use super::editor::{self, Purpose};
use super::palette;
use super::search;
use crate::plan::StepIx;
use crate::run::{RunCommand, StepStatus};
use crate::text::format;
use crate::tui::dashboard::keymap::Action;
use crate::tui::dashboard::message::{Effect, Outcome};
use crate::tui::dashboard::panes::graph::{Direction, Folded};
use crate::tui::dashboard::state::model::{Focus, Model, Overlay, Question, Tab, View};
use crate::tui::dashboard::view::{self, page};
use crate::tui::widgets::json;
use tui_tree_widget::TreeState;

/// What is copied at the most; terminals refuse more.
const COPY_BYTES: usize = 1_000_000;

/// Does `action`. The registry has been asked whether it is possible.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Up => go(model, Direction::Up),
        Action::Down => go(model, Direction::Down),
        Action::Left => go(model, Direction::Left),
        Action::Right => go(model, Direction::Right),
        Action::First => first(model),
        Action::Last => last(model),
        Action::PageUp => page_by(model, -1),
        Action::PageDown => page_by(model, 1),
        Action::NextFailure => select(model, model.live.failure(model.selected, true)),
        Action::PreviousFailure => select(model, model.live.failure(model.selected, false)),
        Action::Follow => {
            model.follow = !model.follow;
            model.notice = Some(if model.follow {
                "following what runs".to_owned()
            } else {
                "no longer following".to_owned()
            });
            model.follow_run();
        }
        Action::Search => {
            model.overlay = Some(Overlay::Search);
            search::open(model);
        }
        Action::Accept => search::accept(model),
        Action::Cancel => search::cancel(model),
        Action::NextAnswer => search::go(model, 1),
        Action::PreviousAnswer => search::go(model, -1),
        Action::Bottleneck => bottleneck(model),
        Action::FoldSteps => fold_steps(model),
        Action::Centre => {
            if let Some(step) = model.selected {
                model.graph.centre_on(step);
            }
        }
        Action::ZoomIn => zoom(model, 1),
        Action::ZoomOut => zoom(model, -1),
        Action::Turn => {
            model.graph.turn();
            zoom(model, 0);
        }
        Action::Fit if model.view == View::Timeline => model.timeline.fit(),
        Action::Fit => {
            model.graph.fit();
            zoom(model, 0);
        }
        Action::View(view) => {
            // The key of the view that is shown goes back to the graph.
            model.view = if model.view == view {
                View::Graph
            } else {
                view
            };
            model.focus = Focus::Graph;
            model.keep_visible();
        }
        Action::Rows => model.timeline.turn(),
        Action::LookEarlier => model.timeline.shift(-1),
        Action::LookLater => model.timeline.shift(1),
        Action::SortLeft => model.table.move_sort(-1),
        Action::SortRight => model.table.move_sort(1),
        Action::Reverse => model.table.reverse(),
        Action::Filter => {
            model.focus = Focus::Graph;
            model.overlay = Some(Overlay::Filter);
        }
        Action::KeepFilter => model.overlay = None,
        Action::DropFilter => {
            model.overlay = None;
            model.table.clear_filter();
        }
        Action::Accounts => model.cost.turn(),
        Action::Pause => return command(RunCommand::Pause),
        Action::Resume => return command(RunCommand::Resume),
        Action::StepOnce => {
            let ready = model
                .row()
                .is_some_and(|row| row.status == StepStatus::Ready);
            return command(RunCommand::StepOnce(model.selected.filter(|_| ready)));
        }
        Action::Retry => {
            return model
                .selected
                .map(RunCommand::Retry)
                .map_or_else(Vec::new, command);
        }
        Action::RetryFailed => return command(RunCommand::RetryFailed),
        Action::Breakpoint => return breakpoint(model),
        Action::Skip => {
            if let Some(step) = model.selected {
                return ask(model, Question::Skip(step));
            }
        }
        Action::Refresh => {
            return model
                .selected
                .map(RunCommand::Refresh)
                .map_or_else(Vec::new, command);
        }
        Action::Pin => return pin(model),
        Action::EditInput => editor::edit_input(model),
        Action::EditOutput => editor::edit_output(model),
        Action::Explain => {
            model.overlay = match model.overlay {
                Some(Overlay::Explain(_)) => None,
                _ => Some(Overlay::Explain(0)),
            }
        }
        Action::Fork => {
            if let Some(step) = model.selected {
                return ask(model, Question::Fork(step));
            }
        }
        Action::Stop => return ask(model, Question::Stop),
        Action::Earlier => model.step_moment(-1),
        Action::Later => model.step_moment(1),
        Action::EarlierEnd => model.step_end(false),
        Action::LaterEnd => model.step_end(true),
        Action::FirstMoment => model.show_moment(1),
        Action::Now => model.show_now(),
        Action::Play | Action::Hold => model.play_or_hold(),
        Action::Slower => change_speed(model, false),
        Action::Faster => change_speed(model, true),
        Action::Compare => return compare::open(model),
        Action::ChooseRun => return compare::choose(model),
        Action::TakeRun => return compare::take(model),
        Action::PreviousPair => compare::turn(model, -1),
        Action::NextPair => compare::turn(model, 1),
        Action::CloseCompare => model.overlay = None,
        Action::Inspect => model.focus = Focus::Inspector,
        Action::Show(tab) => show(model, tab),
        Action::NextTab => show(model, model.inspector.tab.step(1)),
        Action::PreviousTab => show(model, model.inspector.tab.step(Tab::ALL.len() - 1)),
        Action::ScrollUp => scroll(model, -1),
        Action::ScrollDown => scroll(model, 1),
        Action::ScrollPageUp => scroll_page(model, -1),
        Action::ScrollPageDown => scroll_page(model, 1),
        Action::ScrollTop => scroll(model, isize::MIN),
        Action::ScrollBottom => scroll(model, isize::MAX),
        Action::Fold => tree(model, TreeState::key_left),
        Action::Unfold => tree(model, TreeState::key_right),
        Action::Toggle => tree(model, TreeState::toggle_selected),
        Action::Raw => {
            model.inspector.raw = !model.inspector.raw;
            model.inspector.scroll = 0;
        }
        Action::Copy => return copy(model),
        Action::Back => back(model),
        Action::TheRun => {
            model.inspector.of_run = true;
            model.inspector.scroll = 0;
            model.focus = Focus::Inspector;
        }
        Action::Maximise => model.maximised = !model.maximised,
        Action::Help => {
            model.overlay = match model.overlay {
                Some(Overlay::Help(_)) => None,
                _ => Some(Overlay::Help(0)),
            }
        }
        Action::Redraw => return vec![Effect::Redraw],
        Action::Suspend => return vec![Effect::Suspend],
        Action::Quit => return quit(model),
        Action::Confirm => return confirm(model),
        Action::Decline => model.overlay = None,
        Action::Palette => palette::open(model),
        Action::PaletteUp => palette::move_by(model, -1),
        Action::PaletteDown => palette::move_by(model, 1),
        Action::PaletteChoose => return palette::choose(model),
        Action::PaletteClose => model.overlay = None,
        Action::AssumeDone => {
            if let Some(Overlay::Unknown(step)) = model.overlay {
                editor::open(model, Purpose::Output(step), "null");
            }
        }
        Action::RunAgain => return answer(model, RunCommand::Retry),
        Action::SkipUnknown => return answer(model, RunCommand::Skip),
        Action::PutOff => put_off(model),
        Action::Resolve => resolve(model),
        Action::EditorApply => return editor::apply(model),
        Action::EditorLeave => editor::leave(model),
    }
    Vec::new()
}

fn command(command: RunCommand) -> Vec<Effect> {
    vec![Effect::Command(command)]
}

fn go(model: &mut Model, direction: Direction) {
    let (run, selected) = (&model.run, model.selected);
    let by = match direction {
        Direction::Up => -1,
        Direction::Down => 1,
        Direction::Left | Direction::Right => 0,
    };
    let next = match (model.view, selected) {
        (View::Graph, Some(step)) => model.graph.neighbour(step, direction),
        (View::Graph, None) => model.graph.first(),
        (View::Timeline, _) => model.timeline.go(run, selected, direction),
        (View::Table, Some(step)) if by == 0 => {
            model.table.fold(run, step, direction == Direction::Right)
        }
        (View::Table, _) => model.table.go(run, selected, by),
        (View::Cost, _) => model.cost.go(run, selected, by),
    };
    select(model, next);
}

fn first(model: &mut Model) {
    let next = match model.view {
        View::Graph => model.graph.first(),
        View::Timeline => model.timeline.first(),
        View::Table => model.table.first(),
        View::Cost => model.cost.first(),
    };
    select(model, next);
}

fn last(model: &mut Model) {
    let steps = model.run.steps.len();
    let next = match model.view {
        View::Graph => steps.checked_sub(1).map(|at| StepIx(at as u32)),
        View::Timeline => model.timeline.last(&model.run),
        View::Table => model.table.last(),
        View::Cost => model.cost.last(),
    };
    select(model, next);
}

fn page_by(model: &mut Model, pages: isize) {
    let (run, selected) = (&model.run, model.selected);
    let next = match model.view {
        View::Graph => return pan_page(model, pages as i32),
        View::Timeline => model.timeline.page(run, selected, pages),
        View::Table => model.table.go(run, selected, pages * model.table.page()),
        View::Cost => model.cost.go(run, selected, pages * model.cost.page()),
    };
    select(model, next);
}

/// A person's own choice ends following.
fn select(model: &mut Model, step: Option<StepIx>) {
    if let Some(step) = step {
        model.follow = false;
        model.select(step);
    }
}

/// Selects the step of the critical path without which the run would have been shortest.
fn bottleneck(model: &mut Model) {
    let figures = &model.figures;
    let potentials = figures.critical_path.iter().zip(&figures.potential);
    // Where nothing could be saved (two equal paths), the longest call is what there is to look at.
    let service = |step: &StepIx| model.run.steps.get(step.at()).map(|row| row.service);
    let best = potentials
        .enumerate()
        .max_by_key(|(at, (step, potential))| (**potential, service(step), std::cmp::Reverse(*at)))
        .map(|(_, (step, potential))| (*step, *potential));
    let Some((step, potential)) = best else {
        return;
    };
    let saved = format::duration(potential);
    let span = format::duration(figures.span);
    select(model, Some(step));
    model.graph.centre_on(step);
    let id = model
        .row()
        .map_or_else(String::new, |row| crate::text::fit(&row.info.id, 40));
    model.notice = Some(format!(
        "bottleneck {id}: up to {saved} of the critical path's {span} to be saved here"
    ));
}

fn fold_steps(model: &mut Model) {
    let Some(step) = model.selected else { return };
    if model.view == View::Table {
        let unfolded = model.table.fold(&model.run, step, true);
        let next = unfolded.or_else(|| model.table.fold(&model.run, step, false));
        select(model, next);
        return;
    }
    let words = match model.graph.fold(&model.run, step) {
        Some(Folded::Closed(steps)) => format!("{} folded", format::count(steps, "step")),
        Some(Folded::Opened(steps)) => format!("{} unfolded", format::count(steps, "step")),
        None => "nothing to fold here: nothing waits for this step alone".to_owned(),
    };
    model.notice = Some(words);
    model.graph.keep_visible(step);
}

fn pan_page(model: &mut Model, pages: i32) {
    let height = view::areas(model)
        .graph
        .map_or(0, |area| i32::from(area.height));
    model.graph.pan(0, pages * (height * 3 / 4).max(1));
}

fn zoom(model: &mut Model, by: i8) {
    if model.view == View::Timeline {
        model.timeline.zoom(by, &model.run, model.selected);
        return;
    }
    if by != 0 {
        model.graph.zoom(by);
    }
    if let Some(step) = model.selected {
        model.graph.keep_visible(step);
    }
}

fn change_speed(model: &mut Model, faster: bool) {
    if let Some(player) = &mut model.travel.player {
        player.change_speed(faster);
    }
}

/// What came of it is told once the run says so.
fn pin(model: &mut Model) -> Vec<Effect> {
    let (Some(step), Some(row)) = (model.selected, model.row()) else {
        return Vec::new();
    };
    let (pinned, id) = (!row.pinned, row.info.id.to_string());
    let word = if pinned { "pin" } else { "unpin" };
    model.notice = Some(format!("asked to {word} the output of {id}"));
    command(RunCommand::Pin(step, pinned))
}

fn breakpoint(model: &mut Model) -> Vec<Effect> {
    let Some(step) = model.selected else {
        return Vec::new();
    };
    let set = !model.breakpoints.remove(&step);
    if set {
        model.breakpoints.insert(step);
    }
    let id = model
        .row()
        .map_or_else(String::new, |row| row.info.id.to_string());
    let word = if set { "set on" } else { "taken off" };
    model.notice = Some(format!("breakpoint {word} {id}"));
    command(RunCommand::Breakpoint(step, set))
}

/// Opens a question; where it is open already, the same key again answers it.
fn ask(model: &mut Model, question: Question) -> Vec<Effect> {
    if model.overlay == Some(Overlay::Question(question)) {
        return confirm(model);
    }
    model.overlay = Some(Overlay::Question(question));
    Vec::new()
}

fn confirm(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Question(question)) = model.overlay.take() else {
        return Vec::new();
    };
    match question {
        Question::Skip(step) => command(RunCommand::Skip(step)),
        Question::Fork(step) => vec![Effect::Leave(Outcome::Fork(step))],
        Question::Stop => command(RunCommand::Stop),
        Question::Quit if model.in_progress() => {
            model.leaving = true;
            model.notice = Some("stopping the run, then leaving; q leaves at once".to_owned());
            command(RunCommand::Stop)
        }
        Question::Quit => vec![Effect::Leave(Outcome::Quit)],
    }
}

/// Asks about the next step of which nobody knows whether it happened, unless something else is in front or
/// the question was put off.
pub(crate) fn ask_about_unknown(model: &mut Model) {
    if let Some(Overlay::Unknown(step)) = model.overlay
        && !model.live.unknown().contains(&step)
    {
        model.overlay = None;
    }
    if !model.asks
        || model.is_past()
        || !model.in_progress()
        || model.leaving
        || model.overlay.is_some()
    {
        return;
    }
    let mut open = model.live.unknown().difference(&model.put_off);
    if let Some(step) = open.next().copied() {
        model.select(step);
        model.overlay = Some(Overlay::Unknown(step));
    }
}

/// What a person says became of the step that the question is about.
fn answer(model: &mut Model, how: fn(StepIx) -> RunCommand) -> Vec<Effect> {
    match model.overlay.take() {
        // Its question comes again only where the answer did not apply.
        Some(Overlay::Unknown(step)) => {
            model.put_off.insert(step);
            ask_about_unknown(model);
            command(how(step))
        }
        _ => Vec::new(),
    }
}

fn put_off(model: &mut Model) {
    if let Some(Overlay::Unknown(step)) = model.overlay.take() {
        model.put_off.insert(step);
        model.notice = Some("u asks again; what depends on it waits".to_owned());
        ask_about_unknown(model);
    }
}

/// Comes back to the question: about the selected step, else about the first one.
fn resolve(model: &mut Model) {
    let unknown = model.live.unknown();
    let selected = model.selected.filter(|step| unknown.contains(step));
    if let Some(step) = selected.or_else(|| unknown.first().copied()) {
        model.select(step);
        model.overlay = Some(Overlay::Unknown(step));
    }
}

fn quit(model: &mut Model) -> Vec<Effect> {
    if model.leaving || !model.in_progress() {
        return vec![Effect::Leave(Outcome::Quit)];
    }
    ask(model, Question::Quit)
}

fn back(model: &mut Model) {
    if model.overlay.take().is_some() {
        return;
    }
    if model.maximised {
        model.maximised = false;
    } else if model.focus == Focus::Inspector {
        model.inspector.of_run = false;
        model.focus = Focus::Graph;
    } else {
        model.end_comparison();
    }
}

/// Turns to a page; where the inspector has no place on the screen it is opened.
pub(crate) fn show(model: &mut Model, tab: Tab) {
    if model.inspector.tab != tab || model.inspector.of_run {
        model.inspector.scroll = 0;
    }
    model.inspector.of_run = false;
    model.inspector.tab = tab;
    if view::areas(model).inspector.is_none() {
        model.focus = Focus::Inspector;
    }
}

fn tree(model: &mut Model, change: impl FnOnce(&mut TreeState<usize>) -> bool) {
    let Some(step) = model.selected else { return };
    let fresh = page::fresh_tree(model);
    change(model.inspector.tree(step, || fresh));
}

/// Selects what the tree shows at this place, and folds or unfolds it.
pub(crate) fn click_tree(model: &mut Model, at: ratatui::layout::Position) {
    if is_tree(model) {
        tree(model, |tree| tree.click_at(at));
    }
}

/// Whether the page is a tree now.
fn is_tree(model: &Model) -> bool {
    !model.inspector.raw && page::value(model).is_some_and(|(value, _)| page::branches(&value))
}

pub(crate) fn scroll(model: &mut Model, lines: isize) {
    if matches!(model.overlay, Some(Overlay::Beside | Overlay::Runs)) {
        compare::scroll(model, lines);
    } else if let Some(Overlay::Help(at) | Overlay::Explain(at)) = &mut model.overlay {
        *at = at.saturating_add_signed(lines);
    } else if model.overlay == Some(Overlay::Search) {
        search::go(model, lines.signum());
    } else if is_tree(model) {
        tree(model, |tree| match lines {
            isize::MIN => tree.select_first(),
            isize::MAX => tree.select_last(),
            up if up < 0 => {
                tree.select_relative(|at| at.map_or(0, |at| at.saturating_add_signed(up)))
            }
            down => tree.select_relative(|at| at.map_or(0, |at| at.saturating_add_signed(down))),
        });
    } else {
        model.inspector.scroll_by(lines);
    }
}

fn scroll_page(model: &mut Model, pages: isize) {
    let height = match model.overlay {
        Some(Overlay::Beside) => model.compare.extent.1,
        _ => model.inspector.extent.1,
    };
    let height = height.saturating_sub(1).max(1);
    scroll(model, pages * height as isize);
}

fn copy(model: &mut Model) -> Vec<Effect> {
    let (text, whole) = match page::value(model) {
        Some((value, _)) => json::pretty(&value, COPY_BYTES),
        None => (page::plain(model), true),
    };
    let whole = whole && text.len() <= COPY_BYTES;
    let text = text[..text.floor_char_boundary(COPY_BYTES)].to_owned();
    let rest = if whole { "" } else { ", the beginning" };
    model.notice = Some(format!(
        "copied {}{rest}, where the terminal allows it",
        format::bytes(text.len())
    ));
    vec![Effect::Copy(text)]
}
