//! The home screen, from its answers and typed keys.

use crate::common::screen::parse;
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use plandeck::tui::home::{
    Answer, Choice, Detail, Effect, MadePlan, MadeStep, Message, Model, PlanDetail, PlanItem,
    PlanPlace, PlanRequest, PlanningAnswer, Request, RunItem, Standing, ToolOfPlan, update, view,
};
use plandeck::tui::{Outcome, Palette, TerminalEffect, TerminalEvent, Theme};
use plandeck::units::{Micros, Money};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::path::PathBuf;

const NOW: i64 = 1_795_698_000;
const SIZES: [(u16, u16); 4] = [(80, 24), (120, 36), (200, 60), (40, 10)];

struct Home {
    model: Model,
    effects: Vec<Effect>,
    terminal: Terminal<TestBackend>,
}

impl Home {
    fn new(columns: u16, rows: u16) -> Self {
        Self {
            model: Model::new(Theme::default(), (columns, rows), NOW),
            effects: Vec::new(),
            terminal: Terminal::new(TestBackend::new(columns, rows)).unwrap(),
        }
    }

    fn with(mut self, answers: Vec<Answer>) -> Self {
        for answer in answers {
            self.send(Message::Answer(answer));
        }
        self.draw();
        self
    }

    fn send(&mut self, message: Message) {
        self.effects.extend(update(&mut self.model, message));
    }

    fn press(&mut self, keys: &str) {
        for key in keys.split_whitespace() {
            self.send(Message::Terminal(TerminalEvent::Key(parse(key))));
            self.draw();
        }
    }

    fn draw(&mut self) {
        let model = &mut self.model;
        self.terminal.draw(|frame| view(model, frame)).unwrap();
    }

    fn text(&mut self) -> String {
        self.draw();
        self.terminal.backend().to_string()
    }

    /// The last thing that was chosen.
    fn chosen(&mut self) -> Option<Choice> {
        let effects = std::mem::take(&mut self.effects);
        effects.into_iter().rev().find_map(|effect| match effect {
            Effect::Choose(choice) => Some(choice),
            _ => None,
        })
    }
}

fn run(number: u64, plan: &str, standing: Standing) -> RunItem {
    let (done, failed) = match standing {
        Standing::Succeeded => (8, 0),
        Standing::Failed => (5, 2),
        _ => (3, 0),
    };
    RunItem {
        run_id: format!("0199c0de-0000-7000-8000-{number:012}").into(),
        plan: plan.into(),
        standing,
        started: NOW - number as i64 * 1_700,
        started_at: "2026-11-26 12:00:00".into(),
        took: Micros(1_240_000 * number),
        cost: (number != 3).then(|| Money::from_usd(0.0021 * number as f64)),
        done,
        failed,
        steps: 8,
        worker: "openai/gpt-4o-mini".into(),
        resumed_from: (number == 5).then(|| "0199c0de-0000-7000-8000-000000000009".into()),
        forked_from: None,
        is_batch: false,
    }
}

fn runs() -> Vec<RunItem> {
    vec![
        run(1, "receipt", Standing::Succeeded),
        run(2, "payroll", Standing::Interrupted),
        run(3, "mend", Standing::Failed),
        run(4, "tickets", Standing::Cancelled),
        run(5, "invoice", Standing::Running),
        run(6, "research", Standing::LimitExceeded),
        run(7, "payroll", Standing::Continued),
    ]
}

fn plan(name: &str, steps: usize) -> PlanItem {
    PlanItem {
        name: name.into(),
        place: PlanPlace::File(PathBuf::from(format!("/home/me/{name}/plan.yaml"))),
        shown: format!("{name}/plan.yaml").into(),
        dialect: "ToolWeaver plan".into(),
        steps,
        about: "".into(),
    }
}

fn sample(name: &str, about: &str) -> PlanItem {
    PlanItem {
        place: PlanPlace::Sample(name.into()),
        shown: format!("/home/me/.local/share/plandeck/sample-plans/{name}").into(),
        about: about.into(),
        ..plan(name, 12)
    }
}

fn samples() -> Vec<PlanItem> {
    vec![
        sample(
            "receipt",
            "the text of a grocery receipt becomes lines, categories, checked sums and a summary",
        ),
        sample(
            "mend",
            "a row of `rates.csv` is broken; mend it and retry, and only what depended on it runs",
        ),
    ]
}

