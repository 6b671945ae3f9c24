//! `plandeck show` and `plandeck attach` of a batch: its view on a terminal, its figures elsewhere.

use super::args::run::ScreenArgs;
use super::batch_reader::BatchReader;
use super::batch_state::batch_state;
use super::batch_view::view;
use super::failure::{Failure, OVER_LIMIT};
use super::output::{out, out_json, out_line};
use super::screen;
use super::terminal::{is_interactive, signal_code};
use crate::report::BatchReport;
use crate::run::{BatchState, ItemCounts};
use crate::store::{BatchRecord, Store};
use crate::text::format;
use crate::tui::EndingSignals;
use crate::tui::batch::{BatchNews, BatchSource};
use std::time::{Duration, Instant};

/// How often progress is printed.
const EVERY: Duration = Duration::from_secs(2);

/// Shows a batch: its view on a terminal, else its figures as text or as JSON.
pub(super) async fn show_batch(
    store: &Store,
    record: &BatchRecord,
    json: bool,
) -> Result<u8, Failure> {
    if !json && is_interactive() {
        return open(store, record, &mut ScreenArgs::default()).await;
    }
    let report = BatchReport::of(&batch_state(store, record)?, now());
    if json {
        out_json(&report)?;
    } else {
        out(&report.text())?;
    }
    Ok(0)
}

/// Follows a batch: in its view, or without a terminal as lines until it ends. Returns the exit code: 0 where the user
/// left, else that of the batch.
pub(super) async fn attach_batch(
    store: &Store,
    record: &BatchRecord,
    headless: bool,
    look: &mut ScreenArgs,
) -> Result<u8, Failure> {
    if !headless && is_interactive() {
        return open(store, record, look).await;
    }
    follow_batch(&mut BatchReader::start(store.home(), record, None)).await
}

/// Prints how a batch goes until it ends. Returns its exit code.
pub(super) async fn follow_batch(reader: &mut impl BatchSource) -> Result<u8, Failure> {
    let mut signals = EndingSignals::listen_in_background()
        .map_err(|error| Failure::usage(format!("signals: {error}")))?;
    let mut state = BatchState::default();
    let (mut told, mut known, mut read) = (Instant::now(), 0, false);
    loop {
        tokio::select! {
            () = reader.changed() => {}
            number = signals.next() => return Ok(signal_code(number)),
        }
        while let Some(news) = reader.take() {
            match news {
                BatchNews::Header(header) => state.begin(header),
                BatchNews::Records(records, more) => {
                    for record in records {
                        state.apply(record);
                    }
                    read = !more;
                }
                BatchNews::Fault(fault) => return Err(Failure::usage(fault)),
                // Nobody asks for it here.
                BatchNews::Compared(_) => {}
            }
        }
        if !read {
            continue;
        }
        if !state.header.live {
            out(&BatchReport::of(&state, now()).text())?;
            return Ok(code(state.counts));
        }
        if told.elapsed() >= EVERY && known != state.version {
            (told, known) = (Instant::now(), state.version);
            out_line(&progress(&state))?;
        }
    }
}

fn progress(state: &BatchState) -> String {
    let now = now();
    let left = state.time_left(now).map_or_else(String::new, |left| {
        format!(", {} left", format::duration(left))
    });
    format!(
        "{} of {} done, {} failed, {} running; {:.1}/s{left}; {} so far, about {} at the end",
        state.counts.ended(),
        state.total(),
        state.counts.failed,
        state.counts.running,
        state.per_second(now),
        state.cost,
        state.expected_cost()
    )
}

async fn open(store: &Store, record: &BatchRecord, look: &mut ScreenArgs) -> Result<u8, Failure> {
    screen::complete(look, &screen::settings_here()?)?;
    screen::print_faults(look);
    let signalled = Box::pin(view(store.home(), record, look, None)).await?;
    Ok(signalled.unwrap_or(0))
}

/// Milliseconds since 1970.
pub(super) fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// The exit code of a batch that has ended.
fn code(counts: ItemCounts) -> u8 {
    match counts {
        counts if counts.running > 0 => 130,
        counts if counts.limit_exceeded > 0 => OVER_LIMIT,
        counts if counts.failed + counts.cancelled > 0 => 1,
        counts if counts.waiting > 0 => 4,
        _ => 0,
    }
}
