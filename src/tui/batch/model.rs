//! The state of the view of a batch.

use super::heat::Heat;
use super::order::{Filter, Sort, order};
use super::window::Window;
use crate::run::{BatchEntry, BatchState};
use crate::tui::input::keymap::Keymap;
use crate::tui::input::palette::Palette;
use crate::tui::input::registry::WithPalette;
use crate::tui::input::text_field::Field;
use crate::tui::theme::Theme;
use crate::tui::theme::look::Look;
use crate::units::Micros;
use ratatui::layout::Rect;
use std::sync::Arc;

/// The least time between two sorts while figures change, in milliseconds.
const SORT_EVERY: i64 = 500;
/// How often the time is looked at.
const LOOK_EVERY: Micros = Micros(1_000_000);

/// What the keys move in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// The items.
    #[default]
    Items,
    /// The groups of failures.
    Failures,
}

/// What the user is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Whether the batch is to be stopped, so that it can be left.
    Stop,
}

/// Everything the view of a batch knows.
#[allow(clippy::struct_excessive_bools, reason = "each is a matter of its own")]
#[derive(Debug)]
pub struct Model {
    /// The batch.
    pub state: BatchState,
    /// What the cells stand for.
    pub heat: Heat,
    /// What the items are sorted by.
    pub sort: Sort,
    /// Which of them are shown.
    pub filter: Filter,
    /// What was typed to find items by their keys.
    pub field: Field,
    /// Whether keys go into it.
    pub typing: bool,
    /// The items that are shown, in their order.
    pub order: Vec<u32>,
    /// Which part of them is in view.
    pub window: Window,
    /// The chosen step.
    pub step: Option<usize>,
    /// The first step in view.
    pub(super) first_step: usize,
    /// What the keys move in.
    pub focus: Focus,
    /// The chosen group of failures, by its place in the list.
    pub group: usize,
    /// The list of actions, where it is open.
    pub palette: Option<Palette>,
    /// How the batch differs from the one before it, scrolled by so many lines.
    pub compared: Option<(String, usize)>,
    /// What the user is asked.
    pub question: Option<Question>,
    /// A notice to the user, until the next key.
    pub notice: Option<String>,
    /// Why the batch cannot be read.
    pub fault: Option<String>,
    /// Whether it is not read to its present end yet.
    pub reading: bool,
    /// Whether this process runs the batch, so that leaving asks whether to stop it.
    pub owned: bool,
    /// Whether the batch was asked to stop.
    pub stopping: bool,
    /// Whether leaving leads back to the home screen.
    pub from_home: bool,
    /// The present, in milliseconds since 1970.
    pub now: i64,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Where the theme comes from.
    pub look: Look,
    /// The keys of actions.
    pub keymap: Arc<Keymap>,
    /// Styles and shapes.
    pub theme: Theme,
    /// The most cells that names of items in this order have needed, with their signs.
    pub(super) label: u16,
    /// Where the rows of the items were drawn last.
    pub(super) rows_area: Rect,
    /// Where the groups of failures were drawn last, and the first in view.
    pub(super) groups_area: Rect,
    pub(super) first_group: usize,
    /// The version of the state, the settings and the time for which the items were ordered.
    ordered: Option<(u64, OrderedBy, i64)>,
    /// Whether the screen is behind the model.
    pub dirty: bool,
}

type OrderedBy = (Sort, Option<usize>, Filter, String);

impl Model {
    /// A view before anything was read.
    pub fn new(theme: Theme, size: (u16, u16), now: i64) -> Self {
        Self {
            state: BatchState::default(),
            heat: Heat::default(),
            sort: Sort::default(),
            filter: Filter::default(),
            field: Field::default(),
            typing: false,
            order: Vec::new(),
            window: Window::default(),
            step: None,
            first_step: 0,
            focus: Focus::default(),
            group: 0,
            palette: None,
            compared: None,
            question: None,
            notice: None,
            fault: None,
            reading: true,
            owned: false,
            stopping: false,
            from_home: false,
            now,
            size,
            look: Look::of(theme.clone()),
            keymap: Arc::default(),
            theme,
            label: 0,
            rows_area: Rect::ZERO,
            groups_area: Rect::ZERO,
            first_group: 0,
            ordered: None,
            dirty: true,
        }
    }

    /// Brings the order of the items up to date; while figures change, now and then, so that nothing jumps about.
    pub(super) fn keep_order(&mut self) {
        let text = self.field.text().to_owned();
        let by: OrderedBy = (self.sort, self.step, self.filter, text);
        let version = self.state.version;
        let (mut kept, mut same_items) = (None, false);
        if let Some((known, same, at)) = &self.ordered {
            same_items = *same == by;
            let rests = self.sort == Sort::Input && self.filter == Filter::All;
            let is_due = rests || self.now - at >= SORT_EVERY || self.reading;
            if same_items && (*known == version || !is_due) {
                return;
            }
            kept = self.order.get(self.window.chosen).copied();
        }
        self.order = order(&self.state, (by.0, by.1), by.2, &by.3);
        if !same_items {
            self.label = 0;
        }
        self.ordered = Some((version, by, self.now));
        if same_items && self.window.chosen > 0 {
            // What is chosen stays chosen, wherever it stands now.
            let place = kept.and_then(|item| self.order.iter().position(|at| *at == item));
            self.window.chosen = place.unwrap_or(self.window.chosen);
        }
    }

    /// Whether the order is behind, and will be looked at again soon.
    fn is_order_behind(&self) -> bool {
        let known = self.ordered.as_ref().map(|(version, ..)| *version);
        known != Some(self.state.version)
    }

    /// The chosen item, where one and not several are chosen.
    pub fn item(&self) -> Option<(usize, &BatchEntry)> {
        let span = self.window.chosen_span();
        if span.len() != 1 {
            return None;
        }
        let at = *self.order.get(span.start)? as usize;
        Some((at, self.state.items().get(at)?))
    }

    /// The number of the chosen group of failures.
    pub(super) fn chosen_group(&self) -> Option<u32> {
        let groups = self.state.failures();
        groups.get(self.group).map(|(number, _)| *number)
    }

    /// In how long the screen is to be looked at again without anything happening.
    pub fn wake_in(&self) -> Option<Micros> {
        let changes = self.state.header.live || self.is_order_behind();
        changes.then_some(LOOK_EVERY)
    }
}

impl WithPalette for Model {
    fn palette(&mut self) -> &mut Option<Palette> {
        &mut self.palette
    }

    fn notice(&mut self) -> &mut Option<String> {
        &mut self.notice
    }

    fn is_listing(&self) -> bool {
        self.palette.is_some()
    }
}