fn everything() -> Vec<Answer> {
    vec![
        Answer::Samples(samples()),
        Answer::Runs(Ok(runs())),
        Answer::Plans(vec![plan("invoice", 9), plan("payroll", 120)]),
    ]
}

fn detail() -> Detail {
    Detail {
        plan_path: Some("/home/me/mend/plan.yaml".into()),
        failed: vec![(
            "rates".into(),
            "rates.csv, line 4: euros is \"O.0914\", which is not a number".into(),
        )],
        ..Detail::default()
    }
}

#[test]
fn it_shows_what_there_is() {
    for (columns, rows) in SIZES {
        let mut home = Home::new(columns, rows).with(everything());
        insta::assert_snapshot!(format!("home_{columns}x{rows}"), home.text());
    }
}

#[test]
fn a_failed_run_says_what_failed() {
    for (columns, rows) in SIZES {
        let mut home = Home::new(columns, rows).with(everything());
        home.press("down down down down");
        let id = home.model.run().unwrap().run_id.clone();
        home.send(Message::Answer(Answer::Detail(id, detail())));
        insta::assert_snapshot!(format!("home_failed_{columns}x{rows}"), home.text());
    }
}

#[test]
fn before_the_first_run_it_says_what_to_do() {
    for (columns, rows) in SIZES {
        let answers = vec![
            Answer::Samples(samples()),
            Answer::Runs(Ok(vec![])),
            Answer::Plans(vec![]),
        ];
        let mut home = Home::new(columns, rows).with(answers);
        insta::assert_snapshot!(format!("home_first_{columns}x{rows}"), home.text());
    }
}

#[test]
fn typing_filters_and_lights_what_was_typed() {
    for (columns, rows) in SIZES {
        let mut home = Home::new(columns, rows).with(everything());
        home.press("p a y");
        insta::assert_snapshot!(format!("home_typed_{columns}x{rows}"), home.text());
    }
    let mut home = Home::new(80, 24).with(everything());
    home.press("f a i l e d space m e n");
    assert_eq!(&*home.model.run().unwrap().plan, "mend");
    home.press("z z z");
    assert!(home.text().contains("nothing matches"));
    assert!(home.model.selected().is_none());
    home.press("enter");
    assert_eq!(home.chosen(), None);
    home.press("esc");
    assert!(home.model.field.is_empty());
    assert!(
        !home
            .effects
            .contains(&Effect::Terminal(TerminalEffect::Leave(Outcome::Quit)))
    );
    home.press("esc");
    assert_eq!(
        home.effects.pop(),
        Some(Effect::Terminal(TerminalEffect::Leave(Outcome::Quit)))
    );
}

#[test]
fn enter_does_what_fits_what_is_selected() {
    let mut home = Home::new(120, 36).with(everything());
    home.press("enter");
    let file = PathBuf::from("/home/me/invoice/plan.yaml");
    assert_eq!(
        home.chosen(),
        Some(Choice::Open(PlanPlace::File(file.clone())))
    );
    let runs = runs();
    home.press("tab enter");
    assert_eq!(home.chosen(), Some(Choice::Look(runs[0].run_id.clone())));
    home.press("ctrl-p");
    assert_eq!(home.chosen(), Some(Choice::Play(runs[0].run_id.clone())));
    home.press("ctrl-f");
    assert_eq!(home.chosen(), Some(Choice::Fork(runs[0].run_id.clone())));
    home.press("down enter");
    assert_eq!(home.chosen(), Some(Choice::Resume(runs[1].run_id.clone())));
    home.press("ctrl-n");
    assert_eq!(home.chosen(), None, "its plan is not known yet");
    let detail = Detail {
        plan_path: Some("/home/me/invoice/plan.yaml".into()),
        ..Detail::default()
    };
    home.send(Message::Answer(Answer::Detail(
        runs[1].run_id.clone(),
        detail,
    )));
    home.press("ctrl-n");
    assert_eq!(home.chosen(), Some(Choice::Open(PlanPlace::File(file))));
    home.press("tab enter");
    let sample = PlanPlace::Sample("receipt".into());
    assert_eq!(home.chosen(), Some(Choice::Open(sample)));
    home.press("ctrl-o");
    assert_eq!(home.chosen(), Some(Choice::Restore("receipt".into())));
    home.press("tab");
    assert_eq!(home.model.selected, 1, "around to the first part");
}

