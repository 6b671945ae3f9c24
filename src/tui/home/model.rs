//! The state of the home screen.

use super::item::{Detail, PlanDetail, PlanItem, PlanPlace, RunItem, Standing};
use super::planning::Planning;
use super::preview::Preview;
use super::row::Row;
use crate::tui::input::keymap::Keymap;
use crate::tui::input::palette::Palette;
use crate::tui::input::registry::WithPalette;
use crate::tui::input::text_field::Field;
use crate::tui::theme::Theme;
use crate::tui::theme::choice::ThemeChoice;
use crate::tui::theme::look::Look;
use crate::units::Micros;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// How often the times since the runs started are looked at.
const LOOK_EVERY: Micros = Micros(30_000_000);
/// How soon a layout that is being worked out is looked for.
const LAYOUT_IN: Micros = Micros(33_000);
/// How often the time that a planner has taken is brought up to date.
const SECOND: Micros = Micros(1_000_000);
/// Seconds between two reads of the runs while one is running.
const READ_EVERY: i64 = 2;
/// Most details kept in memory.
pub(super) const DETAILS: usize = 500;

/// What was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Run this plan.
    Open(PlanPlace),
    /// Put the sample back as it comes with the program, then run it.
    Restore(Arc<str>),
    /// Resume this run.
    Resume(Arc<str>),
    /// Show this run as it ended, or as far as it got.
    Look(Arc<str>),
    /// Show this batch.
    Batch(Arc<str>),
    /// Fork this run: a new run that reuses what succeeded.
    Fork(Arc<str>),
    /// Replay this run at its original speed.
    Play(Arc<str>),
    /// Run the plan in this file, which a planner made for these catalogs.
    RunMade {
        /// The plan.
        plan: PathBuf,
        /// The catalogs.
        tools: Vec<PathBuf>,
    },
}

/// Everything the home screen knows.
#[derive(Debug)]
pub struct Model {
    /// Earlier runs, newest first.
    pub runs: Vec<RunItem>,
    /// The plans of this folder.
    pub plans: Vec<PlanItem>,
    /// The samples.
    pub samples: Vec<PlanItem>,
    /// What is known of runs beyond the list.
    pub details: HashMap<Arc<str>, Detail>,
    /// The runs in the order of the list, forks below their parents, each with how deep it stands there.
    pub(super) tree: Vec<(usize, u8)>,
    /// The same by the run's place.
    pub(super) depths: Vec<u8>,
    /// What is known of plans beyond the list.
    pub(super) plan_details: HashMap<PlanPlace, PlanDetail>,
    /// The plan whose detail was last asked for.
    pub(super) wanted_plan: Option<PlanPlace>,
    /// The picture of the selected plan, and whose it is.
    pub(super) preview: Preview,
    pub(super) preview_of: Option<PlanPlace>,
    /// Whether the runs have not been read yet.
    pub reading: bool,
    /// Why the runs cannot be read.
    pub fault: Option<String>,
    /// What was typed.
    pub field: Field,
    /// What of the list fits it.
    pub rows: Vec<Row>,
    /// The selected row.
    pub selected: usize,
    /// The first row that is shown.
    pub top: usize,
    /// The rows that were shown when the list was last drawn.
    pub height: usize,
    /// Whether the user has pressed a key or used the mouse.
    pub touched: bool,
    /// The list of actions, where it is open.
    pub palette: Option<Palette>,
    /// Why what was chosen before could not be opened, until a key is pressed; scrolled by so many lines.
    pub trouble: Option<(String, usize)>,
    /// A plan that is being made.
    pub planning: Option<Planning>,
    /// A notice to the user, until the next key.
    pub notice: Option<String>,
    /// The present, in seconds since 1970.
    pub now: i64,
    /// When the runs were last asked for.
    pub(super) asked: i64,
    /// The run whose detail was last asked for.
    pub(super) wanted: Option<Arc<str>>,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// The list of themes, where it is open.
    pub themes: Option<ThemeChoice>,
    /// Where the theme comes from.
    pub look: Look,
    /// The keys of actions.
    pub keymap: Arc<Keymap>,
    /// Styles and shapes.
    pub theme: Theme,
    /// Whether the screen is behind the model.
    pub dirty: bool,
}

impl Model {
    /// A home screen before the first answer.
    pub fn new(theme: Theme, size: (u16, u16), now: i64) -> Self {
        Self {
            runs: Vec::new(),
            plans: Vec::new(),
            samples: Vec::new(),
            details: HashMap::new(),
            tree: Vec::new(),
            depths: Vec::new(),
            plan_details: HashMap::new(),
            wanted_plan: None,
            preview: Preview::default(),
            preview_of: None,
            reading: true,
            fault: None,
            field: Field::default(),
            rows: Vec::new(),
            selected: 0,
            top: 0,
            height: 0,
            touched: false,
            palette: None,
            trouble: None,
            planning: None,
            notice: None,
            now,
            asked: now,
            wanted: None,
            size,
            themes: None,
            look: Look::of(theme.clone()),
            keymap: Arc::default(),
            theme,
            dirty: true,
        }
    }

    /// Whether a run is running, so that its figures change.
    fn any_running(&self) -> bool {
        let mut runs = self.runs.iter();
        runs.any(|run| run.standing == Standing::Running)
    }

    /// Whether the runs are to be read again.
    pub(super) fn is_stale(&self) -> bool {
        self.any_running() && self.now >= self.asked + READ_EVERY
    }

    /// In how long the screen is to be looked at again without anything happening.
    pub fn wake_in(&self) -> Option<Micros> {
        if self.themes.is_some() {
            return Some(SECOND);
        }
        if let Some(planning) = &self.planning {
            if planning.preview.is_behind() {
                return Some(LAYOUT_IN);
            }
            if planning.working {
                return Some(SECOND);
            }
        }
        if self.preview.is_behind() {
            return Some(LAYOUT_IN);
        }
        if self.any_running() {
            return Some(Micros(READ_EVERY as u64 * 1_000_000));
        }
        (!self.runs.is_empty()).then_some(LOOK_EVERY)
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
