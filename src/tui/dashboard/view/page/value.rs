//! Inputs and outputs: a tree that folds, or text.

use crate::run::{StepState, StepStatus};
use crate::text;
use crate::tui::dashboard::state::model::{Model, Tab};
use crate::tui::widgets::json;
use crate::tui::widgets::text_page::Sheet;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::StatefulWidget;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;
use tui_tree_widget::{Tree, TreeItem, TreeState};

/// Members of one list or object that are shown.
const MEMBERS: usize = 200;
/// Items of a whole tree that are shown.
const ITEMS: usize = 2_000;
/// Levels that are shown.
const DEPTH: usize = 60;
/// Lines that a string takes in the tree.
const STRING_LINES: usize = 8;
/// Lines that a fresh tree unfolds to.
const UNFOLDED: usize = 30;
/// Bytes of text that are laid out.
const TEXT_BYTES: usize = 128 * 1024;

/// The value of this page and a word about it; `None` where the page has none.
pub fn value(model: &Model) -> Option<(Arc<Value>, &'static str)> {
    if model.inspector.of_run {
        return None;
    }
    let row = model.row()?;
    match model.inspector.tab {
        Tab::Input => match row.input() {
            Some(input) => Some((Arc::clone(input), "")),
            None => Some((
                Arc::clone(row.info.parameters.as_ref()?),
                "as the plan has it; references are not resolved yet",
            )),
        },
        Tab::Output => Some((Arc::clone(row.output.as_ref()?), "")),
        _ => None,
    }
}

/// Whether a value has something to fold.
pub fn branches(value: &Value) -> bool {
    match value {
        Value::Array(list) => !list.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => false,
    }
}

/// Writes the page as text: a value that has nothing to fold, a value as text, or that there is none.
pub fn write(model: &Model, row: &StepState, sheet: &mut Sheet<'_>) {
    let theme = sheet.theme;
    let Some((value, note)) = value(model) else {
        let words = match (model.inspector.tab, row.status) {
            (Tab::Input, _) => "No input is known yet.",
            (_, StepStatus::Failed) => "No output: it failed (6 shows why).",
            (_, StepStatus::Skipped | StepStatus::Cancelled) => {
                "No output: it did not run to its end."
            }
            _ => "No output yet.",
        };
        sheet.text(words, theme.dim);
        return;
    };
    if !note.is_empty() {
        sheet.text(note, theme.dim);
    }
    if let Value::String(text) = &*value {
        // A text is easiest to read as itself.
        sheet.text(text, theme.string);
        return;
    }
    let (text, whole) = json::pretty(&value, TEXT_BYTES);
    sheet.text(&text, theme.text);
    if !whole {
        sheet.cut();
    }
}

/// A tree nobody has looked at yet: unfolded from the top as far as it stays short.
pub fn fresh_tree(model: &Model) -> TreeState<usize> {
    let mut state = TreeState::default();
    let Some((value, _)) = value(model) else {
        return state;
    };
    state.select(vec![0]);
    let mut lines = members(&value).take(MEMBERS).count();
    let mut open: VecDeque<(Vec<usize>, &Value)> = VecDeque::from([(Vec::new(), &*value)]);
    while let Some((path, value)) = open.pop_front() {
        for (at, (_, member)) in members(value).take(MEMBERS).enumerate() {
            let inside = members(member).take(MEMBERS).count();
            if inside == 0 || lines + inside > UNFOLDED {
                continue;
            }
            lines += inside;
            let mut path = path.clone();
            path.push(at);
            state.open(path.clone());
            open.push_back((path, member));
        }
    }
    state
}

/// What a list or an object holds, with keys where there are any.
fn members(value: &Value) -> Box<dyn Iterator<Item = (Option<&str>, &Value)> + '_> {
    match value {
        Value::Array(list) => Box::new(list.iter().map(|value| (None, value))),
        Value::Object(members) => Box::new(
            members
                .iter()
                .map(|(key, value)| (Some(key.as_str()), value)),
        ),
        _ => Box::new(std::iter::empty()),
    }
}

/// Draws the value as a tree.
pub fn draw_tree(
    model: &mut Model,
    value: &Value,
    note: &str,
    buf: &mut Buffer,
    area: Rect,
) -> Option<String> {
    let step = model.selected?;
    let mut area = area;
    if !note.is_empty() && area.height > 3 {
        let words = text::fit(note, area.width as usize);
        buf.set_stringn(area.x, area.y, words, area.width as usize, model.theme.dim);
        area = Rect {
            y: area.y + 1,
            height: area.height - 1,
            ..area
        };
    }
    let fresh = fresh_tree(model);
    model.inspector.extent = (0, area.height as usize);
    let theme = model.theme.clone();
    let focused = model.focus == crate::tui::dashboard::state::model::Focus::Inspector;
    let state = model.inspector.tree(step, || fresh);
    let mut builder = Builder {
        state,
        width: area.width as usize,
        lines: STRING_LINES.min(area.height as usize).max(1),
        items: 0,
        look: Look {
            key: theme.accent,
            text: theme.text,
            string: theme.string,
            number: theme.number,
            dim: theme.dim,
        },
    };
    let items = builder.items(value, &mut Vec::new());
    let total = builder.items;
    let tree = Tree::new(&items)
        .ok()?
        .style(theme.text)
        .highlight_style(if focused {
            theme.selection
        } else {
            Style::new()
        })
        .node_closed_symbol("▸ ")
        .node_open_symbol("▾ ")
        .node_no_children_symbol("  ");
    StatefulWidget::render(tree, area, buf, state);
    let from = state.get_offset();
    (total > area.height as usize).then(|| format!("{} of {total}", from + 1))
}

