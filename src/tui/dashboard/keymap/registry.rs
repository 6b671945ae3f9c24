//! Every action of the dashboard, in one table: key handling, footer, help and palette are read from it. When several
//! actions share a key, the first possible one runs; the footer shows the hints in this order.

use super::conditions::{
    asked, asked_unknown, at_the_graph, can_edit, can_fork, can_give, can_go_back, can_retry,
    can_run_to, can_skip, choosing_run, choosing_theme, failed, filtering, folds, has_command,
    has_own_output, has_page, has_result, in_answer, in_editor, in_palette, in_settings, in_table,
    in_tree, is_before_the_last, on_graph, on_inspector, on_result, on_text, scrolls,
    searches_page, searching, selected, shifts, shows, side_by_side, sized, stoppable, strip_shown,
    takes_settings, typing_json_filter, typing_page_search, waits, was_too_fast, zooms,
};
use super::entry::{Entry, Group, Over, always, ask, change, chosen, take};
use crate::run::{Answer, RunCommand, RunPhase};
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::panes::pane::Direction;
use crate::tui::dashboard::panes::{self, View, with_views};
use crate::tui::dashboard::state::inspector::Tab;
use crate::tui::dashboard::state::model::{Focus, Model};
use crate::tui::dashboard::state::overlay::Question;
use crate::tui::dashboard::state::trail::Along;
use crate::tui::dashboard::update::run_commands::{self, command};
use crate::tui::dashboard::update::{
    answers, approval, bodies, break_line, bundle, compare, define_tool, editor, export, group,
    json_filter, json_table, navigation, overlays, page_search, pages, plan_edit, presentation,
    previewed, questions, repairing, save_edits, search, settings, structure, themes, trying,
    unknown, watches,
};
use crate::tui::input::key::Key;
use crate::tui::terminal::screen::{OutsideProgram, TerminalEffect};
use crate::tui::widgets::tree::JsonTree;
use Group::{
    Compare, Dashboard, Editor, Graph, Inspector, Palette, Question as Asked, Run,
    Search as Searching, Themes, Time, Views,
};
use crossterm::event::KeyCode;
use overlays::close;

/// Every entry, in order.
pub(crate) fn entries() -> impl Iterator<Item = &'static Entry> {
    let open = VIEWS.iter().flat_map(|(open, _)| open.iter());
    let own = VIEWS.iter().flat_map(|(_, own)| own.iter());
    BEFORE_VIEWS
        .iter()
        .chain(open)
        .chain(own)
        .chain(AFTER_VIEWS)
}