#[test]
fn it_asks_for_the_detail_of_what_is_selected_once() {
    let mut home = Home::new(120, 36).with(everything());
    home.effects.clear();
    home.press("tab down");
    let id = runs()[1].run_id.clone();
    assert_eq!(
        home.effects,
        [Effect::Ask(Request::Detail(id.clone()))],
        "of the selected run; that of the first came while it was the first of all"
    );
    home.send(Message::Answer(Answer::Detail(
        id.clone(),
        Detail::default(),
    )));
    home.press("down up down up");
    let again = home
        .effects
        .iter()
        .filter(|effect| **effect == Effect::Ask(Request::Detail(id.clone())));
    assert_eq!(again.count(), 1);
}

#[test]
fn what_is_under_way_is_read_again_and_the_selection_stays() {
    let mut home = Home::new(120, 36).with(everything());
    home.press("tab down down");
    home.effects.clear();
    home.send(Message::Tick(NOW + 1));
    assert!(home.effects.is_empty());
    home.send(Message::Tick(NOW + 3));
    assert_eq!(home.effects, [Effect::Ask(Request::Runs)]);
    let mut newer = runs();
    newer.insert(0, run(0, "new", Standing::Succeeded));
    home.send(Message::Answer(Answer::Runs(Ok(newer))));
    assert_eq!(&*home.model.run().unwrap().plan, "mend");
    let ended: Vec<RunItem> = runs()
        .into_iter()
        .filter(|run| run.standing != Standing::Running)
        .collect();
    home.send(Message::Answer(Answer::Runs(Ok(ended))));
    home.effects.clear();
    home.send(Message::Tick(NOW + 100));
    assert!(home.effects.is_empty(), "nothing is running");
}

#[test]
fn ten_thousand_runs_are_a_list_of_those_in_view() {
    let many = (1..=10_000).map(|number| run(number, "nightly", Standing::Succeeded));
    let mut home = Home::new(80, 24).with(vec![Answer::Runs(Ok(many.collect()))]);
    home.press("end");
    let text = home.text();
    assert!(text.contains("10,000 of 10,000"), "{text}");
    home.press("pageup up home");
    assert_eq!(home.model.selected, 1);
    assert!(home.text().contains("earlier runs  10,000"));
    home.press("n i g h t l y space 9 9 9 9");
    assert!(home.model.rows.len() < 100, "{}", home.model.rows.len());
}

#[test]
fn trouble_and_keys_lie_over_the_list() {
    let mut home = Home::new(80, 24).with(everything());
    home.model.trouble = Some((
        "plan.yaml, line 3: no tool is called \"x\u{1b}\"".to_owned(),
        0,
    ));
    home.effects.clear();
    let text = home.text();
    assert!(text.contains("could not be opened") && !text.contains('\u{1b}'));
    home.press("x enter esc");
    assert!(home.effects.is_empty() && home.model.field.is_empty());
    home.press("?");
    insta::assert_snapshot!("home_keys", home.text());
    home.press("esc a ?");
    assert_eq!(
        home.model.field.text(),
        "a?",
        "a question mark can be typed"
    );
    home.send(Message::Terminal(TerminalEvent::Paste("b\nc".to_owned())));
    assert_eq!(home.model.field.text(), "a?b c");
    // What lies over the filter hides it: nothing is put in unseen.
    home.model.palette = Some(Palette::default());
    home.send(Message::Terminal(TerminalEvent::Paste("d".to_owned())));
    assert_eq!(home.model.field.text(), "a?b c");
}

#[test]
fn a_store_that_cannot_be_read_is_said() {
    let fault = Err("plandeck.db: the file is not a database".to_owned());
    let mut home = Home::new(100, 30).with(vec![Answer::Samples(samples()), Answer::Runs(fault)]);
    assert!(home.text().contains("cannot be read"));
}

#[test]
fn the_mouse_selects_and_opens() {
    let mut home = Home::new(120, 36).with(everything());
    let click = |row| {
        Message::Terminal(TerminalEvent::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column: 10,
            row,
            modifiers: KeyModifiers::NONE,
        }))
    };
    // Two lines of head, the border, a heading, and the second plan below the first.
    home.send(click(5));
    assert_eq!(home.chosen(), None);
    assert_eq!(home.model.selected, 2);
    home.send(click(5));
    assert!(home.chosen().is_some());
}

