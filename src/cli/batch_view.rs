//! The view of a batch, and the dashboards of its runs that are opened from there.

use super::args::run::{OpenedFrom, RunArgs, ScreenArgs};
use super::batch_reader::BatchReader;
use super::failure::Failure;
use super::history_feed::HistoryFeed;
use super::repeat_feed::Trusting;
use super::run::look_from;
use super::screen;
use super::stored_feed::StoredFeed;
use super::structure_feed::Restructured;
use super::terminal::{SIGNALLED, ended_by};
use crate::run::{RunSummary, RunWord};
use crate::store::{BatchRecord, Store};
use crate::tui;
use crate::tui::batch::{BatchLeft, show};
use std::path::Path;
use tokio::sync::watch;

/// Shows a batch until the user leaves. `stop` stops it, where this process runs it. Gives the exit code where a signal
/// ended the view.
pub(super) async fn view(
    home: &Path,
    record: &BatchRecord,
    look: &ScreenArgs,
    stop: Option<watch::Sender<bool>>,
) -> Result<Option<u8>, Failure> {
    let owned = stop.is_some();
    let mut reader = BatchReader::start(home, record, stop);
    let mut model = None;
    loop {
        let options = screen::options(record.plan.to_string(), look);
        let left = show(&mut reader, &mut model, options, owned).await;
        let run = match left.map_err(|error| Failure::usage(error.to_string()))? {
            BatchLeft::Nothing(outcome) => return Ok(ended_by(outcome)),
            BatchLeft::Open(run) => run,
        };
        let store = Store::at(home)?;
        let opened = match store.find(&run) {
            Ok(run) => Box::pin(open(store, run, look)).await,
            Err(error) => Err(error.into()),
        };
        match opened {
            Ok(code) if code >= SIGNALLED => return Ok(Some(code)),
            Ok(_) => {}
            // The view opens again and says why.
            Err(failure) => {
                if let Some(model) = &mut model {
                    model.notice = Some(failure.message());
                }
            }
        }
    }
}

/// Opens the dashboard on the run of an item.
async fn open(store: Store, run: RunSummary, look: &ScreenArgs) -> Result<u8, Failure> {
    let mut args = RunArgs {
        screen: look.clone(),
        ..RunArgs::by_default()
    };
    args.screen.from = OpenedFrom::Batch;
    let options = screen::options(run.plan.to_string(), &args.screen);
    if run.status != RunWord::Running {
        let options = tui::Options {
            replay: Some(0.0),
            forkable: true,
            ..options
        };
        return Box::pin(look_from(args, store.load(&run).events, options)).await;
    }
    let options = tui::Options {
        attached: true,
        ..options
    };
    let feed = StoredFeed::new(store, &run);
    let feed = HistoryFeed::new(feed, Trusting::unasked(), Restructured::default());
    let left = tui::run(feed, options).await;
    let left = left.map_err(|error| Failure::usage(error.to_string()))?;
    Ok(ended_by(left.outcome).unwrap_or(0))
}
