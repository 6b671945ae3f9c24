//! `plandeck attach restate://HOST:PORT/BATCH`: a batch whose items are run behind an engine, followed from any terminal.

use super::args::run::{OpenedFrom, RunArgs, ScreenArgs};
use super::args::verbs::AttachArgs;
use super::batch_news::NewsQueue;
use super::batch_show::follow_batch;
use super::failure::Failure;
use super::run::look_from;
use super::screen;
use super::terminal::{SIGNALLED, ended_by, is_interactive};
use crate::remote::restate::{ClientError, RestateAddress, RestateBatch};
use crate::run::BatchHeader;
use crate::tui;
use crate::tui::batch::{BatchLeft, BatchNews, BatchSource, show};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;

/// The shortest pause between two looks at a batch of which more may come, and else.
const LIVE: Duration = Duration::from_millis(400);
const REST: Duration = Duration::from_secs(3);

/// Whether this names a batch at an engine.
pub(super) fn is_at_engine(name: &str) -> bool {
    name.starts_with("restate://") || name.starts_with("restates://")
}

/// Follows a batch at an engine: in its view, or without a terminal as lines until it ends. Returns the exit code.
pub(super) async fn attach_remote(args: &mut AttachArgs) -> Result<u8, Failure> {
    let (address, name) =
        RestateAddress::with_name(&args.run).map_err(|fault| Failure::usage(fault.to_string()))?;
    let batch = RestateBatch::find(address, &name).await;
    let batch = batch.map_err(|error| Failure::usage(error.to_string()))?;
    let mut reader = RemoteReader::start(batch);
    if args.shown.headless || !is_interactive() {
        return follow_batch(&mut reader).await;
    }
    screen::complete(&mut args.screen, &screen::settings_here()?)?;
    screen::print_faults(&args.screen);
    view(&mut reader, &args.screen).await
}

/// Shows a batch at an engine until the user leaves.
async fn view(reader: &mut RemoteReader, look: &ScreenArgs) -> Result<u8, Failure> {
    let mut model = None;
    loop {
        let options = screen::options(reader.plan.to_string(), look);
        let left = show(reader, &mut model, options, false).await;
        let run = match left.map_err(|error| Failure::usage(error.to_string()))? {
            BatchLeft::Nothing(outcome) => return Ok(ended_by(outcome).unwrap_or(0)),
            BatchLeft::Open(run) => run,
        };
        let events = reader.batch.lock().await.events(&run).await;
        let opened = match events {
            Ok(events) => {
                let mut args = RunArgs {
                    screen: look.clone(),
                    ..RunArgs::by_default()
                };
                args.screen.from = OpenedFrom::Batch;
                let options = tui::Options {
                    replay: Some(0.0),
                    ..screen::options(reader.plan.to_string(), &args.screen)
                };
                Box::pin(look_from(args, events, options)).await
            }
            Err(error) => Err(Failure::usage(error.to_string())),
        };
        match opened {
            Ok(code) if code >= SIGNALLED => return Ok(code),
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

/// What is read of a batch at an engine.
struct RemoteReader {
    news: NewsQueue,
    tell: UnboundedSender<BatchNews>,
    batch: Arc<Mutex<RestateBatch>>,
    plan: Arc<str>,
    /// Ends with the reader.
    _reading: JoinSet<()>,
}

impl RemoteReader {
    fn start(batch: RestateBatch) -> Self {
        let (tell, news) = NewsQueue::new();
        let plan = batch.plan();
        let batch = Arc::new(Mutex::new(batch));
        let mut reading = JoinSet::new();
        reading.spawn(follow(Arc::clone(&batch), tell.clone()));
        Self {
            news,
            tell,
            batch,
            plan,
            _reading: reading,
        }
    }
}

impl BatchSource for RemoteReader {
    fn take(&mut self) -> Option<BatchNews> {
        self.news.take()
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        self.news.changed().boxed()
    }

    fn stop(&mut self) {}

    fn compare(&mut self) {
        let why = "batches at an engine are not compared: where this one was started, plandeck show BATCH can";
        let _ = self.tell.send(BatchNews::Compared(Err(why.to_owned())));
    }
}

/// Reads a batch again and again, as long as anyone wants to know.
async fn follow(batch: Arc<Mutex<RestateBatch>>, news: UnboundedSender<BatchNews>) {
    let mut known = BatchHeader::default();
    let mut faulty = false;
    while !news.is_closed() {
        let began = Instant::now();
        match look(&mut *batch.lock().await, &mut known, &news).await {
            Ok(()) => faulty = false,
            // It may pass: it is read again, and told once.
            Err(error) => {
                if !faulty {
                    let _ = news.send(BatchNews::Fault(error.to_string()));
                }
                faulty = true;
            }
        }
        let pause = if known.live { LIVE } else { REST };
        // A large batch is not asked for all the time.
        tokio::time::sleep(pause.max(began.elapsed() * 2)).await;
    }
}

async fn look(
    batch: &mut RestateBatch,
    known: &mut BatchHeader,
    news: &UnboundedSender<BatchNews>,
) -> Result<(), ClientError> {
    if known.batch.is_empty() {
        // The view shows the plan before everything is counted.
        *known = BatchHeader {
            live: true,
            ..batch.header()
        };
        let _ = news.send(BatchNews::Header(known.clone()));
    }
    loop {
        let records = batch.changes().await?;
        let more = batch.has_more();
        let _ = news.send(BatchNews::Records(records, more));
        if !more {
            break;
        }
    }
    let header = batch.header();
    if header != *known {
        *known = header.clone();
        let _ = news.send(BatchNews::Header(header));
    }
    Ok(())
}
