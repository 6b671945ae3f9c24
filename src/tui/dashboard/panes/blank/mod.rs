//! A view for tests: the least that a view has to be. It shows that a view is a folder and its line in
//! `with_views`: nothing else names it.

pub(crate) mod actions;

use super::pane::{Caption, Direction, Pane};
use super::pane_context::PaneContext;
use crate::plan::StepIx;
use crate::run::RunState;
use crate::tui::input::key::Key;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

pub(crate) const NAME: &str = "blank";
pub(crate) const KEY: Key = Key::char('B');

/// A view that shows the number of steps.
#[derive(Debug, Default)]
pub struct Blank {
    /// How often its own key was pressed.
    pub pressed: usize,
    top: i32,
}

impl Pane for Blank {
    fn go(&mut self, _: &RunState, selected: Option<StepIx>, to: Direction) -> Option<StepIx> {
        let at = selected.unwrap_or_default().at();
        Some(StepIx(at.saturating_add_signed(to.rows()) as u32))
    }

    fn first(&mut self) -> Option<StepIx> {
        Some(StepIx(0))
    }

    fn last(&mut self, run: &RunState) -> Option<StepIx> {
        run.steps.len().checked_sub(1).map(|at| StepIx(at as u32))
    }

    fn page(&mut self, _: &RunState, _: Option<StepIx>, pages: isize) -> Option<StepIx> {
        self.top += pages as i32;
        None
    }

    fn hit(&mut self, _: &RunState, _: Position) -> Option<StepIx> {
        Some(StepIx(0))
    }

    fn scroll(&mut self, _: Position, _: i32, rows: i32) {
        self.top += rows;
    }

    fn pan(&mut self, _: i32, rows: i32) {
        self.top += rows;
    }

    fn keep_visible(&mut self, _: Option<StepIx>) {}

    fn is_behind(&self) -> bool {
        false
    }

    fn draw(&mut self, buf: &mut Buffer, area: Rect, context: &PaneContext<'_>) -> Caption {
        let words = format!("{} steps, {} lines down", context.run.steps.len(), self.top);
        buf.set_string(area.x, area.y, words, context.theme.text);
        "nothing more".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use crate::plan::StepIx;
    use crate::tui::dashboard::message::Message;
    use crate::tui::dashboard::panes::View;
    use crate::tui::dashboard::state::model::Model;
    use crate::tui::dashboard::update::update;
    use crate::tui::dashboard::view::draw;
    use crate::tui::fixture;
    use crate::tui::terminal::screen::TerminalEvent;
    use crate::tui::theme::Theme;
    use crossterm::event::{
        KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
    };
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    fn press(model: &mut Model, key: char) {
        let key = KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE);
        update(model, Message::Terminal(TerminalEvent::Key(key)));
    }

    fn shown(model: &mut Model) -> String {
        let area = Rect::new(0, 0, 80, 24);
        let mut buf = Buffer::empty(area);
        draw(model, &mut buf, area);
        fixture::text(&buf)
    }

    #[test]
    fn a_view_is_a_folder_and_a_line() {
        let mut model = Model::new("p", Theme::default(), false, (80, 24));
        model.run = fixture::chain(3);
        press(&mut model, 'B');
        assert_eq!(model.view, View::Blank);
        let screen = shown(&mut model);
        assert!(screen.contains("3 steps, 0 lines down"), "{screen}");
        assert!(screen.contains("nothing more"), "{screen}");
        assert!(screen.contains("blank"), "its name stands in the border");
        press(&mut model, 'G');
        assert_eq!(model.selected, Some(StepIx(2)));
        press(&mut model, 'k');
        assert_eq!(model.selected, Some(StepIx(1)));
        press(&mut model, 't');
        assert_eq!(model.panes.blank.pressed, 1, "an action of its own");
        let click = MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column: 3,
            row: 5,
            modifiers: KeyModifiers::NONE,
        };
        update(&mut model, Message::Terminal(TerminalEvent::Mouse(click)));
        assert_eq!(model.selected, Some(StepIx(0)));
        press(&mut model, 'B');
        assert_eq!(model.view, View::Graph, "its key goes back to the graph");
    }
}
