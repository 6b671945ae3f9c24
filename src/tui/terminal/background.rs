//! The terminal's background: it is asked for (OSC 11), and the answer is taken out of what is typed.
//!
//! The answer arrives as if it were typed: alt-`]`, `11;rgb:ffff/ffff/ffff`, and alt-`\` or ctrl-g. Keys that could begin
//! it are held back for a moment; those that turn out to be keys are given on, none is lost. An answer that comes late, or
//! that says nothing of use, is taken out too.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What is written to ask.
pub(super) const QUESTION: &[u8] = b"\x1b]11;?\x1b\\";

/// How long an answer counts.
const PATIENCE: Duration = Duration::from_secs(1);
/// The longest time between two parts of an answer.
const APART: Duration = Duration::from_millis(40);
/// How an answer begins, and the most characters of it.
const BEGINNING: &str = "11;";
const MOST: usize = 256;

/// What is typed, without answers of the terminal.
#[derive(Debug, Default)]
pub(super) struct AnswerFilter {
    asked: Option<Instant>,
    answered: bool,
    held: Option<Held>,
    ready: VecDeque<Filtered>,
}

/// What may be the beginning of an answer.
#[derive(Debug)]
struct Held {
    events: Vec<Event>,
    text: String,
    /// Whether the beginning is whole: alt-`]`, or escape and `]`.
    open: bool,
    /// Whether the last event was an escape, which may be half of the end.
    escaped: bool,
    last: Instant,
}

/// Something that was typed, or the answer.
#[derive(Debug, PartialEq)]
pub(super) enum Filtered {
    /// An event, as it came.
    Event(Event),
    /// Whether the background is light.
    Light(bool),
}

enum Part {
    /// It goes on.
    More,
    /// It is whole.
    End,
    /// It is none.
    None,
}

impl AnswerFilter {
    /// Says that the terminal was asked.
    pub(super) fn asked(&mut self, now: Instant) {
        self.asked = Some(now);
        self.answered = false;
    }

    /// Whether an answer is expected.
    pub(super) fn waits(&self, now: Instant) -> bool {
        let asked = self.asked.filter(|_| !self.answered);
        asked.is_some_and(|asked| now < asked + PATIENCE)
    }

    /// Takes in an event.
    pub(super) fn take(&mut self, event: Event, now: Instant) {
        self.give_up(now);
        if self.asked.is_none() {
            return self.ready.push_back(Filtered::Event(event));
        }
        if let Some(held) = &mut self.held {
            let part = held.take(&event);
            held.events.push(event);
            held.last = now;
            match part {
                Part::More => {}
                Part::End => self.end(now),
                Part::None => self.release(),
            }
            return;
        }
        let alt = begins(&event, KeyCode::Char(']'), KeyModifiers::ALT);
        // Without the answer in sight escape is a key that is not to be held back.
        let escape = begins(&event, KeyCode::Esc, KeyModifiers::NONE) && self.waits(now);
        if alt || escape {
            self.held = Some(Held {
                events: vec![event],
                text: String::new(),
                open: alt,
                escaped: escape,
                last: now,
            });
        } else {
            self.ready.push_back(Filtered::Event(event));
        }
    }

    /// Gives up what is held where nothing followed it in time: an answer that has begun ends, keys are keys.
    pub(super) fn give_up(&mut self, now: Instant) {
        let late = |held: &Held| now >= held.last + APART;
        if !self.held.as_ref().is_some_and(late) {
            return;
        }
        let begun = |held: &Held| held.text.starts_with(BEGINNING);
        if self.held.as_ref().is_some_and(begun) {
            self.end(now);
        } else {
            self.release();
        }
    }

    /// When [`Self::give_up`] is to be called, where something is held.
    pub(super) fn due(&self) -> Option<Instant> {
        self.held.as_ref().map(|held| held.last + APART)
    }

    /// What comes next.
    pub(super) fn next(&mut self) -> Option<Filtered> {
        self.ready.pop_front()
    }

    fn release(&mut self) {
        let held = self.held.take();
        let events = held.into_iter().flat_map(|held| held.events);
        self.ready.extend(events.map(Filtered::Event));
    }

    fn end(&mut self, now: Instant) {
        let in_time = self.waits(now);
        self.answered = true;
        let held = self.held.take();
        let light = held.and_then(|held| is_light(held.text.strip_prefix(BEGINNING)?));
        if let Some(light) = light.filter(|_| in_time) {
            self.ready.push_back(Filtered::Light(light));
        }
    }
}

