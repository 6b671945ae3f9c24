//! The details of the selected run or plan.

use super::super::item::{Detail, PlanItem, PlanPlace, RunItem, Standing};
use super::super::list::Selected;
use super::super::model::Model;
use super::list::{ago, look};
use crate::text::{self, format};
use crate::tui::theme::Theme;
use crate::tui::widgets::frame::frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Width of the label column, in cells.
const NAME: usize = 11;
/// Most failed or running steps that are named.
const FAILURES: usize = 8;

/// Draws the details into `area`.
pub(super) fn draw(model: &Model, buf: &mut Buffer, area: Rect) {
    let theme = &model.theme;
    let name = match model.selected() {
        Some(Selected::Run(run)) => &*run.plan,
        Some(Selected::Plan(plan)) => &*plan.name,
        None => "",
    };
    let title = format!(
        " {} ",
        text::fit(name, area.width.saturating_sub(6) as usize)
    );
    let title = if name.is_empty() {
        String::new()
    } else {
        title
    };
    let inner = frame(theme, buf, area, false, Line::from(title), Line::default());
    let inner = Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    };
    if inner.is_empty() {
        return;
    }
    let mut page = Page {
        theme,
        width: inner.width as usize,
        lines: Vec::new(),
    };
    match model.selected() {
        Some(Selected::Run(run)) => page.run(model, run),
        Some(Selected::Plan(plan)) => page.plan(plan),
        None => page.nothing(model),
    }
    for (row, line) in page.lines.iter().take(inner.height as usize).enumerate() {
        buf.set_line(inner.x, inner.y + row as u16, line, inner.width);
    }
}

struct Page<'a> {
    theme: &'a Theme,
    width: usize,
    lines: Vec<Line<'static>>,
}

impl Page<'_> {
    fn gap(&mut self) {
        self.lines.push(Line::default());
    }

    fn words(&mut self, words: &str, style: Style, most: usize) {
        let wrapped = text::wrap(words, self.width, most);
        let lines = wrapped.lines.into_iter();
        self.lines
            .extend(lines.map(|line| Line::styled(line, style)));
    }

    fn fact(&mut self, name: &str, value: &str, style: Style) {
        let column = NAME.min(self.width / 2);
        let room = self.width.saturating_sub(column);
        for (at, line) in text::wrap(value, room, 3).lines.into_iter().enumerate() {
            let name = if at == 0 { name } else { "" };
            self.lines.push(Line::from(vec![
                Span::styled(text::pad(name, column), self.theme.dim),
                Span::styled(line, style),
            ]));
        }
    }

    fn run(&mut self, model: &Model, run: &RunItem) {
        let theme = self.theme;
        let look = look(theme, run.standing);
        let detail = model.details.get(&run.run_id);
        let mut head = vec![
            Span::styled(look.glyph, look.style),
            Span::raw(" "),
            Span::styled(run.standing.word(), look.style),
        ];
        if detail.is_some_and(|detail| detail.simulated) {
            head.push(Span::raw("  "));
            head.push(Span::styled(" SIMULATED ", theme.badge));
        }
        self.lines.push(Line::from(head));
        if run.standing == Standing::Interrupted {
            self.words(
                "Its process is gone. Enter resumes it: finished steps are not run again.",
                theme.warning,
                3,
            );
        }
        self.gap();
        let since = ago(model.now, run.started);
        self.fact(
            "started",
            &format!("{}, {since}", run.started_at),
            theme.text,
        );
        self.fact("took", &format::duration(run.took), theme.text);
        let cost = run
            .cost
            .map_or_else(|| "unknown".to_owned(), |cost| cost.to_string());
        self.fact("cost", &cost, theme.text);
        let steps = format!("{} of {} done", run.done, run.steps);
        self.fact("steps", &steps, theme.text);
        if run.failed > 0 {
            self.fact("failed", &run.failed.to_string(), theme.bad);
        }
        if !run.worker.is_empty() {
            self.fact("worker", &run.worker, theme.text);
        }
        self.fact("run", &run.run_id, theme.dim);
        if let Some(before) = &run.resumed_from {
            self.fact("resumed", &format!("from {before}"), theme.dim);
        }
        if let Some(before) = &run.forked_from {
            self.fact("forked", &format!("from {before}"), theme.dim);
        }
        if let Some(detail) = detail {
            self.detail(detail);
        }
    }

    fn detail(&mut self, detail: &Detail) {
        let theme = self.theme;
        if let Some(path) = &detail.plan_path {
            self.fact("plan", path, theme.dim);
        }
        if let Some(fault) = &detail.fault {
            self.gap();
            self.words(fault, theme.warning, 4);
        }
        if !detail.running.is_empty() {
            self.gap();
            let look = theme.status(crate::run::StepStatus::Unknown);
            for id in detail.running.iter().take(FAILURES) {
                let words = format!("{} {id} was running", look.glyph);
                self.words(&words, look.style, 2);
            }
        }
        if !detail.failed.is_empty() {
            self.gap();
            for (id, why) in detail.failed.iter().take(FAILURES) {
                self.words(&format!("✖ {id}"), theme.bad, 1);
                self.words(why, theme.text, 3);
            }
            let more = detail.failed.len().saturating_sub(FAILURES);
            if more > 0 {
                self.words(&format!("and {more} more"), theme.dim, 1);
            }
        }
    }

    fn plan(&mut self, plan: &PlanItem) {
        let theme = self.theme;
        if !plan.about.is_empty() {
            self.words(&plan.about, theme.text, 8);
            self.gap();
        }
        self.fact("steps", &format::thousands(plan.steps as u64), theme.text);
        self.fact("format", &plan.dialect, theme.text);
        match &plan.place {
            PlanPlace::File(_) => self.fact("file", &plan.shown, theme.dim),
            PlanPlace::Sample(_) => {
                self.gap();
                self.words(
                    "A self-contained sample: no model, API key or network needed. Its files are written \
                     when you run it, and are yours to change.",
                    theme.dim,
                    6,
                );
                self.fact("files", &plan.shown, theme.dim);
            }
        }
    }

    fn nothing(&mut self, model: &Model) {
        if !model.field.is_empty() {
            return;
        }
        self.words(
            "Type to filter, choose with the arrows, open with enter.",
            self.theme.dim,
            3,
        );
    }
}
