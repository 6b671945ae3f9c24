//! A JSON value as a tree that folds. Its lines are laid out when the value, the width, the styles or what is unfolded
//! changes, and not in every frame.

use super::json::{self, members};
pub(crate) use super::tree_search::Found;
use super::tree_search::look_for;
use crate::text;
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::StatefulWidget;
use serde_json::Value;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::{Arc, Weak};
use tui_tree_widget::{Tree, TreeItem, TreeState};

/// Members of one list or object that stand below each other; of more, windows of so many can be unfolded.
const MEMBERS: usize = 200;
/// Windows of the smallest size in a window of the next size.
const WINDOWS: usize = 100;
/// Marks the part of a path that is a window, with the place of its first member.
const WINDOW: usize = 1 << (usize::BITS - 1);
/// Items of a whole tree that are shown.
const ITEMS: usize = 5_000;
/// Items that a level unfolds.
const LEVEL_ITEMS: usize = 1_000;
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

/// What the places of members lead to.
pub(crate) fn member_at<'v>(value: &'v Value, places: &[usize]) -> Option<&'v Value> {
    let mut value = value;
    for place in places {
        value = member(value, *place)?.1;
    }
    Some(value)
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

    /// What is selected; of a window its first member.
    pub(crate) fn selected<'v>(&self, value: &'v Value) -> Option<Selected<'v>> {
        let mut path = String::new();
        let mut value = value;
        let ids = self.state.selected();
        if ids.is_empty() {
            return None;
        }
        for (depth, id) in ids.iter().enumerate() {
            let at = id & !WINDOW;
            if id & WINDOW != 0 && depth + 1 < ids.len() {
                continue;
            }
            let (key, member) = member(value, at)?;
            write_segment(&mut path, key, at);
            value = member;
        }
        Some(Selected { value, path })
    }

    /// The places of members that lead to what is selected; of a window to its first member.
    pub(crate) fn places(&self) -> Vec<usize> {
        let ids = self.state.selected();
        let last = ids.len().saturating_sub(1);
        let ids = ids.iter().enumerate();
        ids.filter(|(at, id)| *id & WINDOW == 0 || *at == last)
            .map(|(_, id)| id & !WINDOW)
            .collect()
    }

    /// Selects what these places lead to, and unfolds what it is in.
    pub(crate) fn go_to(&mut self, value: &Value, places: &[usize]) {
        let path = ids(value, places);
        for end in 1..path.len() {
            self.state.open(path[..end].to_vec());
        }
        self.state.select(path);
        self.state.scroll_selected_into_view();
        self.laid_out = None;
    }

    /// Folds the deepest level that is unfolded, or unfolds one more.
    pub(crate) fn change_level(&mut self, value: &Value, more: bool) {
        let depth = |path: &Vec<usize>| path.iter().filter(|id| *id & WINDOW == 0).count();
        let level = self.state.opened().iter().map(depth).max().unwrap_or(0);
        let level = if more {
            level + 1
        } else {
            level.saturating_sub(1)
        };
        self.state.close_all();
        open_while(&mut self.state, value, level, LEVEL_ITEMS);
        // What was selected may be in something folded now.
        let mut selected = self.state.selected().to_vec();
        while selected.len() > 1
            && !self
                .state
                .opened()
                .contains(&selected[..selected.len() - 1])
        {
            selected.pop();
        }
        self.state.select(selected);
        self.laid_out = None;
    }

    /// Selects the next place, or the one before, whose key or plain value contains `words`, and unfolds what it is in.
    pub(crate) fn find(&mut self, value: &Value, words: &str, forward: bool) -> Found {
        let current: Vec<usize> = {
            let ids = self.state.selected().iter();
            ids.filter(|id| *id & WINDOW == 0).copied().collect()
        };
        let (found, whole) = look_for(value, words, &current, forward, DEPTH);
        let Some(places) = found else {
            return if whole { Found::Nowhere } else { Found::TooFar };
        };
        self.go_to(value, &places);
        Found::There
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
    state.select(vec![first_id(value)]);
    open_while(&mut state, value, usize::MAX, UNFOLDED);
    state
}

/// The part of a path that leads to the first thing that a value shows.
fn first_id(value: &Value) -> usize {
    if count(value) > MEMBERS { WINDOW } else { 0 }
}

