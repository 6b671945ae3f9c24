//! What a Restate server has of a batch, for whoever follows it: the batch, its items, and the events of each.
//!
//! All of it is read without a worker.

use super::address::RestateAddress;
use super::client::{Client, ClientError, Known, quoted};
use super::framed::Framed;
use super::handle::name_of;
use super::running_items::{Invocation, Sent, read_on};
use super::{BATCHES, ITEM, RECORD, SERVICE};
use crate::run::{
    BatchHeader, ErrorKind, ExecutionResult, ItemFigures, ItemFold, ItemRecord, ResourceLimits,
    RunError, RunEvent, RunState, RunWord,
};
use crate::session::{BatchDefinition, BatchElsewhere, ItemReply, unpacked};
use crate::units::{Micros, Money};
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Changes that are read in one piece: few enough for a frame in between.
const PIECE: usize = 500;

/// Outputs that are asked for at the same time.
const AT_ONCE: usize = 16;

/// Without any change for so long, and with no item running, whoever sent the batch is taken to be gone.
const QUIET: Duration = Duration::from_mins(1);

/// What is kept of a batch for whoever follows it. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct BatchRecord {
    /// The plan's name.
    pub plan: Arc<str>,
    /// When it started.
    pub started: i64,
    /// When it was started or resumed last.
    pub resumed: i64,
    /// Its items, where that is known.
    pub items: Option<u64>,
    /// The ids of the plan's steps.
    pub steps: Arc<[Arc<str>]>,
    /// Whether more of its items may be sent.
    pub open: bool,
}

impl BatchRecord {
    pub(super) fn of(batch: &BatchElsewhere) -> Self {
        let now = Timestamp::now().as_millisecond();
        Self {
            plan: Arc::clone(&batch.plan),
            started: milliseconds(&batch.started_at),
            resumed: now,
            items: batch.items,
            steps: batch.steps.clone().into(),
            open: true,
        }
    }
}

/// What the engine is told of a batch that begins.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct BatchStart {
    pub record: BatchRecord,
    pub digest: Arc<str>,
    pub definition: BatchDefinition,
}

/// What the account of a batch begins with.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct BudgetStart {
    pub limits: ResourceLimits,
    pub track_cost: bool,
    #[serde(with = "crate::session::pico")]
    pub spent: Money,
}

/// A batch whose items were sent to a Restate server, followed from anywhere.
#[derive(Debug)]
pub struct RestateBatch {
    client: Client,
    batch: Arc<str>,
    /// The latest change that is known.
    since: String,
    changed_at: Instant,
    record: Option<BatchRecord>,
    /// The keys of the invocations of each item, by how many times it was sent.
    items: HashMap<u64, Item>,
    /// Changes that are known and not told yet, the first last.
    left: Vec<Changed>,
    /// The item of each run.
    runs: HashMap<Arc<str>, u64>,
    running: usize,
}

#[derive(Debug, Default)]
struct Item {
    /// Its invocations, by how many times it was sent.
    sent: BTreeMap<u32, Sent>,
}

/// An invocation that has changed.
#[derive(Debug)]
struct Changed {
    index: u64,
    key: Arc<str>,
    time: u32,
    invocation: Invocation,
    has_ended: bool,
    /// The entries of its journal.
    entries: u64,
    at: String,
    created: i64,
}

impl RestateBatch {
    /// The batch at this server whose id this is or uniquely begins with; `last` is the one that was started or resumed
    /// last.
    ///
    /// # Errors
    /// Where the server cannot be asked, or has no such batch.
    pub async fn find(address: RestateAddress, name: &str) -> Result<Self, ClientError> {
        let client = Client::new(address);
        client.known_version().await?;
        let known = batches(&client).await?;
        let mut found: Vec<&(Arc<str>, BatchRecord)> = known
            .iter()
            .filter(|(id, _)| name == "last" || id.starts_with(name))
            .collect();
        found.sort_by_key(|(id, record)| (**id == *name, record.resumed));
        let found = match (found.as_slice(), name) {
            ([], _) => {
                let place = client.address.as_str();
                let all: Vec<String> = known
                    .iter()
                    .take(20)
                    .map(|(id, record)| format!("\n  {id}  {}", record.plan))
                    .collect();
                let message = match all.as_slice() {
                    [] => format!("{place} has no batch"),
                    all => format!("{place} has no batch {name:?}; it has{}", all.concat()),
                };
                return Err(ClientError::NotFound(message));
            }
            ([.., last], "last") => last,
            ([.., (id, _)], name) if **id == *name => &found[found.len() - 1],
            ([one], _) => one,
            _ => {
                let message = format!("several batches begin with {name:?}: write more of the id");
                return Err(ClientError::NotFound(message));
            }
        };
        let (batch, record) = (Arc::clone(&found.0), found.1.clone());
        Ok(Self {
            client,
            batch,
            since: String::new(),
            changed_at: Instant::now(),
            record: Some(record),
            items: HashMap::new(),
            left: Vec::new(),
            runs: HashMap::new(),
            running: 0,
        })
    }

