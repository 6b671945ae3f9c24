//! Items that are running at a Restate server: as much of each as its journal has.
//!
//! What the worker puts on record before it goes on are results of durable steps, which the server tells anyone who asks its
//! admin interface.

use super::client::{Client, ClientError, quoted};
use super::framed::Framed;
use crate::session::ItemStep;
use serde_json::Value;
use std::collections::HashMap;
use std::fmt::Write as _;

/// The most items that are read at the same time, those that have waited longest first.
const MOST: usize = 256;

/// How a Restate server calls an invocation.
#[derive(Clone, Debug, Default)]
pub(super) struct Invocation {
    /// The key with which it was sent.
    pub key: String,
    /// The id that the server gave it.
    pub id: String,
}

/// An item that was sent, as far as it is known here.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub invocation: Invocation,
    pub has_ended: bool,
    /// The entries of its journal, when it was looked at last.
    entries: u64,
    /// Whether the journal was read to that entry.
    is_read: bool,
    /// The first entry that was not read.
    next: u64,
    /// The events on record, while it is running.
    events: Vec<u8>,
}

impl Sent {
    /// Takes in how it stands.
    pub(super) fn changed(&mut self, invocation: &Invocation, has_ended: bool, entries: u64) {
        self.invocation = invocation.clone();
        self.has_ended = has_ended;
        self.is_read &= self.entries == entries;
        self.entries = entries;
        if has_ended {
            // The reply has them all.
            self.events = Vec::new();
        }
    }

    /// Whether that is how it stands, and what it has on record is known.
    pub(super) fn is_as(&self, has_ended: bool, entries: u64) -> bool {
        self.has_ended == has_ended && (has_ended || self.is_read && self.entries == entries)
    }

    /// The events on record, while it is running.
    pub(super) fn so_far(&self) -> &[u8] {
        &self.events
    }
}

/// Reads what has been put on record of these items since.
///
/// # Errors
/// Where the server cannot be asked.
pub(super) async fn read_on(client: &Client, running: Vec<&mut Sent>) -> Result<(), ClientError> {
    let unread = running.into_iter().filter(|sent| !sent.is_read);
    let mut unread: Vec<&mut Sent> = unread.collect();
    if unread.is_empty() {
        return Ok(());
    }
    unread.sort_by_key(|sent| sent.next);
    unread.truncate(MOST);
    let first = unread[0].next;
    let mut ids = String::new();
    for sent in &unread {
        let comma = if ids.is_empty() { "" } else { ", " };
        let _ = write!(ids, "{comma}'{}'", quoted(&sent.invocation.id));
    }
    let query = format!(
        "select id, index, entry_json from sys_journal where id in ({ids}) and index >= {first} and entry_type = \
         'Notification: Run' order by index"
    );
    let rows = client.query(&query).await?;
    let mut by_id: HashMap<String, &mut Sent> = HashMap::new();
    for sent in unread {
        sent.is_read = true;
        by_id.insert(sent.invocation.id.clone(), sent);
    }
    for row in &rows {
        let sent = row["id"].as_str().and_then(|id| by_id.get_mut(id));
        let (Some(sent), Some(index)) = (sent, row["index"].as_u64()) else {
            continue;
        };
        if index >= sent.next {
            sent.next = index + 1;
            sent.events.extend(recorded(&row["entry_json"]));
        }
    }
    Ok(())
}

/// The events that an entry of a journal has put on record; none where it is another one.
fn recorded(entry: &Value) -> Vec<u8> {
    let entry = entry.as_str().map(serde_json::from_str::<Value>);
    let Some(Ok(entry)) = entry else {
        return Vec::new();
    };
    let result = &entry["Notification"]["Completion"]["Run"]["result"]["Success"];
    let bytes: Result<Vec<u8>, _> = serde_json::from_value(result.clone());
    let step = bytes.map(|bytes| Framed::<ItemStep>::read(&bytes));
    step.ok()
        .and_then(Result::ok)
        .map_or_else(Vec::new, |step| step.data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_are_read_from_an_entry_as_the_server_has_it() {
        let step = Framed {
            head: ItemStep::Events,
            data: vec![1, 2, 250],
        };
        let bytes = step.to_bytes().unwrap();
        let entry = |result: Value| {
            let run = json!({"completion_id": 4, "result": result});
            json!(json!({"Notification": {"Completion": {"Run": run}}}).to_string())
        };
        assert_eq!(recorded(&entry(json!({"Success": bytes}))), [1, 2, 250]);
        for other in [
            entry(json!({"Failure": {"code": 409, "message": "cancelled"}})),
            entry(json!({"Success": [4, 0, 0, 0, 1]})),
            json!("{"),
            Value::Null,
        ] {
            assert!(recorded(&other).is_empty());
        }
    }

    #[test]
    fn an_item_is_read_again_only_where_its_journal_has_grown() {
        let invocation = Invocation::default();
        let mut sent = Sent::default();
        sent.changed(&invocation, false, 3);
        assert!(!sent.is_as(false, 3), "nothing of it was read");
        sent.is_read = true;
        assert!(sent.is_as(false, 3));
        sent.changed(&invocation, false, 3);
        assert!(sent.is_as(false, 3) && !sent.is_as(false, 5));
        sent.changed(&invocation, false, 5);
        assert!(!sent.is_as(false, 5));
        sent.events = vec![1];
        sent.changed(&invocation, true, 9);
        assert!(sent.is_as(true, 9) && sent.so_far().is_empty());
    }
}
