//! The view of a batch: folding its records, ordering its items, and the time of a frame while it is running.
//!
//! `cargo bench --bench batch_frame` prints the table. Before each frame 200 records change, as in a fast batch.

use plandeck::run::{
    BatchHeader, BatchState, ItemFigures, ItemRecord, RunWord, StepFigures, StepStatus,
};
use plandeck::tui::Theme;
use plandeck::tui::batch::{BatchNews, Message, Model, Sort, update, view};
use plandeck::units::{Micros, Money};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::time::{Duration, Instant};

const STEPS: usize = 5;
const FRAMES: u64 = 200;
const CHANGES: u64 = 200;
const NOW: i64 = 1_795_698_000_000;

fn record(index: u64, status: RunWord) -> ItemRecord {
    let chance = (index.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) % 1000;
    let steps = (0..STEPS).map(|step| StepFigures {
        status: StepStatus::Succeeded,
        attempts: 1,
        service: Micros(1000 + chance * 700 * step as u64),
        cost: Some(Money::from_usd(1e-6 * chance as f64)),
        output: chance,
    });
    let steps: Vec<StepFigures> = steps.collect();
    let latency = steps.iter().map(|step| step.service.0).sum();
    ItemRecord {
        run_id: format!("0199c0de-0000-7000-8000-{index:012}").into(),
        row: index as i64 + 1,
        key: format!("item-{index}").into(),
        index,
        status,
        cost: Some(steps.iter().filter_map(|step| step.cost).sum()),
        latency: Micros(latency),
        started: NOW - 1_000_000 + (index * 9) as i64,
        figures: ItemFigures {
            at: Micros(latency),
            steps,
            error: None,
        },
    }
}

fn header(items: u64) -> BatchHeader {
    BatchHeader {
        batch: "0199c0de-0000-7000-8000-00000000ba7c".into(),
        plan: "bench".into(),
        started: NOW - 1_000_000,
        resumed: NOW - 1_000_000,
        items: Some(items),
        steps: (0..STEPS).map(|at| format!("step_{at}").into()).collect(),
        live: true,
    }
}

fn quantile(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3
}

/// The median and the 99th of 100 frames, in milliseconds, with the records before them.
fn frames(items: u64, (columns, rows): (u16, u16), sort: Sort) -> (f64, f64) {
    let mut model = Model::new(Theme::default(), (columns, rows), NOW);
    update(&mut model, Message::News(BatchNews::Header(header(items))));
    let half = (0..items / 2).map(|at| record(at, RunWord::Succeeded));
    update(
        &mut model,
        Message::News(BatchNews::Records(half.collect(), false)),
    );
    model.sort = sort;
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    let mut times: Vec<Duration> = (0..FRAMES)
        .map(|frame| {
            let from = items / 2 + frame * CHANGES % (items / 2).max(1);
            let changed =
                (from..(from + CHANGES).min(items)).map(|at| record(at, RunWord::Succeeded));
            let changed: Vec<ItemRecord> = changed.collect();
            let begin = Instant::now();
            update(&mut model, Message::Tick(NOW + frame as i64 * 33));
            update(
                &mut model,
                Message::News(BatchNews::Records(changed, false)),
            );
            terminal.draw(|frame| view(&mut model, frame)).unwrap();
            begin.elapsed()
        })
        .collect();
    (quantile(&mut times, 0.5), quantile(&mut times, 0.99))
}

fn main() {
    println!(
        "| items | fold ms | frame 80x24: half, 99 % ms | frame 200x60 | 200x60, slowest first |"
    );
    println!("| --- | --- | --- | --- | --- |");
    for items in [12, 1_000, 10_000, 100_000] {
        let records: Vec<ItemRecord> = (0..items)
            .map(|at| record(at, RunWord::Succeeded))
            .collect();
        let mut state = BatchState::default();
        state.begin(header(items));
        let begin = Instant::now();
        for record in records {
            state.apply(record);
        }
        let fold = begin.elapsed().as_secs_f64() * 1e3;
        let shown = [
            frames(items, (80, 24), Sort::Input),
            frames(items, (200, 60), Sort::Input),
            frames(items, (200, 60), Sort::Time),
        ];
        let shown = shown.map(|(half, most)| format!("{half:.2}, {most:.2}"));
        println!("| {items} | {fold:.1} | {} |", shown.join(" | "));
    }
}