#[test]
fn any_size_can_be_drawn() {
    for columns in (0..50).step_by(7).chain([1, 2, 3]) {
        for rows in 0..14 {
            let mut home = Home::new(columns, rows).with(everything());
            home.press("down ? esc");
            home.draw();
        }
    }
    let mut home = Home::new(80, 24).with(everything());
    home.model.theme = Theme::default().in_ascii();
    assert!(home.text().is_ascii());
}

fn made(diff: &str) -> PlanningAnswer {
    let step = |id: &str, waits_for: &[&str], depth| MadeStep {
        id: id.to_owned(),
        tool: format!("{id}_tool"),
        waits_for: waits_for.iter().map(|one| (*one).to_owned()).collect(),
        depth,
    };
    PlanningAnswer::Made(Box::new(MadePlan {
        name: "weigh_cargo".into(),
        file: PathBuf::from("/home/me/plans/weigh.json"),
        tools: vec![PathBuf::from("/home/me/tools.yaml")],
        took: "openai/gpt-4o in 2.1 s for $0.0045".to_owned(),
        price: "about $0.0002, at most $0.0011 (worker openai/gpt-4o-mini)".to_owned(),
        notes: vec!["nothing takes 7 of the task".to_owned()],
        steps: vec![step("load", &[], 0), step("weigh", &["load"], 1)],
        diff: diff.to_owned(),
    }))
}