struct Look {
    key: Style,
    text: Style,
    string: Style,
    number: Style,
    dim: Style,
}

/// Builds the items that are unfolded, and no others.
struct Builder<'a> {
    state: &'a TreeState<usize>,
    width: usize,
    lines: usize,
    items: usize,
    look: Look,
}

impl Builder<'_> {
    fn items(&mut self, value: &Value, path: &mut Vec<usize>) -> Vec<TreeItem<'static, usize>> {
        let mut items = Vec::new();
        let total = match value {
            Value::Array(list) => list.len(),
            Value::Object(members) => members.len(),
            _ => 0,
        };
        for (at, (key, member)) in members(value).enumerate() {
            if at >= MEMBERS || self.items >= ITEMS {
                let words = format!("… {} more (v shows text, y copies)", total - at);
                items.push(TreeItem::new_leaf(
                    usize::MAX,
                    Line::styled(words, self.look.dim),
                ));
                break;
            }
            self.items += 1;
            path.push(at);
            items.push(self.item(at, key, member, path));
            path.pop();
        }
        items
    }

    fn item(
        &mut self,
        at: usize,
        key: Option<&str>,
        value: &Value,
        path: &mut Vec<usize>,
    ) -> TreeItem<'static, usize> {
        let indent = path.len() * 2;
        let room = self.width.saturating_sub(indent).max(4);
        let label = match key {
            Some(key) => text::fit(key, (room / 2).max(8)),
            None => at.to_string(),
        };
        let style = if key.is_some() {
            self.look.key
        } else {
            self.look.dim
        };
        let head = Span::styled(format!("{label}  "), style);
        if branches(value) {
            let line = Line::from(vec![head, Span::styled(json::size(value), self.look.dim)]);
            let inside = if path.len() >= DEPTH {
                Vec::new()
            } else if self.state.opened().contains(path) {
                self.items(value, path)
            } else {
                // A leaf that is never seen makes the item one that can be unfolded.
                vec![TreeItem::new_leaf(0, "")]
            };
            return TreeItem::new(at, line.clone(), inside)
                .unwrap_or_else(|_| TreeItem::new_leaf(at, line));
        }
        TreeItem::new_leaf(at, self.leaf(head, value, room))
    }

    fn leaf(&self, head: Span<'static>, value: &Value, room: usize) -> Text<'static> {
        let (words, style) = match value {
            Value::String(words) => (words.as_str(), self.look.string),
            Value::Array(_) => ("[]", self.look.dim),
            Value::Object(_) => ("{}", self.look.dim),
            plain => {
                return Line::from(vec![
                    head,
                    Span::styled(plain.to_string(), self.look.number),
                ])
                .into();
            }
        };
        let quoted;
        let words = if matches!(value, Value::String(_)) {
            let most = words.floor_char_boundary(room * self.lines * 4 + 4);
            quoted = format!(
                "\"{}{}",
                &words[..most],
                if most < words.len() { "" } else { "\"" }
            );
            &quoted
        } else {
            words
        };
        let beside = room.saturating_sub(head.width());
        if text::width(words) <= beside && !words.contains('\n') {
            return Line::from(vec![head, Span::styled(words.to_owned(), style)]).into_safe();
        }
        // A longer text stands under its key, or beside it where the key is short.
        let under = head.width() > room / 3;
        let indent = if under { 2 } else { head.width() };
        let most = if under {
            self.lines.saturating_sub(1).max(1)
        } else {
            self.lines
        };
        let wrapped = text::wrap(words, room.saturating_sub(indent), most);
        let mut lines = Vec::new();
        let mut head = Some(head);
        if under {
            lines.push(Line::from(head.take().unwrap_or_default()));
        }
        let last = wrapped.lines.len().saturating_sub(1);
        for (at, line) in wrapped.lines.into_iter().enumerate() {
            let first = head.take().unwrap_or_else(|| Span::raw(" ".repeat(indent)));
            let mut spans = vec![first, Span::styled(line, style)];
            if wrapped.cut && at == last {
                spans.push(Span::styled(" …", self.look.text));
            }
            lines.push(Line::from(spans));
        }
        lines.truncate(self.lines.max(1));
        Text::from(lines)
    }
}

/// A line whose words came from outside.
trait IntoSafe {
    fn into_safe(self) -> Text<'static>;
}

impl IntoSafe for Line<'static> {
    fn into_safe(mut self) -> Text<'static> {
        for span in &mut self.spans {
            span.content = text::clean(&span.content).collect::<String>().into();
        }
        self.into()
    }
}
