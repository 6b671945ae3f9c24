//! The view of a batch, from records and typed keys.

use crate::common::screen::parse;
use crate::layout_gallery::Gallery;
use plandeck::run::{
    BatchHeader, ErrorKind, ItemFigures, ItemRecord, RunError, RunWord, StepFigures, StepStatus,
};
use plandeck::tui::batch::{BatchNews, Effect, Filter, Message, Model, update, view};
use plandeck::tui::{TerminalEffect, TerminalEvent, Theme};
use plandeck::units::{Micros, Money};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const NOW: i64 = 1_795_698_000_000;
const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (200, 60)];
const STEPS: [&str; 5] = ["read", "extract", "categorize", "check", "notify"];

struct Screen {
    model: Model,
    effects: Vec<Effect>,
    terminal: Terminal<TestBackend>,
}

fn header(items: u64, live: bool) -> BatchHeader {
    BatchHeader {
        batch: "0199c0de-0000-7000-8000-00000000ba7c".into(),
        plan: "receipts".into(),
        started: NOW - 200_000,
        resumed: NOW - 200_000,
        items: Some(items),
        steps: STEPS.iter().map(|id| (*id).into()).collect(),
        live,
    }
}

/// A record as it would be at any time: everything follows from the place of the item.
fn record(index: u64, items: u64, status: RunWord) -> ItemRecord {
    // Scattered and yet the same each time.
    let chance = (index.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) % 1000;
    let (wrong, kind) = match chance {
        0..40 => (Some(3), "total 12.3 differs from the sum of the lines"),
        40..55 => (Some(1), "HTTP 503: the service is overloaded"),
        _ => (None, ""),
    };
    let status = match (status, wrong) {
        (RunWord::Succeeded, Some(_)) => RunWord::Failed,
        (status, _) => status,
    };
    let running = status == RunWord::Running;
    let wrong = wrong.filter(|_| !running);
    let at = |step: usize| match (wrong, running) {
        (Some(bad), _) if step == bad => StepStatus::Failed,
        (Some(bad), _) if step > bad => StepStatus::Skipped,
        (None, true) if step == 2 => StepStatus::Running,
        (None, true) if step > 2 => StepStatus::Pending,
        _ => StepStatus::Succeeded,
    };
    let millis = [1, 420 + chance, 310 + chance / 2, 3, 40];
    let dollars = [0.0, 0.000_31, 0.000_12, 0.0, 0.0];
    let steps = (0..STEPS.len()).map(|step| {
        let status = at(step);
        let called = status.has_ended() && status != StepStatus::Skipped;
        StepFigures {
            status,
            attempts: match status {
                StepStatus::Running => 1,
                _ if step == 1 && chance % 20 == 7 => 2,
                _ => u32::from(called),
            },
            service: Micros(if called { millis[step] * 1000 } else { 0 }),
            cost: Some(Money::from_usd(if called { dollars[step] } else { 0.0 })),
            output: 1,
        }
    });
    let steps: Vec<StepFigures> = steps.collect();
    let latency = steps.iter().map(|step| step.service.0).sum();
    let error = wrong.map(|step| {
        Box::new(RunError {
            kind: ErrorKind::ToolExecutionError,
            step: Some(STEPS[step].into()),
            tool_name: None,
            message: kind.into(),
            retryable: false,
            attempts: 1,
        })
    });
    ItemRecord {
        run_id: format!("0199c0de-0000-7000-8000-{index:012}").into(),
        row: index as i64 + 1,
        key: format!("receipt-{index:05}").into(),
        index,
        status,
        cost: Some(steps.iter().filter_map(|step| step.cost).sum()),
        latency: Micros(latency),
        started: NOW - 190_000 + (index * 300_000 / items.max(1)) as i64,
        figures: ItemFigures {
            at: Micros(latency),
            steps,
            error,
        },
    }
}

impl Screen {
    /// A batch of which a part has ended, and eight items are running.
    fn live((columns, rows): (u16, u16), items: u64) -> Self {
        let ended = items * 3 / 5;
        let mut records: Vec<ItemRecord> = (0..ended)
            .map(|at| record(at, items, RunWord::Succeeded))
            .collect();
        let running = ended..items.min(ended + 8).min(ended + items / 4);
        records.extend(running.map(|at| record(at, items, RunWord::Running)));
        Self::of((columns, rows), header(items, true), records)
    }

    fn ended(size: (u16, u16), items: u64) -> Self {
        let records = (0..items).map(|at| record(at, items, RunWord::Succeeded));
        Self::of(size, header(items, false), records.collect())
    }

