//! The details of the selected run or plan.

use super::super::item::{Detail, PlanDetail, PlanItem, PlanPlace, RunItem, Standing};
use super::super::list::Selected;
use super::super::model::Model;
use super::list::{ago, look};
use crate::run::StepStatus;
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

/// The fewest rows of a picture, and the most that facts leave to it where there is less room than both want.
const PICTURE: u16 = 5;
/// The most runs of a plan whose times are drawn, and those that are drawn where there is little room.
const RUNS: usize = 24;
const FEW: usize = 5;

/// Draws the details into `area`.
pub(super) fn draw(model: &mut Model, buf: &mut Buffer, area: Rect) {
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
        Some(Selected::Plan(plan)) => page.plan(model, plan),
        None => page.nothing(model),
    }
    let has_picture = !model.preview.is_empty() && inner.height >= 2 * PICTURE;
    let most = if has_picture {
        inner.height - PICTURE - 1
    } else {
        inner.height
    };
    let lines = page.lines;
    let shown = (lines.len() as u16).min(most);
    for (row, line) in lines.iter().take(shown as usize).enumerate() {
        buf.set_line(inner.x, inner.y + row as u16, line, inner.width);
    }
    if has_picture {
        let picture = Rect {
            y: inner.y + shown + 1,
            height: inner.height - shown - 1,
            ..inner
        };
        let Model { preview, theme, .. } = model;
        preview.draw(buf, picture, theme);
    }
}

/// The times of the latest runs of a plan, the oldest first, each as high as it was long and in the colour of its end;
/// below them what is usual.
fn latest_runs(model: &Model, plan: &str, width: usize) -> Vec<Line<'static>> {
    const BLOCKS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    let theme = &model.theme;
    let of_plan = model.runs.iter();
    let of_plan = of_plan.filter(|run| *run.plan == *plan && !run.is_batch);
    let room = width.saturating_sub(NAME + " 99/99 v, 99m ago".len());
    let mut runs: Vec<&RunItem> = of_plan.take(room.clamp(FEW, RUNS)).collect();
    let Some(newest) = runs.first().map(|run| run.started) else {
        return Vec::new();
    };
    runs.reverse();
    let most = runs.iter().map(|run| run.took.0).max().unwrap_or(0).max(1);
    let mut spans = vec![Span::styled(text::pad("runs", NAME), theme.dim)];
    for run in &runs {
        let level = (run.took.0 * 7).div_ceil(most) as usize;
        let style = look(theme, run.standing).style;
        spans.push(Span::styled(BLOCKS[level.min(7)], style));
    }
    let good = runs
        .iter()
        .filter(|run| run.standing == Standing::Succeeded);
    let mut times: Vec<_> = good.map(|run| run.took).collect();
    times.sort_unstable();
    let good = theme.status(StepStatus::Succeeded);
    let words = format!(" {}/{} ", times.len(), runs.len());
    spans.push(Span::styled(words, theme.text));
    spans.push(Span::styled(good.glyph, good.style));
    let words = format!(", {}", ago(model.now, newest));
    spans.push(Span::styled(words, theme.dim));
    let mut lines = vec![Line::from(spans)];
    if let Some(usual) = times.get(times.len() / 2) {
        let words = format!("{}usually {}", " ".repeat(NAME), format::duration(*usual));
        lines.push(Line::styled(words, theme.dim));
    }
    lines
}

/// The tools, those of most steps first, as many as about two lines take.
fn tools_in_words(detail: &PlanDetail, width: usize) -> String {
    let room = 2 * width.saturating_sub(NAME);
    let mut words = String::new();
    for (at, tool) in detail.tools.iter().enumerate() {
        let steps = match tool.steps {
            1 => String::new(),
            steps => format!(" ×{steps}"),
        };
        let next = format!("{}{steps} ({})", tool.name, tool.kind);
        if at > 0 && text::width(&words) + text::width(&next) > room {
            let more = detail.tools.len() - at;
            return format!("{words} and {more} more");
        }
        if at > 0 {
            words.push_str(", ");
        }
        words.push_str(&next);
    }
    words
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
        if run.is_batch {
            self.words(
                "A batch: one plan with many contexts. Enter shows its items and their steps.",
                theme.dim,
                2,
            );
        } else if run.standing == Standing::Interrupted {
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
        if !run.is_batch {
            self.fact("took", &format::duration(run.took), theme.text);
        }
        let cost = run
            .cost
            .map_or_else(|| "unknown".to_owned(), |cost| cost.to_string());
        self.fact("cost", &cost, theme.text);
        let of = format::thousands;
        let steps = format!("{} of {} done", of(run.done), of(run.steps));
        let name = if run.is_batch { "items" } else { "steps" };
        self.fact(name, &steps, theme.text);
        if run.failed > 0 {
            self.fact("failed", &of(run.failed), theme.bad);
        }
        if !run.worker.is_empty() {
            self.fact("worker", &run.worker, theme.text);
        }
        let name = if run.is_batch { "batch" } else { "run" };
        self.fact(name, &run.run_id, theme.dim);
        if let Some(before) = &run.resumed_from {
            self.fact("resumed", &format!("from {before}"), theme.dim);
        }
        if let Some(before) = &run.forked_from {
            self.fact("fork of", before, theme.dim);
        }
        self.lines.extend(latest_runs(model, &run.plan, self.width));
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

    fn plan(&mut self, model: &Model, plan: &PlanItem) {
        let theme = self.theme;
        if !plan.about.is_empty() {
            self.words(&plan.about, theme.text, 6);
            self.gap();
        }
        let detail = model.plan_details.get(&plan.place);
        if let Some(fault) = detail.and_then(|detail| detail.fault.as_ref()) {
            self.words(fault, theme.bad, 5);
            self.gap();
        }
        let steps = format::thousands(plan.steps as u64);
        self.fact("steps", &format!("{steps}, {}", plan.dialect), theme.text);
        match detail.filter(|detail| detail.fault.is_none()) {
            Some(detail) => {
                let tools = tools_in_words(detail, self.width);
                self.fact("tools", &tools, theme.text);
                self.fact("a run", &detail.price, theme.text);
                if !detail.needs.is_empty() {
                    let needs = format!("{}: give --context NAME=VALUE", detail.needs.join(", "));
                    self.fact("needs", &needs, theme.warning);
                }
            }
            None if detail.is_none() => self.fact("tools", "reading…", theme.dim),
            None => {}
        }
        match &plan.place {
            PlanPlace::File(_) => self.fact("file", &plan.shown, theme.dim),
            PlanPlace::Sample(_) => {
                self.fact("files", "of the program; yours once you run it", theme.dim);
            }
        }
        self.lines
            .extend(latest_runs(model, &plan.name, self.width));
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