macro_rules! view_actions {
    ($($(#[$attribute:meta])* $view:ident => $folder:ident::$pane:ident,)*) => {
        /// The actions that open each view, and the view's own actions.
        static VIEWS: &[(&[Entry], &[Entry])] = &[
            $($(#[$attribute])* (panes::$folder::actions::OPEN, panes::$folder::actions::ACTIONS),)*
        ];
    };
}
with_views!(view_actions);

const fn code(code: KeyCode) -> Key {
    Key::code(code)
}

const fn key(c: char) -> Key {
    Key::char(c)
}

fn drop_filter(model: &mut Model) {
    model.overlay = None;
    model.panes.table.clear_filter();
}

#[rustfmt::skip]
static BEFORE_VIEWS: &[Entry] = &[
    ask("confirm", &[key('y'), code(KeyCode::Enter)], Asked, "yes", asked, questions::confirm).hint("yes"),
    ask("run-changed", &[key('y'), code(KeyCode::Enter)], Asked, "run again what changed in the plan", plan_edit::can_run, plan_edit::run).hint("run again"),
    ask("give", &[code(KeyCode::Enter), key('y')], Asked, "do what is shown", previewed::is_shown, previewed::confirm).hint("do it"),
    change("drop", &[code(KeyCode::Esc), key('n')], Asked, "leave the run as it is", previewed::is_shown, previewed::leave).hint("back"),
    ask("make-calls", &[code(KeyCode::Enter), key('y')], Asked, "make these calls", trying::is_priced, trying::start).hint("call it"),
    change("more-calls", &[key('+'), code(KeyCode::Up), key('k')], Asked, "more calls", trying::is_priced, |m| trying::change_times(m, true)).hint("more"),
    change("fewer-calls", &[key('-'), code(KeyCode::Down), key('j')], Asked, "fewer calls", trying::is_priced, |m| trying::change_times(m, false)).hint("fewer"),
    ask("use-answer", &[code(KeyCode::Enter)], Asked, "use the chosen answer as the step's output", trying::can_use, trying::use_answer).hint("use this answer"),
    ask("keep-call", &[key('p')], Asked, "call the step with the prompt and the model that were tried", trying::can_keep, trying::keep).hint("keep the prompt"),
    change("answer-above", &[code(KeyCode::Up), key('k')], Asked, "the answer above", trying::has_lines, |m| trying::choose(m, -1)).hint("up"),
    change("answer-below", &[code(KeyCode::Down), key('j')], Asked, "the answer below", trying::has_lines, |m| trying::choose(m, 1)).hint("down"),
    ask("stop-calls", &[code(KeyCode::Esc)], Asked, "make no more calls", trying::is_running, trying::stop).hint("stop"),
    change("leave-calls", &[code(KeyCode::Esc), key('n')], Asked, "leave the calls that were tried", trying::can_leave, trying::leave).hint("back"),
    ask("ask-planner", &[code(KeyCode::Enter), key('y')], Asked, "ask the planner", repairing::is_priced, repairing::ask).hint("ask it"),
    ask("apply-repair", &[code(KeyCode::Enter), key('y')], Asked, "write the corrected plan, and run again what changed", repairing::can_apply, repairing::apply).hint("write and run"),
    ask("stop-planner", &[code(KeyCode::Esc)], Asked, "ask the planner no longer", repairing::is_asking, repairing::stop).hint("stop"),
    change("leave-repair", &[code(KeyCode::Esc), key('n')], Asked, "leave the plan as it is", repairing::can_leave, close).hint("back"),
    ask("write-edits", &[code(KeyCode::Enter), key('y')], Asked, "write the edits to the files", save_edits::can_write, save_edits::write).hint("write"),
    change("leave-files", &[code(KeyCode::Esc), key('n')], Asked, "leave the files as they are", save_edits::is_shown, close).hint("back"),
    ask("edit-again", &[key('e')], Asked, "edit the plan again", plan_edit::is_shown, plan_edit::open).hint("edit"),
    change("leave-plan", &[code(KeyCode::Esc), key('n')], Asked, "leave the plan as it is saved", plan_edit::is_shown, close).hint("back"),
    ask("restructure", &[code(KeyCode::Enter), key('y')], Asked, "go on with the edited plan", structure::can_run, structure::run).hint("do it"),
    ask("write-again", &[key('e')], Asked, "edit what was written again", structure::can_write, structure::write_again).hint("edit"),
    change("leave-structure", &[code(KeyCode::Esc), key('n')], Asked, "leave the plan as it is", structure::is_shown, close).hint("back"),
    change("decline", &[code(KeyCode::Esc), key('n')], Asked, "no", asked, close).hint("no"),

    change("accept", &[code(KeyCode::Enter)], Searching, "go to this step", searching, search::accept).hint("go there"),
    change("cancel", &[code(KeyCode::Esc), Key::control('c')], Searching, "back to where you were", searching, search::cancel)
        .hint("back"),
    change("next-match", &[code(KeyCode::Down), code(KeyCode::Tab), Key::control('n')], Searching,
        "the next match", searching, |m| search::go(m, 1)).hint("next"),
    change("previous-match", &[code(KeyCode::Up), code(KeyCode::BackTab), Key::control('p')], Searching,
        "the previous match", searching, |m| search::go(m, -1)).hint("previous"),
    change("first-event", &[code(KeyCode::Home)], Time, "while looking back: go to the first event",
        Model::is_past, |m| m.show_position(1)),
    change("now", &[code(KeyCode::End)], Time, "go back to now; in a replay, to its end",
        |m| m.is_past() && !m.is_replay(), Model::show_now).hint("now"),
    change("now", &[code(KeyCode::End)], Time, "to the end of the replay",
        |m| m.is_replay() && is_before_the_last(m), Model::show_now).hint("to the end"),
    change("play", &[key(' ')], Time, "in a replay: play", |m| m.is_replay() && !m.goes_on(), Model::play_or_hold)
        .hint("play"),
    change("hold", &[key(' ')], Time, "in a replay: pause", |m| m.is_replay() && m.goes_on(), Model::play_or_hold)
        .hint("pause"),
    change("keep-filter", &[code(KeyCode::Enter)], Searching, "keep the filter", filtering, close).hint("keep"),
    change("drop-filter", &[code(KeyCode::Esc)], Searching, "show every step again", filtering, drop_filter).hint("show all"),
    change("keep-output", &[code(KeyCode::Enter)], Searching, "keep the output of the jq filter", typing_json_filter, json_filter::keep).hint("keep"),
    change("drop-output", &[code(KeyCode::Esc), Key::control('c')], Searching, "show the whole value again", typing_json_filter, json_filter::drop_filter).hint("show all"),
    change("look-for", &[code(KeyCode::Enter)], Searching, "go to the first match", typing_page_search, page_search::accept).hint("go there"),
    change("look-no-more", &[code(KeyCode::Esc), Key::control('c')], Searching, "look for nothing", typing_page_search, page_search::close).hint("back"),
    change("it-happened", &[key('O'), key('o')], Asked, "it happened: enter its output", asked_unknown, unknown::give_output)
        .hint("it happened"),
    ask("run-again", &[key('r')], Asked, "run it again", asked_unknown, |m| unknown::answer(m, RunCommand::Retry)).hint("run again"),
    ask("skip-it", &[key('S'), key('s')], Asked,
        "skip it, and what depends on it", asked_unknown, |m| unknown::answer(m, RunCommand::Skip)).hint("skip"),
    change("put-off", &[code(KeyCode::Esc), key('u')], Asked, "decide later", asked_unknown, unknown::put_off).hint("later"),
    ask("grant", &[key('y')], Asked, "make this call", approval::is_shown, |m| approval::answer(m, true)).hint("approve"),
    ask("refuse", &[key('n')], Asked, "do not make it: skip the step, and what depends on it", approval::is_shown,
        |m| approval::answer(m, false)).hint("refuse"),
    change("edit-call", &[key('e')], Asked, "edit what it is called with, and ask again", approval::is_shown, approval::edit).hint("edit"),
    change("answer-later", &[code(KeyCode::Esc)], Asked, "decide later", approval::is_shown, close).hint("later"),
    ask("apply", &[Key::control('s')], Editor, "use this value", in_editor, editor::apply).hint("apply"),
    ask("outside-editor", &[Key::control('o')], Editor, "edit it in $EDITOR", in_editor, export::open_value).hint("$EDITOR"),
    ask("try-typed", &[Key::control('t')], Editor, "call the step alone with this prompt, several times", trying::can_try_typed, trying::begin_typed).hint("try"),
    change("other-field", &[code(KeyCode::Tab)], Editor, "to the next field: prompt, model, temperature, max tokens",
        editor::in_call, |m| editor::turn(m, false)).hint("next field"),
    change("field-before", &[code(KeyCode::BackTab)], Editor, "to the field before", editor::in_call, |m| editor::turn(m, true)),
    change("leave-editor", &[code(KeyCode::Esc)], Editor, "discard the changes", in_editor, editor::leave).hint("cancel"),

    ask("send-answer", &[code(KeyCode::Enter)], Editor, "give this answer to what is asked", in_answer, answers::send).hint("send"),
    change("next-field", &[code(KeyCode::Down), code(KeyCode::Tab), Key::control('n')], Editor, "the next value", in_answer,
        |m| answers::go(m, true)).hint("next"),
    change("previous-field", &[code(KeyCode::Up), code(KeyCode::BackTab), Key::control('p')], Editor, "the previous value", in_answer,
        |m| answers::go(m, false)),
    ask("decline-question", &[Key::control('d')], Editor, "say no to what is asked", in_answer, |m| answers::give(m, Answer::Decline)).hint("decline"),
    ask("cancel-question", &[Key::control('x')], Editor, "break off what is asked", in_answer, |m| answers::give(m, Answer::Cancel)).hint("cancel"),
    change("put-off-question", &[code(KeyCode::Esc)], Editor, "answer later", in_answer, answers::put_off).hint("later"),

    ask("apply-breakpoint", &[code(KeyCode::Enter)], Editor, "set this breakpoint, or remove it", break_line::is_open, break_line::apply).hint("set"),
    change("leave-breakpoint", &[code(KeyCode::Esc)], Editor, "change no breakpoint", break_line::is_open, close).hint("back"),
    change("keep-watches", &[code(KeyCode::Enter)], Editor, "watch these expressions", watches::is_open, watches::keep).hint("keep"),
    change("previous-watch", &[code(KeyCode::Up), code(KeyCode::BackTab), Key::control('p')], Editor, "the expression above", watches::is_open, |m| watches::go(m, -1)),
    change("next-watch", &[code(KeyCode::Down), code(KeyCode::Tab), Key::control('n')], Editor, "the expression below", watches::is_open, |m| watches::go(m, 1)).hint("next"),
    change("remove-watch", &[Key::control('d')], Editor, "watch this expression no more", watches::is_open, watches::remove).hint("remove"),
    change("leave-watches", &[code(KeyCode::Esc)], Editor, "change no watch expression", watches::is_open, close).hint("back"),
    ask("apply-setting", &[code(KeyCode::Enter)], Editor, "change this setting", in_settings, settings::apply).hint("apply"),
    change("next-setting", &[code(KeyCode::Down), code(KeyCode::Tab), Key::control('n')], Editor, "the next setting", in_settings,
        |m| settings::next(m, true)).hint("next"),
    change("previous-setting", &[code(KeyCode::Up), code(KeyCode::BackTab), Key::control('p')], Editor, "the previous setting", in_settings,
        |m| settings::next(m, false)),
    change("leave-settings", &[code(KeyCode::Esc)], Editor, "change nothing", in_settings, close).hint("back"),

    chosen("palette-choose", &[code(KeyCode::Enter)], Palette, "do what is chosen", in_palette).hint("do it"),
    change("palette-up", &[code(KeyCode::Up), Key::control('p'), code(KeyCode::BackTab)], Palette, "choose the action above", in_palette, |m| overlays::in_palette(m, |p| p.move_by(-1))).hint("up"),
    change("palette-down", &[code(KeyCode::Down), Key::control('n'), code(KeyCode::Tab)], Palette, "choose the action below", in_palette, |m| overlays::in_palette(m, |p| p.move_by(1))).hint("down"),
    change("palette-page-up", &[code(KeyCode::PageUp)], Palette, "choose an action a page above", in_palette, |m| overlays::in_palette(m, |p| p.move_page(-1))),
    change("palette-page-down", &[code(KeyCode::PageDown)], Palette, "choose an action a page below", in_palette, |m| overlays::in_palette(m, |p| p.move_page(1))),
    ask("keep-theme", &[code(KeyCode::Enter)], Themes, "keep the theme", choosing_theme, themes::keep).hint("keep"),
    change("theme-up", &[code(KeyCode::Up), key('k'), code(KeyCode::BackTab)], Themes, "look at the theme above", choosing_theme, |m| themes::move_by(m, -1)).hint("up"),
    change("theme-down", &[code(KeyCode::Down), key('j'), code(KeyCode::Tab)], Themes, "look at the theme below", choosing_theme, |m| themes::move_by(m, 1)).hint("down"),
    change("cancel-theme", &[code(KeyCode::Esc)], Themes, "go back to the theme as it was", choosing_theme, themes::cancel).hint("cancel"),
    change("palette-close", &[code(KeyCode::Esc)], Palette, "close the list of actions", in_palette, close).hint("close"),

    change("approve", &[key('A')], Run, "look at the call that needs an approval, and decide",
        approval::is_asked, approval::show).hint("approval").needs("a step that needs an approval"),
    ask("pause", &[key(' ')], Run, "pause: start nothing new, finish running calls",
        |m| m.run.phase == RunPhase::Running, |_| command(RunCommand::Pause)).hint("pause").needs("a run in progress"),
    ask("resume", &[key(' ')], Run, "resume", |m| m.run.phase == RunPhase::Paused, |_| command(RunCommand::Resume))
        .hint("resume").needs("a run in progress"),
    ask("step", &[key('s')], Run, "while paused: start the selected ready step, an element of the selected list, or the next one",
        |m| m.run.phase == RunPhase::Paused, run_commands::step_once).hint("step").needs("a paused run"),
    ask("run-to", &[key('@')], Run, "go on until the selected step is about to start; call only what it needs",
        can_run_to, previewed::run_to).needs("a selected step that is not being called"),
    ask("retry", &[key('r')], Run, "rerun the selected step and its dependents",
        can_retry, |m| previewed::offer_on_selected(m, RunCommand::Retry)).hint("retry").needs("a selected step that has ended"),
    ask("retry-failed", &[key('R')], Run, "rerun every failed step",
        failed, |m| previewed::offer(m, RunCommand::RetryFailed)).hint("retry failed").needs("a failed step"),
    change("next-found", &[key('n')], Inspector, "the next match on the page", searches_page, |m| page_search::go(m, true)).hint("next"),
    change("previous-found", &[key('N')], Inspector, "the previous match on the page", searches_page, |m| page_search::go(m, false)),
    change("next-failure", &[key('n')], Graph, "go to the next failure",
        failed, |m| navigation::go_to_failure(m, true)).hint("failure").needs("a failed step"),
    change("previous-failure", &[key('N')], Graph, "go to the previous failure",
        failed, |m| navigation::go_to_failure(m, false)).needs("a failed step"),
    change("replay-slowly", &[key('P')], Time, "play the run again slowly, from its beginning",
        was_too_fast, Model::replay_slowly).hint("slow replay").needs("a run that was over in less than 1.5 s"),
    change("leave-replay", &[key('P'), code(KeyCode::Esc)], Time, "back from the slow replay to the run as it is",
        |m| m.overlay.is_none() && m.replays_itself(), Model::leave_replay).hint("back to the run"),
    ask("copy-result", &[key('y')], Dashboard, "copy the final result to the clipboard", on_result, export::copy_result)
        .over(Over::Text).hint("copy"),
    ask("breakpoint", &[key('b')], Run, "hold the selected step before its next attempt, or release it",
        |m| selected(m) && m.in_progress(), run_commands::breakpoint).needs("a selected step in a run in progress"),
    change("breakpoint-when", &[Key::control('b')], Run, "hold the selected step after it has ended, where it fails, or on an expression",
        |m| selected(m) && m.in_progress(), break_line::open).needs("a selected step in a run in progress"),
    ask("skip", &[key('S')], Run, "skip the selected step (asks)",
        can_skip, questions::ask_to_skip).needs("a selected step that has not started"),
    change("resolve", &[key('u')], Run, "resolve a step that was running when an earlier run died",
        |m| m.unknown.asks && m.in_progress() && !m.run_index.unknown().is_empty(), unknown::resolve).hint("unknown").needs("an unknown step in a run in progress"),
    change("answer", &[key('u')], Run, "answer what the server of a running call asks",
        answers::is_waited_for, answers::open).hint("answer").needs("a running call that asks something"),
    ask("refresh", &[Key::control('r')], Run, "rerun the step and its dependents, uncached",
        can_retry, |m| previewed::offer_on_selected(m, RunCommand::Refresh)).needs("a selected step that has ended"),
    ask("pin", &[key('p')], Run, "pin or unpin the step's output for the same call",
        has_own_output, run_commands::pin).needs("a selected step that has succeeded"),
    ask("undo", &[Key::control('u')], Run, "take back the last edit: an input, an output, a skipped step",
        structure::can_undo, structure::undo).needs("an edit of the run"),
    ask("redo", &[Key::control('y')], Run, "make the edit again that was taken back last",
        |m| can_give(m, &RunCommand::Redo), |m| previewed::offer(m, RunCommand::Redo)).needs("an edit that was taken back"),
    change("edit-input", &[key('I')], Run, "edit the selected step's input and run it again",
        can_edit, editor::edit_input).needs("a selected step that is not being called"),
    ask("edit-prompt", &[Key::control('p')], Run, "edit the prompt and the model of the selected step, and run it again",
        editor::can_edit_call, editor::edit_call).needs("a selected step that asks a model, and is not being called"),
    change("set-output", &[key('O')], Run, "set the selected step's output, without a call",
        can_edit, editor::edit_output).needs("a selected step that is not being called"),
    ask("fork", &[key('F')], Dashboard, "fork a new run from the selected step (asks)",
        can_fork, questions::ask_to_fork).needs("a selected step of a run that is recorded"),
    ask("try", &[Key::control('t')], Dashboard, "call the step alone, several times on its recorded input: how far do the answers agree?",
        trying::can_try, trying::begin).needs("a selected step that has asked a model, in a run on record (without --journal off)"),
    ask("repair", &[Key::control('f')], Dashboard, "ask the planner model for a plan with which the failed step would not fail",
        repairing::can_begin, repairing::begin).needs("a failed step of a run on record"),
    ask("bundle", &[key('B')], Dashboard, "save the step and what it depends on as a plan that runs again offline",
        bundle::can_write, bundle::write).needs("a selected step of a recorded run"),
    change("watch", &[key('X')], Dashboard, "watch jq expressions over the run, such as .steps.ID.output", |m| m.overlay.is_none(), watches::open),
    change("settings", &[key(',')], Run, "change slots, budget, calls, time or a rate",
        takes_settings, settings::open).needs("a run that is not being stopped"),
    change("raise", &[key('U')], Run, "raise the limit that stopped the run, and continue (asks)",
        settings::can_raise, settings::ask_to_raise).hint("raise the limit").needs("a run that a limit has stopped"),
    ask("stop", &[key('x')], Run, "stop the run: cancel running calls (asks)",
        stoppable, |m| questions::ask(m, Question::Stop)).needs("a run in progress"),

    change("up", &[code(KeyCode::Up), key('k')], Graph, "go up", on_graph, |m| navigation::go(m, Direction::Up)),
    change("down", &[code(KeyCode::Down), key('j')], Graph, "go down", on_graph, |m| navigation::go(m, Direction::Down)),
    change("left", &[code(KeyCode::Left), key('h')], Graph, "go left", on_graph, |m| navigation::go(m, Direction::Left)),
    change("right", &[code(KeyCode::Right), key('l')], Graph, "go right", on_graph, |m| navigation::go(m, Direction::Right)),
    change("first", &[key('g'), code(KeyCode::Home)], Graph, "go to the first step", on_graph, navigation::first),
    change("last", &[key('G'), code(KeyCode::End)], Graph, "go to the last step", on_graph, navigation::last),
    change("page-up", &[code(KeyCode::PageUp)], Graph, "move the view up", on_graph, |m| navigation::page_by(m, -1)),
    change("page-down", &[code(KeyCode::PageDown)], Graph, "move the view down", on_graph, |m| navigation::page_by(m, 1)),
    change("find-on-page", &[key('/')], Inspector, "find words on the page, or in all of a value", on_inspector, page_search::open).hint("find"),
    take("find", &[key('/')], Graph, "find a step by its id, tool or description",
        |m| !m.run.steps.is_empty(), search::open_with).hint("find"),
    change("bottleneck", &[key('w')], Graph, "go to the bottleneck: the step that could save the most time",
        |m| !m.figures.critical_path.is_empty(), navigation::bottleneck).needs("a step that has been called"),
    change("jump-up", &[key('(')], Graph, "go along an edge to a step that the selected one waits for; again after going back: to the next",
        |m| waits(m, Along::Up), |m| navigation::jump(m, Along::Up)).needs("a selected step that waits for others"),
    change("jump-down", &[key(')')], Graph, "go along an edge to a step that waits for the selected one; again after going back: to the next",
        |m| waits(m, Along::Down), |m| navigation::jump(m, Along::Down)).needs("a selected step that others wait for"),
    change("jump-back", &[code(KeyCode::Backspace)], Graph, "go back along the edge",
        |m| m.overlay.is_none() && !m.trail.is_empty(), navigation::jump_back).needs("an edge that was gone along"),
    change("fold-steps", &[key('o')], Graph,
        "fold or unfold: a for_each step, similar steps, or what depends on this step alone",
        folds, navigation::fold_steps)
        .needs("a selected step in the graph or the table"),
    change("follow", &[key('f')], Graph, "follow running steps with the selection, or stop following", always, navigation::follow),
    change("waterfall", &[key('W')], Views, "graph: show or hide the waterfall below it",
        |m| on_graph(m) && shows(m, View::Graph), navigation::toggle_strip),
    change("waterfall-higher", &[key('K'), Key::control_code(KeyCode::Up)], Views, "graph: more rows for the waterfall",
        strip_shown, |m| m.strip.grow(2)),
    change("waterfall-lower", &[key('J'), Key::control_code(KeyCode::Down)], Views, "graph: fewer rows for the waterfall",
        strip_shown, |m| m.strip.grow(-2)),
    change("centre", &[key('c')], Graph, "centre the selected step", selected, navigation::centre),
    change("zoom-in", &[key('+'), key('=')], Graph, "more detail", zooms, |m| navigation::zoom(m, 1)),
    change("zoom-out", &[key('-')], Graph, "less detail", zooms, |m| navigation::zoom(m, -1)),
    change("turn", &[key('t')], Graph, "turn the graph: top-down or left-right",
        |m| on_graph(m) && shows(m, View::Graph), navigation::turn_graph),
    change("fit", &[key('0')], Graph, "as much detail as fits the pane", zooms, navigation::fit),
];

const SHIFT_LEFT: &str =
    "to the left: earlier times in the timeline, the column that the table is sorted by";
const SHIFT_RIGHT: &str =
    "to the right: later times in the timeline, the column that the table is sorted by";
const SHIFTED: &str = "the table, or a timeline that is zoomed in";

#[rustfmt::skip]
static AFTER_VIEWS: &[Entry] = &[
    change("shift-left", &[key(';')], Views, SHIFT_LEFT, shifts, |m| navigation::shift(m, -1)).needs(SHIFTED),
    change("shift-right", &[key('\'')], Views, SHIFT_RIGHT,
        |m| shifts(m) && shows(m, View::Timeline), |m| navigation::shift(m, 1)).hint("later").needs(SHIFTED),
    change("shift-right", &[key('\'')], Views, SHIFT_RIGHT, shifts, |m| navigation::shift(m, 1)).hint("sort").needs(SHIFTED),
    change("earlier", &[key('[')], Time, "one event back", |m| m.position() > 1, |m| m.step_position(-1))
        .hint("earlier").needs("an earlier event"),
    change("later", &[key(']')], Time, "one event forward; after the last, back to now", is_before_the_last, |m| m.step_position(1))
        .needs("an earlier event on screen"),
    change("earlier-end", &[key('{')], Time, "back to the previous end of a step", |m| m.position() > 1, |m| m.step_end(false))
        .needs("an earlier event"),
    change("later-end", &[key('}')], Time, "forward to the next end of a step", is_before_the_last, |m| m.step_end(true))
        .needs("an earlier event on screen"),
    change("slower", &[key('<')], Time, "in a replay: half the speed", Model::is_replay, |m| m.change_speed(false)).needs("a replay"),
    change("faster", &[key('>')], Time, "in a replay: double the speed", Model::is_replay, |m| m.change_speed(true))
        .hint("faster").needs("a replay"),

    change("close", &[code(KeyCode::Esc), key('d')], Compare, "close the comparison",
        |m| side_by_side(m) || choosing_run(m), close).hint("back"),
    ask("compare", &[key('d')], Compare,
        "compare attempts of the selected step, or the step in two runs; else choose a run to compare with",
        |m| m.overlay.is_none() && selected(m), compare::open).hint("compare").needs("a selected step"),
    change("previous-pair", &[code(KeyCode::Left), key('h')], Compare, "the previous pair",
        |m| side_by_side(m) && m.pairs().len() > 1, |m| compare::turn(m, -1)).hint("previous pair"),
    change("next-pair", &[code(KeyCode::Right), key('l')], Compare, "the next pair",
        |m| side_by_side(m) && m.pairs().len() > 1, |m| compare::turn(m, 1)).hint("next pair"),
    ask("choose-run", &[code(KeyCode::Tab)], Compare, "choose another run of the plan to compare with",
        side_by_side, compare::choose).hint("another run"),
    ask("take-run", &[code(KeyCode::Enter)], Compare, "compare with this run", choosing_run, compare::take).hint("compare"),

    change("inspect", &[code(KeyCode::Enter)], Inspector, "inspect the selected step",
        |m| m.focus == Focus::Graph && selected(m), |m| m.focus = Focus::Inspector).hint("inspect"),
    change("result", &[key('a')], Dashboard, "show the final result: the answer of the plan", has_result, overlays::toggle_result)
        .hint("result").needs("a run that has come to a result"),
    change("explain", &[key('e')], Inspector, "why the selected step was called, or why it was not", selected, overlays::toggle_explain)
        .hint("why"),
    change("jq", &[key('.')], Inspector, "filter the value with jq", |m| on_inspector(m) && json_filter::can_filter(m), json_filter::open).hint("jq")
        .needs("the input or output page in focus"),
    change("table-of-list", &[key('t')], Inspector, "show a list of like objects as a table, or as a tree",
        |m| in_table(m) || in_tree(m) && json_table::can_show(m), json_table::toggle).hint("table/tree"),
    change("open-row", &[code(KeyCode::Enter)], Inspector, "go to the chosen row in the tree", in_table, json_table::open_row).hint("open"),
    change("column-left", &[code(KeyCode::Left), key('h')], Inspector, "the columns before, in a table", in_table, |m| json_table::move_columns(m, -1)),
    change("column-right", &[code(KeyCode::Right), key('l')], Inspector, "the next columns, in a table", in_table, |m| json_table::move_columns(m, 1)),
    change("open-member", &[code(KeyCode::Enter)], Inspector, "go into the chosen element of a folded group", group::in_grid, group::enter).hint("open"),
    change("previous-member", &[code(KeyCode::Left), key('h')], Inspector, "the element before, in the grid of a group", group::in_grid, |m| group::move_by(m, -1)),
    change("next-member", &[code(KeyCode::Right), key('l')], Inspector, "the next element, in the grid of a group", group::in_grid, |m| group::move_by(m, 1)),
    change("toggle", &[code(KeyCode::Enter)], Inspector, "fold or unfold", in_tree, |m| pages::tree(m, JsonTree::toggle)).hint("fold"),
    change("scroll-up", &[code(KeyCode::Up), key('k')], Inspector, "up", scrolls, |m| pages::scroll(m, -1)).over(Over::Scroll),
    change("scroll-down", &[code(KeyCode::Down), key('j')], Inspector, "down", scrolls, |m| pages::scroll(m, 1)).over(Over::Scroll),
    change("fold", &[code(KeyCode::Left), key('h')], Inspector, "fold, or go to the parent", in_tree, |m| pages::tree(m, JsonTree::fold)),
    change("unfold", &[code(KeyCode::Right), key('l')], Inspector, "unfold", in_tree, |m| pages::tree(m, JsonTree::unfold)),
    change("previous-tab", &[code(KeyCode::BackTab)], Inspector, "previous page", selected, |m| pages::show(m, m.inspector.tab.step(Tab::ALL.len() - 1))),
    change("previous-tab", &[code(KeyCode::Left), key('h')], Inspector, "previous page", on_text, |m| pages::show(m, m.inspector.tab.step(Tab::ALL.len() - 1))),
    change("next-tab", &[code(KeyCode::Tab)], Inspector, "next page", selected, |m| pages::show(m, m.inspector.tab.step(1))).hint("page"),
    change("next-tab", &[code(KeyCode::Right), key('l')], Inspector, "next page", on_text, |m| pages::show(m, m.inspector.tab.step(1))),
    change("overview", &[key('1')], Inspector, "overview", selected, |m| pages::show(m, Tab::Overview)),
    change("input", &[key('2')], Inspector, "input", selected, |m| pages::show(m, Tab::Input)),
    change("output", &[key('3')], Inspector, "output", selected, |m| pages::show(m, Tab::Output)),
    change("prompt", &[key('4')], Inspector, "prompt and answer", selected, |m| pages::show(m, Tab::Prompt)),
    change("log", &[key('5')], Inspector, "what the tool printed, as it comes", selected, |m| pages::show(m, Tab::Log)),
    change("error", &[key('6')], Inspector, "error", selected, |m| pages::show(m, Tab::Error)),
    change("attempts", &[key('7')], Inspector, "attempts and what they logged", selected, |m| pages::show(m, Tab::Attempts)),
    change("scroll-page-up", &[code(KeyCode::PageUp)], Inspector, "a page up", scrolls, |m| pages::scroll_page(m, -1)).over(Over::Scroll),
    change("scroll-page-down", &[code(KeyCode::PageDown)], Inspector, "a page down", scrolls, |m| pages::scroll_page(m, 1)).over(Over::Scroll),
    change("scroll-top", &[key('g'), code(KeyCode::Home)], Inspector, "to the top", scrolls, |m| pages::scroll(m, isize::MIN)).over(Over::Scroll),
    change("scroll-bottom", &[key('G'), code(KeyCode::End)], Inspector, "to the bottom", scrolls, |m| pages::scroll(m, isize::MAX)).over(Over::Scroll),
    change("raw", &[key('v')], Inspector, "show values as text or as a tree",
        |m| selected(m) && matches!(m.inspector.tab, Tab::Input | Tab::Output), pages::toggle_raw).hint("text/tree").needs("the input or output page"),
    change("raw-bodies", &[key('v')], Inspector, "show what went over the wire, or what was read from it",
        |m| selected(m) && m.inspector.tab == Tab::Prompt, bodies::toggle).hint("raw").needs("the prompt page"),
    change("fold-level", &[key('_')], Inspector, "fold the deepest level of the tree", in_tree, |m| pages::change_level(m, false)),
    change("unfold-level", &[key('*')], Inspector, "unfold one level more of the tree", in_tree, |m| pages::change_level(m, true)),
    ask("copy", &[key('y')], Inspector, "copy the id on the graph, the selected value in a tree, else the page", has_page, export::copy).hint("copy"),
    ask("copy-reference", &[key('Y')], Inspector, "copy how a plan refers to the step's output, or to the selected part", selected, export::copy_reference),
    ask("copy-command", &[key('C')], Inspector, "copy the call of a program, or the request, as a command for a shell", has_command, export::copy_command)
        .needs("a step whose program or request has ended"),
    ask("edit-plan", &[Key::control('e')], Inspector, "open the plan in $EDITOR at the selected step, and run again what changed", plan_edit::can_edit, plan_edit::open)
        .needs("a recorded run"),
    ask("insert-before", &[], Inspector, "put a step into the plan before the selected one: written in $EDITOR, price first", structure::can_begin, structure::insert_before)
        .needs("a selected step of a run that is recorded"),
    ask("insert-after", &[], Inspector, "put a step into the plan after the selected one: written in $EDITOR, price first", structure::can_begin, structure::insert_after)
        .needs("a selected step of a run that is recorded"),
    ask("remove-step", &[], Inspector, "take the selected step out of the plan: price first", structure::can_begin, structure::remove)
        .needs("a selected step of a run that is recorded"),
    ask("dependencies", &[], Inspector, "change what the selected step waits for: written in $EDITOR, price first", structure::can_begin, structure::depend)
        .needs("a selected step of a run that is recorded"),
    ask("edit-tool", &[], Inspector, "edit the definition of the selected step's tool, for all steps that call it: price first", structure::can_begin, define_tool::begin)
        .needs("a selected step of a run that is recorded"),
    ask("save-edits", &[Key::control('w')], Inspector, "save the edits of the run to its plan and its catalog: shows the difference first", save_edits::can_open, save_edits::open)
        .needs("a recorded run"),
    ask("edit-page", &[key('E')], Inspector, "open the page whole in $EDITOR", has_page, |m| export::open(m, OutsideProgram::Editor)),
    ask("pager", &[key('|')], Inspector, "open the page whole in $PAGER", has_page, |m| export::open(m, OutsideProgram::Pager)),
    ask("save", &[Key::control('s'), key('W')], Inspector, "save the page whole to a file", has_page, export::save),
    ask("bare", &[key('Z')], Inspector, "show the page without frames, for selecting with the terminal", has_page, export::show_bare),

    change("back", &[code(KeyCode::Esc)], Dashboard, "back", can_go_back, overlays::back).over(Over::Text).hint("back"),
    ask("back-to-parent", &[code(KeyCode::Esc)], Dashboard, "back to the run that this one was forked from (asks while the run is active)", |m| m.from_parent && at_the_graph(m), questions::quit)
        .needs("a fork made in the dashboard"),
    ask("back-to-batch", &[code(KeyCode::Esc)], Dashboard, "back to the batch that the run belongs to", |m| m.from_batch && at_the_graph(m), questions::quit)
        .needs("a run that was opened from its batch"),
    ask("back-home", &[code(KeyCode::Esc)], Dashboard, "back to the home screen (asks while the run is active)", |m| m.from_home && at_the_graph(m), questions::quit)
        .needs("a run that was opened from the home screen"),
    ask("the-run", &[key('i'), code(KeyCode::Esc)], Dashboard, "show the run as a whole: money, slots, critical path", at_the_graph, pages::show_run),
    change("inspector-larger", &[key('m'), Key::control_code(KeyCode::Left)], Dashboard, "more room for the inspector, less for the view",
        sized, |m| navigation::move_divider(m, 4)),
    change("inspector-smaller", &[key('M'), Key::control_code(KeyCode::Right)], Dashboard, "less room for the inspector, more for the view",
        sized, |m| navigation::move_divider(m, -4)),
    change("maximise", &[key('z')], Dashboard, "maximise the pane in focus, or restore it", always, |m| m.maximised = !m.maximised),
    change("present", &[key('V')], Dashboard, "present: large cards, no inspector, and captions that name keys; again: as before",
        always, presentation::toggle),
    change("help", &[key('?'), key(':'), code(KeyCode::F(1))], Dashboard, "show every action with its keys, to find and do one", always, overlays::open_palette).hint("help"),
    take("theme", &[code(KeyCode::F(2))], Dashboard, "choose the theme, which is seen at once; a name after it takes that one", always, themes::open),
    ask("redraw", &[Key::control('l')], Dashboard, "redraw the screen", always, |_| vec![Effect::Terminal(TerminalEffect::Redraw)]).over(Over::All),
    ask("suspend", &[Key::control('z')], Dashboard, "suspend the program", always, |_| vec![Effect::Terminal(TerminalEffect::Suspend)]).over(Over::All),
    ask("quit", &[key('q'), Key::control('c')], Dashboard, "back to the run that this one was forked from (asks while the run is active)", |m| m.from_parent, questions::quit).over(Over::Quit).hint("parent run"),
    ask("quit", &[key('q'), Key::control('c')], Dashboard, "back to the home screen (asks while the run is active)", |m| m.from_home && !m.from_parent, questions::quit).over(Over::Quit).hint("home"),
    ask("quit", &[key('q'), Key::control('c')], Dashboard, "back to the batch that the run belongs to", |m| m.from_batch, questions::quit).over(Over::Quit).hint("batch"),
    ask("quit", &[key('q'), Key::control('c')], Dashboard, "quit (asks while the run is active)", |m| !m.from_home && !m.from_parent && !m.from_batch && !m.attached, questions::quit).over(Over::Quit).hint("quit"),
    ask("quit", &[key('q'), Key::control('c')], Dashboard, "leave; the run goes on", |m| m.attached && !m.from_batch, questions::quit).over(Over::Quit).hint("leave"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn a_key_that_opens_a_line_does_nothing_else() {
        for (line, name) in [(',', "settings"), ('.', "jq")] {
            let of_key = entries().filter(|entry| entry.keys.contains(&Key::char(line)));
            let names: Vec<_> = of_key.map(|entry| entry.name).collect();
            assert_eq!(names, [name], "{line}");
        }
    }

    #[test]
    fn a_name_stands_for_one_action() {
        let mut names = HashMap::new();
        for entry in entries() {
            // What is possible at different times under one name may run something else; its group stays.
            let known = names.insert(entry.name, entry.scope.group);
            assert!(
                known.is_none_or(|known| known == entry.scope.group),
                "{}",
                entry.name
            );
            // What is done rarely is in the list of actions alone, until the user gives it a key.
            let rare = [
                "insert-before",
                "insert-after",
                "remove-step",
                "dependencies",
                "edit-tool",
            ];
            let is_rare = rare.contains(&entry.name);
            assert!(
                is_rare || !entry.keys.is_empty(),
                "{} has no key",
                entry.name
            );
            assert!(
                !entry.description.is_empty(),
                "{} has no description",
                entry.name
            );
        }
    }
}