    /// Its id.
    pub const fn id(&self) -> &Arc<str> {
        &self.batch
    }

    /// The plan's name.
    pub fn plan(&self) -> Arc<str> {
        let record = self.record.as_ref();
        record.map_or_else(Arc::default, |record| Arc::clone(&record.plan))
    }

    /// What is known of it as a whole, as of the last [`changes`](Self::changes).
    pub fn header(&self) -> BatchHeader {
        let mut header = BatchHeader {
            batch: Arc::clone(&self.batch),
            ..BatchHeader::default()
        };
        if let Some(record) = &self.record {
            header.plan = Arc::clone(&record.plan);
            header.started = record.started;
            header.resumed = record.resumed;
            header.items = record.items;
            header.steps = Arc::clone(&record.steps);
            let is_quiet = self.changed_at.elapsed() > QUIET;
            header.live = self.running > 0 || record.open && !is_quiet;
        }
        header
    }

    /// Whether [`changes`](Self::changes) has more to tell at once.
    pub fn has_more(&self) -> bool {
        !self.left.is_empty()
    }

    /// The runs of items that have changed since the last call, some at a time.
    ///
    /// # Errors
    /// Where the server cannot be asked.
    pub async fn changes(&mut self) -> Result<Vec<ItemRecord>, ClientError> {
        if self.left.is_empty() {
            self.look().await?;
        }
        let count = self.left.len().min(PIECE);
        let piece = self.left.split_off(self.left.len() - count);
        let this = &*self;
        let reading: Vec<_> = piece.iter().map(|it| this.record_of(it).boxed()).collect();
        let records = futures::stream::iter(reading)
            .buffered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        let records: Result<Vec<ItemRecord>, ClientError> = records.into_iter().collect();
        match records {
            Ok(records) => {
                for record in &records {
                    self.runs.insert(Arc::clone(&record.run_id), record.index);
                }
                Ok(records)
            }
            Err(error) => {
                // They are asked for again.
                self.left.extend(piece);
                Err(error)
            }
        }
    }

    /// Looks at what has changed.
    async fn look(&mut self) -> Result<(), ClientError> {
        // First whether more may come: what is read after that is all there is.
        let record = record_of(&self.client, &self.batch).await?;
        let changed = self.changed().await?;
        if !changed.is_empty() || record != self.record {
            self.changed_at = Instant::now();
        }
        self.record = record.or_else(|| self.record.take());
        for it in &changed {
            let item = self.items.entry(it.index).or_default();
            let sent = item.sent.entry(it.time).or_default();
            sent.changed(&it.invocation, it.has_ended, it.entries);
            if it.at > self.since {
                self.since.clone_from(&it.at);
            }
        }
        // Of an item that was sent again the last time counts.
        let is_last = |it: &Changed| {
            let item = self.items.get(&it.index);
            item.is_some_and(|item| item.sent.keys().last() == Some(&it.time))
        };
        self.left = changed.into_iter().filter(is_last).collect();
        self.left.reverse();
        let running = self.items.values_mut();
        let running = running.filter_map(|item| item.sent.values_mut().last());
        let running: Vec<&mut Sent> = running.filter(|sent| !sent.has_ended).collect();
        self.running = running.len();
        if let Err(error) = read_on(&self.client, running).await {
            // What they are doing is read the next time; that they are running is known.
            tracing::debug!(%error, "the journals of items that are running cannot be read");
        }
        Ok(())
    }

    /// The invocations that have changed.
    async fn changed(&self) -> Result<Vec<Changed>, ClientError> {
        let since = match &*self.since {
            "" => String::new(),
            at => format!(" and modified_at >= '{}'", quoted(at)),
        };
        let query = format!(
            "select id, idempotency_key, status, journal_size, created_at, modified_at from sys_invocation where target = \
             '{SERVICE}/{ITEM}' and starts_with(idempotency_key, '{}:'){since} order by modified_at",
            quoted(&self.batch)
        );
        let rows = self.client.query(&query).await?;
        let read = |row: &Value| {
            let key = row["idempotency_key"].as_str()?;
            let (name, time) = name_of(key)?;
            let mut parts = name.splitn(3, '/');
            let (_, index, of_item) = (parts.next()?, parts.next()?, parts.next()?);
            let at = row["modified_at"].as_str()?;
            Some(Changed {
                index: index.parse().ok()?,
                key: of_item.into(),
                time,
                invocation: Invocation {
                    key: key.to_owned(),
                    id: row["id"].as_str().unwrap_or_default().to_owned(),
                },
                has_ended: row["status"] == "completed",
                entries: row["journal_size"].as_u64().unwrap_or_default(),
                at: at.to_owned(),
                created: milliseconds(row["created_at"].as_str().unwrap_or_default()),
            })
        };
        let is_known = |it: &Changed| {
            let item = self.items.get(&it.index);
            let known = item.and_then(|item| item.sent.get(&it.time));
            known.is_some_and(|sent| sent.is_as(it.has_ended, it.entries))
        };
        let changed = rows.iter().filter_map(read);
        Ok(changed.filter(|it| !is_known(it)).collect())
    }