#[test]
fn a_task_becomes_a_plan_that_is_looked_at_changed_and_run() {
    let mut home = Home::new(120, 36).with(everything());
    home.press("w e i g h ctrl-t");
    // What was typed so far is the beginning of the task; a question mark is a part of it.
    home.press("space i t ? enter");
    let task = |text: &str, change: Option<&str>| {
        Effect::Ask(Request::Plan(PlanRequest {
            task: text.to_owned(),
            change: change.map(PathBuf::from),
        }))
    };
    assert_eq!(home.effects.pop(), Some(task("weigh it?", None)));
    assert!(home.text().contains("the planner works"));
    let progress = PlanningAnswer::Progress("request 1: asking openai/gpt-4o\u{1b}[31m".to_owned());
    home.send(Message::Answer(Answer::Planning(progress)));
    let text = home.text();
    assert!(
        text.contains("asking openai/gpt-4o") && !text.contains('\u{1b}'),
        "{text}"
    );
    home.press("enter x");
    assert_eq!(home.chosen(), None, "there is no plan to run yet");

    home.send(Message::Answer(Answer::Planning(made(""))));
    let text = home.text();
    for part in [
        "weigh_cargo",
        "for $0.0045",
        "at most $0.0011",
        "nothing takes 7",
        "2 steps",
        "weigh_tool",
        "◂ load",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    home.press("ctrl-e");
    home.press("t w i c e enter");
    assert_eq!(
        home.effects.pop(),
        Some(task("twice", Some("/home/me/plans/weigh.json")))
    );
    home.send(Message::Answer(Answer::Planning(made(
        "- \"n\": 1\n+ \"n\": 2",
    ))));
    assert!(home.text().contains("+ \"n\": 2"));
    home.press("enter");
    let choice = Choice::RunMade {
        plan: PathBuf::from("/home/me/plans/weigh.json"),
        tools: vec![PathBuf::from("/home/me/tools.yaml")],
    };
    assert_eq!(home.chosen(), Some(choice));
    home.press("esc");
    assert!(home.model.planning.is_none());
    assert_eq!(home.model.field.text(), "weigh", "the filter is as it was");
}

#[test]
fn a_plan_is_drawn_while_it_arrives_and_beside_its_words() {
    let step = |id: &str, waits_for: &[&str]| MadeStep {
        id: id.to_owned(),
        tool: format!("{id}_tool"),
        waits_for: waits_for.iter().map(|one| (*one).to_owned()).collect(),
        depth: 0,
    };
    let steps = [
        step("load", &[]),
        step("weigh", &["load"]),
        step("price", &["load", "later"]),
    ];
    for (columns, rows) in SIZES {
        let mut home = Home::new(columns, rows).with(everything());
        home.press("ctrl-t k n i t enter");
        for count in 0..=steps.len() {
            home.send(Message::Answer(Answer::Planning(
                PlanningAnswer::Arriving {
                    line: format!(
                        "{count} steps so far, about 90 tokens at 45/s, about $0.0021, 3.2 s"
                    ),
                    steps: steps[..count].to_vec(),
                },
            )));
            if (columns, rows) == (120, 36) {
                let shown = home.text();
                for (at, step) in steps.iter().enumerate() {
                    let is_there = shown.contains(&format!("· {} ", step.id));
                    assert_eq!(is_there, at < count, "{count}: {shown}");
                }
            }
        }
        insta::assert_snapshot!(format!("planning_arrives_{columns}x{rows}"), home.text());
        // A correction is asked for: what has come stays until there is something else.
        let progress = PlanningAnswer::Progress("answer 1 is not a valid plan".to_owned());
        home.send(Message::Answer(Answer::Planning(progress)));
        if rows > 20 {
            let shown = home.text();
            assert!(
                shown.contains("not a valid plan") && shown.contains("· price"),
                "{shown}"
            );
        }
        home.send(Message::Answer(Answer::Planning(made(""))));
        insta::assert_snapshot!(format!("planning_made_{columns}x{rows}"), home.text());
    }
}

#[test]
fn a_planner_that_fails_or_is_stopped_leaves_the_task() {
    for (columns, rows) in SIZES {
        let mut home = Home::new(columns, rows).with(everything());
        home.press("ctrl-t k n i t enter");
        let failed =
            PlanningAnswer::Failed("openai/gpt-4o wrote no valid plan in 3 requests".to_owned());
        home.send(Message::Answer(Answer::Planning(failed)));
        assert!(home.text().contains("no valid"), "{}", home.text());
        home.press("t i n g enter");
        home.effects.clear();
        home.press("esc");
        assert_eq!(home.effects, [Effect::Ask(Request::StopPlanning)]);
        home.send(Message::Answer(Answer::Planning(made(""))));
        let planning = home.model.planning.as_ref().unwrap();
        assert!(planning.made.is_none(), "an answer after the end counts");
        assert_eq!(planning.field.text(), "knitting");
        home.press("esc");
        assert!(home.model.planning.is_none());
    }
}

fn plan_detail() -> PlanDetail {
    let step = |id: &str, tool: &str, waits_for: &[&str]| MadeStep {
        id: id.to_owned(),
        tool: tool.to_owned(),
        waits_for: waits_for.iter().map(|one| (*one).to_owned()).collect(),
        depth: 0,
    };
    let tool = |name: &str, kind: &str, steps: usize| ToolOfPlan {
        name: name.into(),
        kind: kind.into(),
        steps,
    };
    PlanDetail {
        steps: vec![
            step("read", "read_invoice", &[]),
            step("lines", "split_lines", &["read"]),
            step("tax", "ask_model", &["lines"]),
            step("sums", "ask_model", &["lines"]),
            step("letter", "ask_model", &["tax", "sums"]),
        ],
        tools: vec![
            tool("ask_model", "model", 3),
            tool("read_invoice", "process", 1),
            tool("split_lines", "jq", 1),
        ],
        price: "about $0.0012, at most $0.0100 (worker openai/gpt-4o-mini)".into(),
        needs: vec!["customer".into(), "month".into()],
        fault: None,
    }
}

#[test]
fn a_plan_shows_its_picture_its_tools_and_its_runs() {
    for (columns, rows) in SIZES {
        let mut home = Home::new(columns, rows).with(everything());
        let mut runs = runs();
        for (at, standing) in [(5, Standing::Succeeded), (3, Standing::Failed)] {
            let mut run = run(10 + at, "invoice", standing);
            run.took = Micros(900_000 * at);
            runs.push(run);
        }
        home.send(Message::Answer(Answer::Runs(Ok(runs))));
        let place = PlanPlace::File(PathBuf::from("/home/me/invoice/plan.yaml"));
        assert!(
            home.effects
                .contains(&Effect::Ask(Request::PlanDetail(place.clone())))
        );
        home.send(Message::Answer(Answer::PlanDetail(
            place,
            Box::new(plan_detail()),
        )));
        let there = |home: &mut Home| {
            let text = home.text();
            rows < 20 || text.contains("letter") || text.contains('·')
        };
        for _ in 0..2_000 {
            if there(&mut home) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        insta::assert_snapshot!(format!("home_plan_{columns}x{rows}"), home.text());
    }
}

#[test]
fn a_plan_that_could_not_be_run_says_why() {
    let mut home = Home::new(120, 36).with(everything());
    let place = PlanPlace::File(PathBuf::from("/home/me/invoice/plan.yaml"));
    let detail = PlanDetail {
        fault: Some("step \"sums\" needs a tool that the catalog does not have".into()),
        ..PlanDetail::default()
    };
    home.send(Message::Answer(Answer::PlanDetail(place, Box::new(detail))));
    let text = home.text();
    assert!(text.contains("needs a tool that the catalog"), "{text}");
    // Another plan is asked for once, and the first one not again.
    home.effects.clear();
    home.press("down up down");
    let asked = home.effects.iter();
    let asked = asked.filter(|effect| matches!(effect, Effect::Ask(Request::PlanDetail(_))));
    assert_eq!(asked.count(), 1);
}

#[test]
fn forks_stand_below_the_runs_that_they_were_forked_from() {
    for (columns, rows) in SIZES {
        let mut runs = runs();
        let parent = runs[3].run_id.clone();
        runs[0].plan = "tickets".into();
        runs[0].forked_from = Some(parent);
        runs[2].plan = "tickets".into();
        runs[2].forked_from = Some(runs[0].run_id.clone());
        let mut home = Home::new(columns, rows).with(vec![
            Answer::Samples(vec![]),
            Answer::Runs(Ok(runs)),
            Answer::Plans(vec![]),
        ]);
        insta::assert_snapshot!(format!("home_forks_{columns}x{rows}"), home.text());
        // What is selected is what is shown in the row.
        home.press("down");
        let run = home.model.run().unwrap();
        assert!(run.forked_from.is_some() && run.standing == Standing::Succeeded);
        // What is found by typing stands by itself.
        home.press("t i c k");
        assert!(!home.text().contains('└'));
    }
}

#[test]
fn the_hints_of_the_footer_are_clicked() {
    let mut home = Home::new(120, 36).with(everything());
    let text = home.text();
    let row = text.lines().count() as u16 - 1;
    let footer = text.lines().last().unwrap().trim_matches('"').to_owned();
    let click = |home: &mut Home, words: &str| {
        home.draw();
        let column = footer.find(words).unwrap() as u16;
        home.send(Message::Terminal(TerminalEvent::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column,
            row,
            modifiers: KeyModifiers::NONE,
        })));
    };
    click(&mut home, "help");
    assert!(home.model.palette.is_some());
    home.press("esc");
    click(&mut home, "new plan");
    assert!(home.model.planning.is_some());
    home.press("esc");
    click(&mut home, "run");
    assert!(matches!(home.chosen(), Some(Choice::Open(_))));
}

