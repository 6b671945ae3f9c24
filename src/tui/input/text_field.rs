//! A line that is typed into. `tui-input` edits it, by grapheme; which keys do what, the longest text, and how it is
//! drawn are decided here.

use crate::text;
use crate::tui::theme::Theme;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;
use tui_input::{Input, InputRequest};
use unicode_segmentation::UnicodeSegmentation;

/// Most bytes that a field accepts.
const MOST: usize = 4096;

/// A line of text with a cursor.
#[derive(Clone, Debug, Default)]
pub struct Field {
    input: Input,
}

impl Field {
    /// What was typed.
    pub fn text(&self) -> &str {
        self.input.value()
    }

    /// Whether nothing was typed.
    pub fn is_empty(&self) -> bool {
        self.text().is_empty()
    }

    /// Forgets what was typed.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Puts text in at the cursor, as a paste does; line ends and other control characters become spaces.
    pub fn insert(&mut self, text: &str) {
        let (before, after) = self.around_cursor();
        let mut taken = before.to_owned();
        for c in text.chars() {
            let c = if c.is_control() { ' ' } else { c };
            if taken.len() + after.len() + c.len_utf8() > MOST {
                break;
            }
            taken.push(c);
        }
        let cursor = taken.chars().count();
        taken.push_str(after);
        self.input = Input::new(taken).with_cursor(cursor);
    }

    /// Takes a key in where it is one that edits: letters, backspace, delete, left and right, ctrl-a, ctrl-e,
    /// ctrl-u, ctrl-w. Whether it was one.
    pub fn edit(&mut self, key: &KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        if key.modifiers.contains(KeyModifiers::ALT) {
            return false;
        }
        let request = match key.code {
            KeyCode::Char('a') if control => InputRequest::GoToStart,
            KeyCode::Char('e') if control => InputRequest::GoToEnd,
            KeyCode::Char('u') if control => InputRequest::DeleteFromStart,
            KeyCode::Char('w') if control => {
                self.delete_word();
                return true;
            }
            KeyCode::Char('h') if control => InputRequest::DeletePrevChar,
            KeyCode::Char(c) if !control && !c.is_control() => {
                self.insert(c.encode_utf8(&mut [0; 4]));
                return true;
            }
            KeyCode::Backspace => InputRequest::DeletePrevChar,
            KeyCode::Delete => InputRequest::DeleteNextChar,
            KeyCode::Left => InputRequest::GoToPrevChar,
            KeyCode::Right => InputRequest::GoToNextChar,
            _ => return false,
        };
        self.input.handle(request);
        true
    }

    /// Deletes back to a space, as a shell does; the library's words end at punctuation too.
    fn delete_word(&mut self) {
        let (before, after) = self.around_cursor();
        let kept = before.trim_end();
        let kept = kept.trim_end_matches(|c: char| !c.is_whitespace());
        let cursor = kept.chars().count();
        self.input = Input::new(format!("{kept}{after}")).with_cursor(cursor);
    }

    /// What stands before and after the cursor.
    fn around_cursor(&self) -> (&str, &str) {
        let text = self.text();
        let at = text.char_indices().nth(self.input.cursor());
        text.split_at(at.map_or(text.len(), |(at, _)| at))
    }

    /// Draws the line with its cursor, scrolled so that the cursor is seen; where nothing was typed, `empty`
    /// says what could be.
    pub fn draw(&self, buf: &mut Buffer, area: Rect, empty: &str, theme: &Theme) {
        if area.is_empty() {
            return;
        }
        let room = area.width as usize;
        let here = Style::new().add_modifier(Modifier::REVERSED);
        if self.is_empty() {
            buf.set_string(area.x, area.y, " ", theme.text.patch(here));
            let words = text::fit(empty, room.saturating_sub(2));
            let x = area.x + 2.min(area.width);
            buf.set_stringn(x, area.y, words, room.saturating_sub(2), theme.dim);
            return;
        }
        let (before, after) = self.around_cursor();
        let head = text::line(before);
        let mut shown = head.as_str();
        while text::width(shown) + 1 > room {
            let Some(first) = shown.graphemes(true).next() else {
                break;
            };
            shown = &shown[first.len()..];
        }
        let under = after.graphemes(true).next().unwrap_or_default();
        let tail = text::line(after.strip_prefix(under).unwrap_or_default());
        let under = text::line(under);
        let under = if under.is_empty() {
            " ".to_owned()
        } else {
            under
        };
        let mut x = area.x;
        for span in [
            Span::styled(shown, theme.text),
            Span::styled(under, theme.text.patch(here)),
            Span::styled(tail, theme.text),
        ] {
            let room = area.right().saturating_sub(x) as usize;
            x = buf.set_stringn(x, area.y, span.content, room, span.style).0;
        }
    }
}