impl Held {
    fn take(&mut self, event: &Event) -> Part {
        let Event::Key(key) = event else {
            return Part::None;
        };
        let plain = key.modifiers.difference(KeyModifiers::SHIFT);
        if !self.open {
            self.open = key.code == KeyCode::Char(']') && plain.is_empty();
            self.escaped = false;
            return if self.open { Part::More } else { Part::None };
        }
        let begun = self.text.len() >= BEGINNING.len();
        let ends = match (key.code, plain) {
            (KeyCode::Char('\\'), KeyModifiers::ALT) => true,
            (KeyCode::Char('g'), KeyModifiers::CONTROL) => true,
            (KeyCode::Char('\\'), KeyModifiers::NONE) => self.escaped,
            _ => false,
        };
        if ends {
            return if begun { Part::End } else { Part::None };
        }
        if begun && key.code == KeyCode::Esc {
            self.escaped = true;
            return Part::More;
        }
        match key.code {
            KeyCode::Char(c) if plain.is_empty() && self.text.len() < MOST => {
                self.text.push(c);
                let fits = BEGINNING.starts_with(&self.text) || self.text.starts_with(BEGINNING);
                if fits { Part::More } else { Part::None }
            }
            // An answer that is out of order ends here.
            _ if begun => Part::End,
            _ => Part::None,
        }
    }
}

fn begins(event: &Event, code: KeyCode, modifiers: KeyModifiers) -> bool {
    let Event::Key(KeyEvent {
        code: own,
        modifiers: held,
        kind,
        ..
    }) = event
    else {
        return false;
    };
    *kind == KeyEventKind::Press && *own == code && *held == modifiers
}