#[test]
fn actions_are_found_and_done() {
    let mut home = Home::new(120, 36).with(everything());
    home.press("? n e w - p enter");
    assert!(home.model.palette.is_none() && home.model.planning.is_some());
    home.press("esc ? r e p l a y enter");
    assert!(home.model.palette.is_some(), "no run is selected");
    assert!(
        home.model
            .notice
            .as_deref()
            .unwrap()
            .contains("replay needs a selected run")
    );
    home.press("esc ? t h e m e space l i g h t enter");
    home.send(Message::Terminal(TerminalEvent::Themes(
        plandeck::tui::themes(&[]),
    )));
    assert_eq!(
        home.model.theme,
        plandeck::tui::theme_named("light").unwrap()
    );
    let kept = TerminalEffect::KeepTheme(Some("light".to_owned()));
    assert!(home.effects.contains(&Effect::Terminal(kept)));
    // By hand: the screen shows what is chosen, and goes back.
    home.press("? t h e m e enter");
    home.send(Message::Terminal(TerminalEvent::Themes(
        plandeck::tui::themes(&[]),
    )));
    home.press("up");
    assert_eq!(
        home.model.theme,
        plandeck::tui::theme_named("dark").unwrap()
    );
    home.press("esc");
    assert_eq!(
        home.model.theme,
        plandeck::tui::theme_named("light").unwrap()
    );
    home.send(Message::Terminal(TerminalEvent::Background(false)));
    assert_eq!(
        home.model.theme,
        plandeck::tui::theme_named("light").unwrap()
    );
}