/// `text`, made safe already, with the characters at `places` in another style; `places` are in order.
pub(crate) fn highlight(
    text: &str,
    places: impl IntoIterator<Item = usize>,
    plain: Style,
    highlight: Style,
) -> Vec<Span<'static>> {
    let mut places = places.into_iter().peekable();
    let mut spans: Vec<Span<'static>> = Vec::new();
    for (at, c) in text.chars().enumerate() {
        let found = places.next_if_eq(&at).is_some();
        let style = if found { highlight } else { plain };
        match spans.last_mut() {
            Some(last) if last.style == style => last.content.to_mut().push(c),
            _ => spans.push(Span::styled(c.to_string(), style)),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[KeyEvent]) -> Field {
        let mut field = Field::default();
        for key in keys {
            assert!(field.edit(key), "{key:?}");
        }
        field
    }

    fn key(code: KeyCode) -> KeyEvent {
        KeyEvent::new(code, KeyModifiers::NONE)
    }

    fn letters(text: &str) -> Vec<KeyEvent> {
        text.chars().map(|c| key(KeyCode::Char(c))).collect()
    }

    fn control(c: char) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)
    }

    #[test]
    fn the_usual_keys_edit() {
        let mut keys = letters("ab né");
        keys.extend([key(KeyCode::Left), key(KeyCode::Backspace)]);
        assert_eq!(typed(&keys).text(), "ab é");
        keys.extend([control('a'), key(KeyCode::Delete), key(KeyCode::Char('x'))]);
        assert_eq!(typed(&keys).text(), "xb é");
        keys.extend([control('e'), control('w')]);
        assert_eq!(typed(&keys).text(), "xb ");
        keys.push(control('w'));
        assert_eq!(typed(&keys).text(), "");
        keys.extend(letters("a out/b.json"));
        keys.push(control('w'));
        assert_eq!(typed(&keys).text(), "a ");
        keys.extend(letters("again"));
        keys.push(control('u'));
        assert!(typed(&keys).is_empty());
        assert!(!Field::default().edit(&key(KeyCode::Enter)));
        assert!(!Field::default().edit(&control('l')));
    }

    #[test]
    fn a_character_of_several_parts_is_edited_as_one() {
        for whole in ["e\u{301}", "👩\u{200d}🚀", "🤦🏼\u{200d}♂\u{fe0f}"] {
            let mut field = Field::default();
            field.insert(&format!("a{whole}b"));
            assert!(field.edit(&key(KeyCode::Left)));
            assert!(field.edit(&key(KeyCode::Backspace)));
            assert_eq!(field.text(), "ab");
            field.insert(whole);
            for code in [KeyCode::Left, KeyCode::Delete, KeyCode::Char('x')] {
                assert!(field.edit(&key(code)));
            }
            assert_eq!(field.text(), "axb");
        }
    }

    #[test]
    fn a_paste_is_one_line_of_bounded_length() {
        let mut field = Field::default();
        field.insert("a\nb\u{1b}c");
        assert_eq!(field.text(), "a b c");
        field.insert(&"é".repeat(MOST));
        assert!(field.text().len() <= MOST);
    }

    #[test]
    fn the_cursor_stays_in_view() {
        let mut field = Field::default();
        field.insert("0123456789");
        let area = Rect::new(0, 0, 5, 1);
        let mut buf = Buffer::empty(area);
        field.draw(&mut buf, area, "", &Theme::default());
        let row: String = (0..5).map(|x| buf[(x, 0)].symbol()).collect();
        assert_eq!(row, "6789 ");
        for width in 0..4 {
            let area = Rect::new(0, 0, width, 1);
            field.draw(&mut buf, area, "", &Theme::default());
        }
    }

    #[test]
    fn found_letters_are_lit() {
        let (plain, bright) = (Style::new(), Style::new().add_modifier(Modifier::BOLD));
        let spans = highlight("abcd", [1, 2], plain, bright);
        let parts: Vec<(&str, bool)> = spans
            .iter()
            .map(|span| (&*span.content, span.style == bright))
            .collect();
        assert_eq!(parts, [("a", false), ("bc", true), ("d", false)]);
    }
}