    fn of((columns, rows): (u16, u16), header: BatchHeader, records: Vec<ItemRecord>) -> Self {
        let mut screen = Self {
            model: Model::new(Theme::default(), (columns, rows), NOW),
            effects: Vec::new(),
            terminal: Terminal::new(TestBackend::new(columns, rows)).unwrap(),
        };
        screen.send(Message::News(BatchNews::Header(header)));
        screen.send(Message::News(BatchNews::Records(records, false)));
        screen.draw();
        screen
    }

    fn send(&mut self, message: Message) {
        self.effects.extend(update(&mut self.model, message));
    }

    fn press(&mut self, keys: &str) -> &mut Self {
        for key in keys.split_whitespace() {
            self.send(Message::Terminal(TerminalEvent::Key(parse(key))));
            self.draw();
        }
        self
    }

    fn draw(&mut self) {
        let model = &mut self.model;
        self.terminal.draw(|frame| view(model, frame)).unwrap();
    }

    fn text(&mut self) -> String {
        self.draw();
        self.terminal.backend().to_string()
    }
}

fn snapshots(name: &str, mut screen: impl FnMut((u16, u16)) -> Screen) {
    for (columns, rows) in SIZES {
        let text = screen((columns, rows)).text();
        insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), text);
    }
}

/// The pictures in `docs/gallery/batches`; `UPDATE_GALLERY=1 cargo test --test screen gallery` draws them again.
#[test]
fn the_gallery_of_batches_shows_what_the_program_draws() {
    let mut gallery = Gallery::in_folder("docs/gallery/batches");
    for items in [12, 1_000, 100_000] {
        for (columns, rows) in SIZES {
            for (heat, keys) in [("status", ""), ("time", "c")] {
                let mut screen = Screen::live((columns, rows), items);
                let text = screen.press(keys).text();
                let lines = text.lines().map(|line| line.trim_matches('"').trim_end());
                let text = lines.fold(String::new(), |text, line| text + line + "\n");
                gallery.show(&format!("{items}-{columns}x{rows}-{heat}.txt"), text);
            }
        }
    }
    gallery.end();
}

#[test]
fn a_batch_that_has_ended_by_time_in_a_row() {
    snapshots("batch_ended_time", |size| {
        let mut screen = Screen::ended(size, 1_000);
        screen.press("c down down enter");
        screen
    });
}

#[test]
fn in_ascii_and_without_colour_every_cell_reads() {
    let mut screen = Screen::live((80, 24), 1_000);
    screen.model.theme = Theme::plain().in_ascii();
    let text = screen.text();
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!("batch_ascii_80x24", text);
}

#[test]
fn enter_goes_in_until_an_item_and_opens_its_run_and_esc_goes_back() {
    let mut screen = Screen::ended((80, 24), 100_000);
    screen.press("down down");
    let mut depth = 0;
    while screen.effects.is_empty() {
        screen.press("enter");
        depth += 1;
        assert!(depth < 9, "{}", screen.text());
    }
    let Some(Effect::Open(run)) = screen.effects.pop() else {
        panic!("{:?}", screen.effects);
    };
    let (at, item) = screen.model.item().unwrap();
    assert_eq!(item.run_id, run);
    assert_eq!(&*item.key, format!("receipt-{at:05}"));
    for _ in 1..depth {
        screen.press("esc");
    }
    assert_eq!(screen.model.window.chosen, at / 12_500 * 12_500);
    assert!(screen.effects.is_empty(), "{:?}", screen.effects);
}

#[test]
fn a_group_of_failures_shows_its_items_and_only_those() {
    let mut screen = Screen::ended((80, 24), 1_000);
    screen.press("tab down enter");
    assert!(matches!(screen.model.filter, Filter::Group(_)));
    let shown = &screen.model.order;
    assert!(!shown.is_empty() && shown.len() < 50, "{}", shown.len());
    for at in shown {
        let item = &screen.model.state.items()[*at as usize];
        assert!(item.message.as_ref().unwrap().contains("503"), "{item:?}");
    }
    screen.press("esc");
    assert_eq!(screen.model.order.len(), 1_000);
}

#[test]
fn items_are_sorted_by_the_chosen_step_filtered_and_found() {
    let mut screen = Screen::ended((80, 24), 1_000);
    screen.press("right right s s");
    let state = &screen.model.state;
    let times: Vec<u64> = screen
        .model
        .order
        .iter()
        .map(|at| state.cells(*at as usize)[1].service.0)
        .collect();
    assert!(times.is_sorted_by(|a, b| a >= b) && times[0] > times[999]);
    screen.press("f");
    assert_eq!(
        screen.model.order.len() as u64,
        screen.model.state.counts.failed
    );
    screen.press("esc / 0 0 0 1 enter");
    // 10 to 19, and 1.
    assert_eq!(screen.model.order.len(), 11, "{}", screen.text());
    screen.press("esc");
    assert_eq!(screen.model.order.len(), 1_000);
}

