//! The dashboard on a screen in memory: keys go through the real `update`, frames through the real `view`.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEvent, MouseEventKind};
use plandeck::run::RunEvent;
use plandeck::tui::{Effect, Message, Model, TerminalEvent, Theme, update, view};
use plandeck::units::Micros;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// A dashboard and what it asked for.
pub(crate) struct Screen {
    pub model: Model,
    pub effects: Vec<Effect>,
    terminal: Terminal<TestBackend>,
}

#[allow(dead_code, reason = "every test program uses a part of it")]
impl Screen {
    /// A dashboard of this size that has taken in `events`.
    pub(crate) fn new(columns: u16, rows: u16, events: Vec<RunEvent>) -> Self {
        let model = Model::new("plan", Theme::default(), false, (columns, rows));
        let terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a screen in memory");
        let mut screen = Self {
            model,
            effects: Vec::new(),
            terminal,
        };
        screen.send(Message::Events(events));
        screen.draw();
        screen
    }

    /// Sends a message.
    pub(crate) fn send(&mut self, message: Message) {
        self.effects.extend(update(&mut self.model, message));
    }

    /// Lets it be `ms` milliseconds after the start of the run.
    pub(crate) fn at(mut self, ms: u64) -> Self {
        self.send(Message::Tick(Micros(ms * 1000)));
        self
    }

    /// Presses keys, written as `j j enter ? ctrl-c`, a frame after each.
    pub(crate) fn keys(mut self, keys: &str) -> Self {
        self.press(keys);
        self
    }

    /// The same in place.
    pub(crate) fn press(&mut self, keys: &str) {
        for key in keys.split_whitespace() {
            self.send(Message::Terminal(TerminalEvent::Key(parse(key))));
            self.draw();
        }
    }

    /// Does something with the mouse at a column and a row, and draws a frame.
    pub(crate) fn mouse(&mut self, kind: MouseEventKind, (column, row): (u16, u16)) {
        self.send(Message::Terminal(TerminalEvent::Mouse(MouseEvent {
            kind,
            column,
            row,
            modifiers: KeyModifiers::NONE,
        })));
        self.draw();
    }

    /// Gives the screen another size and draws a frame.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        self.terminal.backend_mut().resize(columns, rows);
        self.send(Message::Terminal(TerminalEvent::Resize(columns, rows)));
        self.draw();
    }

    /// Draws a frame.
    pub(crate) fn draw(&mut self) {
        let model = &mut self.model;
        self.terminal
            .draw(|frame| view(model, frame))
            .expect("a screen in memory");
    }

    /// The screen as text.
    pub(crate) fn text(&mut self) -> String {
        self.draw();
        self.terminal.backend().to_string()
    }

    /// The cells.
    pub(crate) fn buffer(&mut self) -> &ratatui::buffer::Buffer {
        self.draw();
        self.terminal.backend().buffer()
    }
}

/// A key by its name.
#[allow(dead_code, reason = "every test program uses a part of it")]
pub(crate) fn parse(key: &str) -> KeyEvent {
    let (modifiers, name) = match key.strip_prefix("ctrl-") {
        Some(name) => (KeyModifiers::CONTROL, name),
        None => (KeyModifiers::NONE, key),
    };
    let code = match name {
        "space" => KeyCode::Char(' '),
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "backspace" => KeyCode::Backspace,
        "delete" => KeyCode::Delete,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "pageup" => KeyCode::PageUp,
        "pagedown" => KeyCode::PageDown,
        name => KeyCode::Char(name.chars().next().expect("a key")),
    };
    KeyEvent::new(code, modifiers)
}
