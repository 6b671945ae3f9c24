//! The inspector: which page it shows, how far it is scrolled, and what of a value is folded.

use crate::plan::StepIx;
use crate::tui::widgets::tree::JsonTree;
use ratatui::layout::Rect;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// How many trees remember what was folded.
const TREES: usize = 200;

/// The pages of the inspector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tab {
    /// State, times, cost, neighbours.
    #[default]
    Overview,
    /// The parameters.
    Input,
    /// Its output.
    Output,
    /// What a model was asked and answered, or the request and the response.
    Prompt,
    /// Every try, with what the tool said.
    Attempts,
    /// Why it failed, or why it was skipped.
    Error,
}

impl Tab {
    /// Every tab, in order.
    pub const ALL: [Self; 6] = [
        Self::Overview,
        Self::Input,
        Self::Output,
        Self::Prompt,
        Self::Attempts,
        Self::Error,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Input => "input",
            Self::Output => "output",
            Self::Prompt => "prompt",
            Self::Attempts => "attempts",
            Self::Error => "error",
        }
    }

    /// Its name where there is less room.
    pub const fn medium(self) -> &'static str {
        match self {
            Self::Attempts => "tries",
            other => other.name(),
        }
    }

    /// Its name where there is little room.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Overview => "over",
            Self::Input => "in",
            Self::Output => "out",
            Self::Prompt => "ask",
            Self::Attempts => "tries",
            Self::Error => "err",
        }
    }

    /// The tab `by` places on, going around.
    #[must_use]
    pub fn step(self, by: usize) -> Self {
        Self::ALL[(self as usize + by) % Self::ALL.len()]
    }
}

/// The inspector's own state.
#[derive(Debug, Default)]
pub struct Inspector {
    /// The page shown.
    pub tab: Tab,
    /// Whether the run as a whole is shown instead of a step.
    pub of_run: bool,
    /// Whether values are shown as text instead of a tree.
    pub raw: bool,
    /// Whether the prompt page shows raw bodies.
    pub bodies: bool,
    /// Lines scrolled down, on pages of text.
    pub scroll: usize,
    /// Lines of the page and of the pane when it was last drawn.
    pub extent: (usize, usize),
    /// Where the text of the page was last drawn.
    pub(crate) page_area: Rect,
    trees: HashMap<(StepIx, Tab), JsonTree>,
    /// The tree that was looked at last.
    last_tree: Option<(StepIx, Tab)>,
    /// The value of that tree. An input that shares parts with outputs is copied to be shown: once, not for every frame.
    shown: Option<Arc<Value>>,
}

impl Inspector {
    /// What is folded and selected in the tree of `value` on this page.
    pub(crate) fn tree(&mut self, step: StepIx, value: &Arc<Value>) -> &mut JsonTree {
        let key = (step, self.tab);
        self.shown = Some(Arc::clone(value));
        if let Some(last) = self.last_tree.replace(key)
            && last != key
            && let Some(tree) = self.trees.get_mut(&last)
        {
            tree.put_away();
        }
        if self.trees.len() >= TREES && !self.trees.contains_key(&key) {
            self.trees.clear();
        }
        self.trees
            .entry(key)
            .or_insert_with(|| JsonTree::new(value))
    }

    /// Scrolls text by `lines`, within the page.
    pub fn scroll_by(&mut self, lines: isize) {
        let (total, height) = self.extent;
        let most = total.saturating_sub(height);
        self.scroll = self.scroll.saturating_add_signed(lines).min(most);
    }
}