/// Whether a colour is light: `rgb:` or `rgba:` with one to four hexadecimal digits for each part, or `#` and digits.
fn is_light(colour: &str) -> Option<bool> {
    let parts: Vec<&str> = if let Some(digits) = colour.strip_prefix('#') {
        let each = digits.len() / 3;
        if each == 0 || digits.len() % 3 != 0 || !digits.is_ascii() {
            return None;
        }
        vec![
            &digits[..each],
            &digits[each..2 * each],
            &digits[2 * each..],
        ]
    } else {
        let (kind, parts) = colour.split_once(':')?;
        let parts: Vec<&str> = parts.split('/').collect();
        let count = match kind {
            "rgb" => 3,
            "rgba" => 4,
            _ => return None,
        };
        if parts.len() != count {
            return None;
        }
        parts
    };
    let mut shares = parts.iter().take(3).map(|part| {
        let value = u16::from_str_radix(part, 16).ok()?;
        let most = 16u32.pow(part.len() as u32) - 1;
        Some(f64::from(value) / f64::from(most))
    });
    let (red, green, blue) = (shares.next()??, shares.next()??, shares.next()??);
    Some(0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(code, modifiers))
    }

    fn typed(text: &str) -> Vec<Event> {
        let of = |c: char| key(KeyCode::Char(c), KeyModifiers::NONE);
        text.chars().map(of).collect()
    }

    fn answer(text: &str) -> Vec<Event> {
        let mut events = vec![key(KeyCode::Char(']'), KeyModifiers::ALT)];
        events.extend(typed(text));
        events.push(key(KeyCode::Char('\\'), KeyModifiers::ALT));
        events
    }

    struct Typist {
        filter: AnswerFilter,
        now: Instant,
    }

    impl Typist {
        fn new() -> Self {
            let now = Instant::now();
            let mut filter = AnswerFilter::default();
            filter.asked(now);
            Self { filter, now }
        }

        fn wait(&mut self, ms: u64) -> &mut Self {
            self.now += Duration::from_millis(ms);
            self.filter.give_up(self.now);
            self
        }

        fn takes(&mut self, events: Vec<Event>) -> &mut Self {
            for event in events {
                self.filter.take(event, self.now);
            }
            self
        }

        /// What came out: characters as they are, the answer as `<light>` or `<dark>`.
        fn gives(&mut self) -> String {
            let mut said = String::new();
            while let Some(next) = self.filter.next() {
                match next {
                    Filtered::Light(light) => said += if light { "<light>" } else { "<dark>" },
                    Filtered::Event(Event::Key(key)) => match (key.code, key.modifiers) {
                        (KeyCode::Char(c), KeyModifiers::NONE) => said.push(c),
                        (KeyCode::Char(c), held) => write!(said, "({held:?} {c})").unwrap(),
                        (other, _) => write!(said, "({other:?})").unwrap(),
                    },
                    Filtered::Event(other) => write!(said, "{other:?}").unwrap(),
                }
            }
            said
        }
    }

    #[test]
    fn the_answer_is_taken_out_of_what_is_typed() {
        let mut typist = Typist::new();
        typist.takes(typed("rec"));
        typist
            .takes(answer("11;rgb:ffff/ffff/ffff"))
            .takes(typed("eipt"));
        assert_eq!(typist.gives(), "rec<light>eipt");
        for (colour, light) in [
            ("11;rgb:1c1c/1c1c/1c1c", "<dark>"),
            ("11;rgb:ff/fa/f0", "<light>"),
            ("11;rgba:0000/0000/0000/ffff", "<dark>"),
            ("11;#fdf6e3", "<light>"),
            ("11;rgb:f/f/f", "<light>"),
        ] {
            assert_eq!(
                Typist::new().takes(answer(colour)).gives(),
                light,
                "{colour}"
            );
        }
    }

    #[test]
    fn an_answer_in_parts_is_taken_out_too() {
        let mut typist = Typist::new();
        let mut parts = vec![key(KeyCode::Esc, KeyModifiers::NONE)];
        parts.extend(typed("]11;rgb:ffff/ffff/ffff"));
        parts.push(key(KeyCode::Esc, KeyModifiers::NONE));
        parts.extend(typed("\\"));
        assert_eq!(typist.takes(parts).gives(), "<light>");
        let mut bell = vec![key(KeyCode::Char(']'), KeyModifiers::ALT)];
        bell.extend(typed("11;rgb:0/0/0"));
        bell.push(key(KeyCode::Char('g'), KeyModifiers::CONTROL));
        assert_eq!(Typist::new().takes(bell).gives(), "<dark>");
    }

    #[test]
    fn what_says_nothing_of_use_is_taken_out() {
        for nonsense in [
            "11;rgb:zzzz/1/1",
            "11;",
            "11;what is this?",
            "11;rgb:1/2",
            "11;#12",
        ] {
            let mut typist = Typist::new();
            typist.takes(answer(nonsense)).takes(typed("x"));
            assert_eq!(typist.gives(), "x", "{nonsense}");
        }
        // One that never ends is over after a moment, and what is typed then is kept.
        let mut typist = Typist::new();
        let mut endless = answer("11;rgb:ffff/ffff/ffff");
        endless.pop();
        typist.takes(endless).wait(60).takes(typed("ok"));
        assert_eq!(typist.gives(), "<light>ok");
        let mut typist = Typist::new();
        typist.takes(answer(&format!("11;{}", "x".repeat(400))));
        assert!(typist.gives().len() < 200);
    }

    #[test]
    fn keys_are_given_on_as_they_were() {
        let mut typist = Typist::new();
        typist.takes(vec![key(KeyCode::Esc, KeyModifiers::NONE)]);
        assert_eq!(typist.gives(), "", "held for a moment");
        assert_eq!(typist.wait(60).gives(), "(Esc)");
        typist
            .takes(vec![key(KeyCode::Esc, KeyModifiers::NONE)])
            .takes(typed("]1x"));
        assert_eq!(typist.gives(), "(Esc)]1x");
        typist.takes(vec![key(KeyCode::Char(']'), KeyModifiers::ALT)]);
        let said = typist.takes(typed("a11;")).gives();
        assert!(said.ends_with("])a11;"), "{said}");
        typist.takes(vec![Event::FocusLost]);
        assert_eq!(typist.gives(), "FocusLost");
    }

    #[test]
    fn a_late_answer_changes_nothing_and_is_not_typed() {
        let mut typist = Typist::new();
        typist.wait(5_000).takes(typed("a"));
        typist
            .takes(answer("11;rgb:ffff/ffff/ffff"))
            .takes(typed("b"));
        assert_eq!(typist.gives(), "ab");
        assert!(!typist.filter.waits(typist.now));
        // An escape is not held back any more.
        typist.takes(vec![key(KeyCode::Esc, KeyModifiers::NONE)]);
        assert_eq!(typist.gives(), "(Esc)");
    }

    #[test]
    fn without_a_question_nothing_is_held() {
        let mut filter = AnswerFilter::default();
        filter.take(key(KeyCode::Char(']'), KeyModifiers::ALT), Instant::now());
        assert!(filter.next().is_some() && filter.due().is_none());
    }
}