#[test]
fn leaving_a_batch_of_this_process_asks_and_another_is_left_at_once() {
    let mut screen = Screen::live((80, 24), 12);
    screen.press("q");
    let leaves = |effects: &[Effect]| {
        let leave = |it: &Effect| matches!(it, Effect::Terminal(TerminalEffect::Leave(_)));
        effects.iter().any(leave)
    };
    assert!(leaves(&screen.effects));
    let mut screen = Screen::live((80, 24), 12);
    screen.model.owned = true;
    screen.press("q");
    assert!(!leaves(&screen.effects));
    insta::assert_snapshot!("batch_question_80x24", screen.text());
    screen.press("n q y");
    assert_eq!(screen.effects, [Effect::Stop]);
    screen.send(Message::News(BatchNews::Header(header(12, false))));
    screen.press("q");
    assert!(leaves(&screen.effects));
}

#[test]
fn every_size_is_drawn() {
    for columns in [1, 2, 5, 11, 20, 40, 79, 115, 117, 260] {
        for rows in [1, 2, 4, 7, 11, 24, 90] {
            for items in [0, 1, 12, 1_000] {
                let mut screen = Screen::live((columns, rows), items);
                screen.press("tab c down enter c z right right right right right right ? esc s f");
            }
        }
    }
}

#[test]
fn a_row_in_which_few_items_failed_is_told_from_one_in_which_many_did() {
    let few = |index: u64| record(index, 1_000, RunWord::Succeeded);
    // In the first eighth every item fails.
    let all_wrong = (0..1_000).find(|index| few(*index).status == RunWord::Failed);
    let wrong = few(all_wrong.unwrap());
    let records = (0..1_000).map(|index| match index {
        0..125 => ItemRecord {
            key: format!("receipt-{index:05}").into(),
            index,
            row: index as i64 + 1,
            run_id: format!("0199c0de-0000-7000-8000-{index:012}").into(),
            ..wrong.clone()
        },
        index => few(index),
    });
    let mut screen = Screen::of((80, 24), header(1_000, false), records.collect());
    let text = screen.text();
    let sign = |range: &str| {
        let line = text.lines().find(|line| line.contains(range)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    assert_eq!([sign("0–124"), sign("125–249")], ["✖", "×"], "{text}");
}

fn own(action: &str, key: &str) -> (plandeck::tui::Keymaps, Vec<plandeck::tui::KeyFault>) {
    let batch = vec![plandeck::tui::KeySetting {
        action: action.to_owned(),
        keys: vec![key.to_owned()],
        place: "here".to_owned(),
    }];
    plandeck::tui::keymaps(&plandeck::tui::KeySettings {
        batch,
        ..plandeck::tui::KeySettings::default()
    })
}

#[test]
fn own_keys_take_the_place_of_the_usual_ones() {
    let mut screen = Screen::ended((120, 36), 1_000);
    let (keymaps, faults) = own("filter", "o");
    assert!(faults.is_empty(), "{faults:?}");
    screen.model.keymap = keymaps.batch;
    screen.press("f");
    assert_eq!(screen.model.filter, Filter::All);
    screen.press("o");
    assert_eq!(screen.model.filter, Filter::Failed);
    assert!(screen.text().contains("o filter"), "{}", screen.text());
    let help = screen.press("?").text();
    let mut lines = help.lines();
    let line = lines.find(|line| line.contains("show all items, or those"));
    assert!(line.unwrap().contains(" o  "), "{help}");

    // The question names the keys that answer it.
    let mut screen = Screen::live((80, 24), 12);
    screen.model.owned = true;
    screen.model.keymap = own("confirm", "w").0.batch;
    let text = screen.press("q").text();
    assert!(text.contains("w stop it"), "{text}");
    screen.press("y");
    assert!(screen.effects.is_empty());
    screen.press("w");
    assert_eq!(screen.effects, [Effect::Stop]);
}

#[test]
fn a_key_that_cannot_be_used_is_said() {
    let said = |action, key| own(action, key).1.first().map(ToString::to_string);
    assert_eq!(said("sort", "o"), None);
    let taken = said("sort", "f").unwrap();
    assert!(
        taken.starts_with("here: sort: \"f\" is the key of filter too"),
        "{taken}"
    );
    let typed = said("keep-found", "x").unwrap();
    assert!(typed.contains("would be typed as text"), "{typed}");
    // A key of the question may be one of the grid too.
    assert_eq!(said("confirm", "s"), None);
}