/// Unfolds from the top, to a number of levels and as long as there are few lines. Windows stay folded.
fn open_while(state: &mut TreeState<usize>, value: &Value, levels: usize, most: usize) {
    let mut lines = count(value).min(MEMBERS);
    let mut open: VecDeque<(Vec<usize>, &Value)> = VecDeque::from([(Vec::new(), value)]);
    while let Some((path, value)) = open.pop_front() {
        if count(value) > MEMBERS || path.len() >= levels {
            continue;
        }
        for (at, (_, member)) in members(value).enumerate() {
            let inside = count(member);
            let inside = if inside > MEMBERS {
                inside.div_ceil(window_size(inside))
            } else {
                inside
            };
            if inside == 0 || lines + inside > most {
                continue;
            }
            lines += inside;
            let mut path = path.clone();
            path.push(at);
            state.open(path.clone());
            open.push_back((path, member));
        }
    }
}

/// How many members a list or an object has.
fn count(value: &Value) -> usize {
    match value {
        Value::Array(list) => list.len(),
        Value::Object(members) => members.len(),
        _ => 0,
    }
}

/// The members of the widest windows of so many.
fn window_size(count: usize) -> usize {
    let mut size = MEMBERS;
    while count.div_ceil(size) > MEMBERS {
        size = size.saturating_mul(WINDOWS);
    }
    size
}

/// A member by its place.
fn member(value: &Value, at: usize) -> Option<(Option<&str>, &Value)> {
    match value {
        Value::Array(list) => Some((None, list.get(at)?)),
        Value::Object(members) => {
            let (key, value) = members.iter().nth(at)?;
            Some((Some(key), value))
        }
        _ => None,
    }
}

/// The path of ids to the member at these places, with the windows that it is in.
fn ids(value: &Value, places: &[usize]) -> Vec<usize> {
    let mut path = Vec::new();
    let mut value = Some(value);
    for &at in places {
        if let Some(holder) = value {
            let count = count(holder);
            let mut size = window_size(count);
            if count > MEMBERS {
                path.push(WINDOW | (at - at % size));
                while size > MEMBERS {
                    size /= WINDOWS;
                    path.push(WINDOW | (at - at % size));
                }
            }
            value = member(holder, at).map(|(_, value)| value);
        }
        path.push(at);
    }
    path
}

/// What is selected in a tree.
#[derive(Debug, PartialEq)]
pub(crate) struct Selected<'v> {
    /// The value.
    pub value: &'v Value,
    /// The way to it: `.rows[3]["a key"]`.
    pub path: String,
}

fn write_segment(path: &mut String, key: Option<&str>, at: usize) {
    match key {
        None => {
            let _ = write!(path, "[{at}]");
        }
        Some(key) if is_name(key) => {
            path.push('.');
            path.push_str(key);
        }
        Some(key) => {
            let quote = if key.contains('"') { '\'' } else { '"' };
            let _ = write!(path, "[{quote}{key}{quote}]");
        }
    }
}