    /// The run of an item as it stands.
    async fn record_of(&self, it: &Changed) -> Result<ItemRecord, ClientError> {
        let mut record = ItemRecord {
            run_id: it.index.to_string().into(),
            row: 1,
            key: Arc::clone(&it.key),
            index: it.index,
            status: RunWord::Running,
            cost: None,
            latency: Micros(0),
            started: it.created,
            figures: ItemFigures::default(),
        };
        let (events, refused) = self.replies(it.index).await?;
        let run = RunState::from_events(&events);
        record.figures = ItemFold::of(&events);
        if it.has_ended || run.header.is_some() {
            let result = ExecutionResult::of(&run);
            record.latency = Micros((result.latency_ms * 1e3) as u64);
            record.cost = result.cost;
            if run.has_ended() {
                record.status = RunWord::from(result.status);
            }
        }
        if let Some(header) = &run.header {
            record.run_id = Arc::clone(&header.run_id);
            record.started = milliseconds(&header.started_at);
        }
        if it.has_ended && !run.has_ended() {
            record.status = RunWord::Failed;
            let why = refused.map(|why| RunError::of_run(ErrorKind::PlanError, why));
            record.figures.error = why.map(Box::new).or(record.figures.error);
        }
        Ok(record)
    }

    /// The events of the run of an item, as far as they have come back, and why it could not be run to its end.
    async fn replies(&self, index: u64) -> Result<(Vec<RunEvent>, Option<String>), ClientError> {
        let sent = self
            .items
            .get(&index)
            .into_iter()
            .flat_map(|it| it.sent.values());
        let (mut replies, mut refused) = (Vec::new(), None);
        for sent in sent {
            refused = None;
            if !sent.has_ended {
                replies.push(sent.so_far().to_vec());
                continue;
            }
            match self.client.look_up(ITEM, &sent.invocation.key).await {
                Ok(Known::Ended(body)) => match Framed::<ItemReply>::read(&body) {
                    Ok(reply) => {
                        replies.push(reply.data);
                        if let ItemReply::Refused { why } = reply.head {
                            refused = Some(why);
                        }
                    }
                    Err(error) => refused = Some(error.to_string()),
                },
                Ok(Known::Running) => {}
                Err(lost @ ClientError::Lost(..)) => return Err(lost),
                Err(error) => refused = Some(error.to_string()),
            }
        }
        Ok((unpacked(replies.iter().map(Vec::as_slice)), refused))
    }

    /// The events of a run of an item, to look at it.
    ///
    /// # Errors
    /// Where the server cannot be asked; where the item has not ended.
    pub async fn events(&self, run_id: &str) -> Result<Vec<RunEvent>, ClientError> {
        let index = self.runs.get(run_id).copied();
        let index = index.ok_or_else(|| ClientError::NotFound(format!("no run {run_id}")))?;
        let (events, refused) = self.replies(index).await?;
        if events.is_empty() {
            let why = refused
                .unwrap_or_else(|| "the engine has no step of the item on record yet".to_owned());
            return Err(ClientError::NotFound(why));
        }
        Ok(events)
    }
}

/// A time of the server in milliseconds since 1970; 0 where it is none.
fn milliseconds(time: &str) -> i64 {
    time.parse::<Timestamp>()
        .map_or(0, Timestamp::as_millisecond)
}

/// The batches that the server knows.
async fn batches(client: &Client) -> Result<Vec<(Arc<str>, BatchRecord)>, ClientError> {
    let query = format!(
        "select service_key, value_utf8 from state where service_name = '{BATCHES}' and key = '{RECORD}'"
    );
    let rows = client.query(&query).await?;
    let read = |row: &Value| {
        let record = serde_json::from_str(row["value_utf8"].as_str()?).ok()?;
        Some((row["service_key"].as_str()?.into(), record))
    };
    Ok(rows.iter().filter_map(read).collect())
}

async fn record_of(client: &Client, batch: &str) -> Result<Option<BatchRecord>, ClientError> {
    let query = format!(
        "select value_utf8 from state where service_name = '{BATCHES}' and service_key = '{}' and key = '{RECORD}'",
        quoted(batch)
    );
    let rows = client.query(&query).await?;
    let text = rows.first().and_then(|row| row["value_utf8"].as_str());
    Ok(text.and_then(|text| serde_json::from_str(text).ok()))
}
