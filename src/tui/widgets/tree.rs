//! A JSON value as a tree that folds. Its lines are laid out when the value, the width, the styles or what is unfolded
//! changes, and not in every frame.

use super::json;
use crate::text;
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::StatefulWidget;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};
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

/// Whether a value has something to fold.
pub(crate) fn branches(value: &Value) -> bool {
    match value {
        Value::Array(list) => !list.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => false,
    }
}

/// What the lines of a tree depend on beside what is unfolded.
#[derive(Clone, Debug)]
struct Basis {
    value: Weak<Value>,
    width: usize,
    lines: usize,
    styles: TreeStyles,
}

impl Basis {
    fn is_like(&self, other: &Self) -> bool {
        Weak::ptr_eq(&self.value, &other.value)
            && (self.width, self.lines, self.styles) == (other.width, other.lines, other.styles)
    }
}

/// The lines of a tree, until something changes that they depend on.
#[derive(Debug)]
struct LaidOut {
    basis: Basis,
    items: Vec<TreeItem<'static, usize>>,
    count: usize,
}

/// A tree with what is folded and selected in it.
#[derive(Debug, Default)]
pub(crate) struct JsonTree {
    state: TreeState<usize>,
    laid_out: Option<LaidOut>,
    #[cfg(test)]
    layouts: usize,
}

impl JsonTree {
    /// A tree that was not shown yet.
    pub(crate) fn new(value: &Value) -> Self {
        Self {
            state: unfolded(value),
            ..Self::default()
        }
    }

    /// Forgets the lines, which take room, but not what is folded.
    pub(crate) fn put_away(&mut self) {
        self.laid_out = None;
    }

    fn change(&mut self, change: impl FnOnce(&mut TreeState<usize>) -> bool) {
        let before = self.state.opened().len();
        change(&mut self.state);
        // Folding and unfolding change how many there are, by one each.
        if self.state.opened().len() != before {
            self.laid_out = None;
        }
    }

    /// Folds what is selected, or goes to what it is in.
    pub(crate) fn fold(&mut self) {
        self.change(TreeState::key_left);
    }

    /// Unfolds what is selected.
    pub(crate) fn unfold(&mut self) {
        self.change(TreeState::key_right);
    }

    /// Folds or unfolds what is selected.
    pub(crate) fn toggle(&mut self) {
        self.change(TreeState::toggle_selected);
    }

    /// Selects what is drawn at this place, and folds or unfolds it.
    pub(crate) fn click(&mut self, at: Position) {
        self.change(|state| state.click_at(at));
    }

    /// Selects what is so many lines on; the first or the last with the least or the greatest number.
    pub(crate) fn select_by(&mut self, lines: isize) {
        self.change(|state| match lines {
            isize::MIN => state.select_first(),
            isize::MAX => state.select_last(),
            by => state.select_relative(|at| at.map_or(0, |at| at.saturating_add_signed(by))),
        });
    }

    /// Draws the tree; gives where in it the first line is, where not all of it fits.
    pub(crate) fn draw(
        &mut self,
        value: &Arc<Value>,
        theme: &Theme,
        focused: bool,
        buf: &mut Buffer,
        area: Rect,
    ) -> Option<String> {
        let basis = Basis {
            value: Arc::downgrade(value),
            width: area.width as usize,
            lines: STRING_LINES.min(area.height as usize).max(1),
            styles: TreeStyles {
                key: theme.accent,
                text: theme.text,
                string: theme.string,
                number: theme.number,
                dim: theme.dim,
            },
        };
        self.lay_out(value, basis);
        let laid_out = self.laid_out.as_ref()?;
        let tree = Tree::new(&laid_out.items)
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
        StatefulWidget::render(tree, area, buf, &mut self.state);
        let from = self.state.get_offset();
        let count = laid_out.count;
        (count > area.height as usize).then(|| format!("{} of {count}", from + 1))
    }

    fn lay_out(&mut self, value: &Value, basis: Basis) {
        let known = self.laid_out.as_ref();
        if known.is_some_and(|known| known.basis.is_like(&basis)) {
            return;
        }
        let mut builder = Builder {
            state: &self.state,
            width: basis.width,
            lines: basis.lines,
            items: 0,
            styles: basis.styles,
        };
        let items = builder.items(value, &mut Vec::new());
        let count = builder.items;
        self.laid_out = Some(LaidOut {
            basis,
            items,
            count,
        });
        #[cfg(test)]
        {
            self.layouts += 1;
        }
    }
}

/// What is unfolded of a value that was not shown yet: from the top, as far as it stays short.
fn unfolded(value: &Value) -> TreeState<usize> {
    let mut state = TreeState::default();
    state.select(vec![0]);
    let mut lines = members(value).take(MEMBERS).count();
    let mut open: VecDeque<(Vec<usize>, &Value)> = VecDeque::from([(Vec::new(), value)]);
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

/// The styles of the parts of a tree.
#[derive(Clone, Copy, Debug, PartialEq)]
struct TreeStyles {
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
    styles: TreeStyles,
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
                    Line::styled(words, self.styles.dim),
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
            self.styles.key
        } else {
            self.styles.dim
        };
        let head = Span::styled(format!("{label}  "), style);
        if branches(value) {
            let line = Line::from(vec![head, Span::styled(json::size(value), self.styles.dim)]);
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
            Value::String(words) => (words.as_str(), self.styles.string),
            Value::Array(_) => ("[]", self.styles.dim),
            Value::Object(_) => ("{}", self.styles.dim),
            plain => {
                return Line::from(vec![
                    head,
                    Span::styled(plain.to_string(), self.styles.number),
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
                spans.push(Span::styled(" …", self.styles.text));
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lines_are_laid_out_once_until_something_changes() {
        let value = Arc::new(json!({"a": [1, 2, 3], "b": {"c": "d"}}));
        let mut tree = JsonTree::new(&value);
        let mut theme = Theme::default();
        let area = Rect::new(0, 0, 40, 10);
        let mut buf = Buffer::empty(area);
        let mut layouts = |tree: &mut JsonTree, value: &Arc<Value>, theme: &Theme, area: Rect| {
            tree.draw(value, theme, true, &mut buf, area);
            tree.layouts
        };
        assert_eq!(layouts(&mut tree, &value, &theme, area), 1);
        assert_eq!(layouts(&mut tree, &value, &theme, area), 1);
        tree.select_by(1);
        assert_eq!(
            layouts(&mut tree, &value, &theme, area),
            1,
            "a selection moves no line"
        );
        tree.toggle();
        assert_eq!(layouts(&mut tree, &value, &theme, area), 2, "folded");
        let narrow = Rect { width: 30, ..area };
        assert_eq!(
            layouts(&mut tree, &value, &theme, narrow),
            3,
            "another width"
        );
        theme.number = theme.number.add_modifier(ratatui::style::Modifier::BOLD);
        assert_eq!(
            layouts(&mut tree, &value, &theme, narrow),
            4,
            "another theme"
        );
        let other = Arc::new(json!({"a": []}));
        assert_eq!(
            layouts(&mut tree, &other, &theme, narrow),
            5,
            "another value"
        );
    }
}