/// Whether a key can stand behind a dot in a reference.
fn is_name(key: &str) -> bool {
    let mut chars = key.chars();
    let first = chars.next();
    first.is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
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
        let count = count(value);
        if count > MEMBERS {
            return self.windows(value, 0..count, window_size(count), path);
        }
        self.members(value, 0..count, path)
    }

    /// Windows of `size` members each.
    fn windows(
        &mut self,
        value: &Value,
        range: Range<usize>,
        size: usize,
        path: &mut Vec<usize>,
    ) -> Vec<TreeItem<'static, usize>> {
        let mut items = Vec::new();
        let word = if value.is_array() {
            "element"
        } else {
            "member"
        };
        for start in range.clone().step_by(size) {
            if self.is_full(&mut items, range.end - start) {
                break;
            }
            let end = (start + size).min(range.end);
            let id = WINDOW | start;
            path.push(id);
            let line = Line::from(vec![
                Span::styled(format!("{start}…{}  ", end - 1), self.styles.dim),
                Span::styled(text::format::count(end - start, word), self.styles.dim),
            ]);
            let inside = if !self.state.opened().contains(path) {
                vec![TreeItem::new_leaf(0, "")]
            } else if size > MEMBERS {
                self.windows(value, start..end, size / WINDOWS, path)
            } else {
                self.members(value, start..end, path)
            };
            path.pop();
            let item = TreeItem::new(id, line.clone(), inside);
            items.push(item.unwrap_or_else(|_| TreeItem::new_leaf(id, line)));
        }
        items
    }

    fn members(
        &mut self,
        value: &Value,
        range: Range<usize>,
        path: &mut Vec<usize>,
    ) -> Vec<TreeItem<'static, usize>> {
        let mut items = Vec::new();
        let total = range.end;
        let shown = members(value)
            .enumerate()
            .skip(range.start)
            .take(range.len());
        for (at, (key, member)) in shown {
            if self.is_full(&mut items, total - at) {
                break;
            }
            path.push(at);
            items.push(self.item(at, key, member, path));
            path.pop();
        }
        items
    }

    /// Whether there is no room for another item, which is said then.
    fn is_full(&mut self, items: &mut Vec<TreeItem<'static, usize>>, rest: usize) -> bool {
        if self.items >= ITEMS {
            let words = format!("… {rest} more; fold something above to see them");
            let line = Line::styled(words, self.styles.dim);
            items.push(TreeItem::new_leaf(usize::MAX, line));
            return true;
        }
        self.items += 1;
        false
    }

    fn item(
        &mut self,
        at: usize,
        key: Option<&str>,
        value: &Value,
        path: &mut Vec<usize>,
    ) -> TreeItem<'static, usize> {
        let indent = path.len() * 2;
        let is_open = self.state.opened().contains(path);
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
            let words = if is_open {
                json::size(value)
            } else {
                let beside = room.saturating_sub(head.width() + 1);
                text::fit(&json::preview(value, beside), beside)
            };
            let line = Line::from(vec![head, Span::styled(words, self.styles.dim)]);
            let inside = if path.len() >= DEPTH {
                Vec::new()
            } else if is_open {
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

    fn drawn(tree: &mut JsonTree, value: &Arc<Value>) -> String {
        let area = Rect::new(0, 0, 60, 40);
        let mut buf = Buffer::empty(area);
        tree.draw(value, &Theme::default(), true, &mut buf, area);
        let rows = (0..area.height).map(|y| {
            let row: String = (0..area.width).map(|x| buf[(x, y)].symbol()).collect();
            row.trim_end().to_owned()
        });
        rows.collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }

    #[test]
    fn every_element_of_a_long_list_is_reached() {
        for (length, at) in [(450, 449), (5_000, 4_000), (100_000, 77_777)] {
            let list: Vec<Value> = (0..length)
                .map(|at| json!({"id": at, "mark": format!("m{at}")}))
                .collect();
            let value = Arc::new(json!({ "rows": list }));
            let mut tree = JsonTree::new(&value);
            let words = format!("m{at}");
            assert_eq!(tree.find(&value, &words, true), Found::There);
            let selected = tree.selected(&value).unwrap();
            assert_eq!(selected.path, format!(".rows[{at}].mark"));
            assert_eq!(*selected.value, json!(words));
            let text = drawn(&mut tree, &value);
            assert!(text.contains(&format!("\"{words}\"")), "{text}");
        }
    }

    #[test]
    fn windows_are_unfolded_by_hand() {
        let value = Arc::new(Value::from((0..5_000).collect::<Vec<i32>>()));
        let mut tree = JsonTree::new(&value);
        let text = drawn(&mut tree, &value);
        assert!(
            text.contains("▸ 200…399  200 elements") && text.contains("4800…4999"),
            "{text}"
        );
        assert_eq!(tree.selected(&value).unwrap().path, "[0]");
        for _ in 0..20 {
            tree.select_by(1);
        }
        tree.toggle();
        drawn(&mut tree, &value);
        tree.select_by(1);
        assert_eq!(tree.selected(&value).unwrap().path, "[4000]");
        assert_eq!(*tree.selected(&value).unwrap().value, json!(4_000));
    }

    #[test]
    fn what_is_folded_shows_its_beginning() {
        let rows: Vec<Value> = (0..40).map(|at| json!({"id": at, "name": "Ada"})).collect();
        let value = Arc::new(json!({"rows": rows, "a key": [1, [2]]}));
        let mut tree = JsonTree::new(&value);
        let text = drawn(&mut tree, &value);
        assert!(
            text.contains("▸ rows  [{id: 0, name: \"Ada\"}, {id: 1"),
            "{text}"
        );
        tree.change_level(&value, true);
        tree.change_level(&value, true);
        let text = drawn(&mut tree, &value);
        assert!(
            text.contains("▾ rows  40 elements") && text.contains("name  \"Ada\""),
            "{text}"
        );
        tree.change_level(&value, false);
        tree.change_level(&value, false);
        assert_eq!(drawn(&mut tree, &value).lines().count(), 2);
        tree.find(&value, "2", false);
        assert_eq!(tree.selected(&value).unwrap().path, "[\"a key\"][1][0]");
    }

    #[test]
    fn a_search_goes_around_both_ways() {
        let value = Arc::new(json!({"a": "Wren", "b": ["owl", {"wren": 1}], "c": "WREN"}));
        let mut tree = JsonTree::new(&value);
        let mut paths = Vec::new();
        for forward in [true, true, true, false, false] {
            assert_eq!(tree.find(&value, "wren", forward), Found::There);
            paths.push(tree.selected(&value).unwrap().path);
        }
        assert_eq!(paths, [".b[1].wren", ".c", ".a", ".c", ".b[1].wren"]);
        assert_eq!(tree.find(&value, "heron", true), Found::Nowhere);
        assert_eq!(tree.selected(&value).unwrap().path, ".b[1].wren");
    }

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
