//! A server on this machine with a ledger: it records effects with the keys that they came with, and can be asked about them.

use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// When the server stops answering a request for an effect, until the client has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Before the effect is in the ledger.
    Before,
    /// After it.
    After,
    /// Never.
    No,
}

#[derive(Default)]
struct Entries {
    effects: Vec<(String, Value)>,
    requests: Vec<String>,
    questions: Vec<String>,
    holds: VecDeque<Hold>,
    held: usize,
    broken: u32,
    /// The keys of the requests that have come and are not in the ledger yet.
    pending: Vec<String>,
    delays: Option<fastrand::Rng>,
}

/// The server; its threads end with the test program.
///
/// `POST /effects` with a JSON body adds an entry under the header `Idempotency-Key`, unless it has one under that key, and
/// answers with the entry. `POST /blind` adds one whatever the key. `GET /effects?key=KEY` answers with
/// `{"effect": ENTRY or null}`, once no request with that key is being worked on.
pub(crate) struct Ledger {
    address: String,
    entries: Arc<(Mutex<Entries>, Condvar)>,
}

impl Ledger {
    /// An empty ledger, which holds its first requests for an effect so.
    pub(crate) fn start(holds: &[Hold]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let entries = Entries {
            holds: holds.iter().copied().collect(),
            ..Entries::default()
        };
        let entries = Arc::new((Mutex::new(entries), Condvar::new()));
        let kept = Arc::clone(&entries);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // Requests are taken in the order in which they come, so that a question does not overtake what it is about.
                let Ok(request) = Request::read(stream.unwrap(), &kept.0) else {
                    continue;
                };
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || {
                    let _ = serve(request, &kept);
                });
            }
        });
        Self { address, entries }
    }

    /// The same, with some milliseconds before and after each effect, drawn from `random`.
    pub(crate) fn slow(random: fastrand::Rng) -> Self {
        let ledger = Self::start(&[]);
        ledger.entries.0.lock().unwrap().delays = Some(random);
        ledger
    }

    /// Its address, without a path.
    pub(crate) fn url(&self) -> &str {
        &self.address
    }

    /// The keys of the effects, oldest first.
    pub(crate) fn effects(&self) -> Vec<String> {
        let entries = self.entries.0.lock().unwrap();
        entries.effects.iter().map(|(key, _)| key.clone()).collect()
    }

    /// The bodies of the effects, oldest first.
    pub(crate) fn bodies(&self) -> Vec<Value> {
        let entries = self.entries.0.lock().unwrap();
        entries
            .effects
            .iter()
            .map(|(_, body)| body.clone())
            .collect()
    }

    /// The keys of all requests for an effect.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.entries.0.lock().unwrap().requests.clone()
    }

    /// The keys that were asked about.
    pub(crate) fn questions(&self) -> Vec<String> {
        self.entries.0.lock().unwrap().questions.clone()
    }

    /// Has the next questions answered with status 500.
    pub(crate) fn fail_questions(&self, count: u32) {
        self.entries.0.lock().unwrap().broken = count;
    }

    /// Waits until so many requests are held.
    pub(crate) fn wait_for_held(&self, count: usize) {
        let (entries, changed) = &*self.entries;
        let known = entries.lock().unwrap();
        let wait = changed.wait_timeout_while(known, Duration::from_mins(1), |it| it.held < count);
        assert!(wait.unwrap().0.held >= count, "no request came");
    }
}

/// A request that has come.
struct Request {
    reader: BufReader<TcpStream>,
    first: String,
    key: String,
    body: Value,
}

impl Request {
    /// Reads it; one for an effect is pending from now on.
    fn read(stream: TcpStream, entries: &Mutex<Entries>) -> std::io::Result<Self> {
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut reader = BufReader::new(stream);
        let mut first = String::new();
        reader.read_line(&mut first)?;
        let (mut length, mut key) = (0, String::new());
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let Some((name, value)) = line.trim().split_once(':') else {
                break;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap(),
                "idempotency-key" => value.trim().clone_into(&mut key),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        reader.get_ref().set_read_timeout(None)?;
        if first.starts_with("POST") {
            let mut entries = entries.lock().unwrap();
            entries.requests.push(key.clone());
            entries.pending.push(key.clone());
        }
        Ok(Self {
            reader,
            first,
            key,
            body: serde_json::from_slice(&body).unwrap_or_default(),
        })
    }

    fn answer(&mut self, status: &str, body: &Value) -> std::io::Result<()> {
        let body = body.to_string();
        write!(
            self.reader.get_mut(),
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
    }
}

fn serve(mut request: Request, shared: &(Mutex<Entries>, Condvar)) -> std::io::Result<()> {
    let (entries, changed) = shared;
    if request.first.starts_with("GET") {
        let asked = request.first.split_once("key=").unwrap().1;
        let asked = asked.split_once(' ').unwrap().0;
        let asked = ["%2F/", "%5B[", "%5D]"]
            .iter()
            .fold(asked.to_owned(), |text, form| {
                text.replace(&form[..3], &form[3..])
            });
        let known = entries.lock().unwrap();
        let is_pending = |it: &mut Entries| it.pending.contains(&asked);
        let mut known = changed.wait_while(known, is_pending).unwrap();
        known.questions.push(asked.clone());
        if known.broken > 0 {
            known.broken -= 1;
            drop(known);
            return request.answer("500 Oops", &json!({"error": "the ledger is closed"}));
        }
        let effect = known.effects.iter().find(|(key, _)| *key == asked);
        let effect = effect.map(|(_, body)| body.clone());
        drop(known);
        return request.answer("200 OK", &json!({"effect": effect}));
    }
    let hold = entries.lock().unwrap().holds.pop_front();
    let pause = || {
        let mut entries = entries.lock().unwrap();
        let delay = entries.delays.as_mut().map(|it| it.u64(0..20));
        Duration::from_millis(delay.unwrap_or_default())
    };
    std::thread::sleep(pause());
    {
        let mut entries = entries.lock().unwrap();
        let is_first = entries.pending.iter().position(|key| *key == request.key);
        is_first.map(|at| entries.pending.swap_remove(at));
        let is_known = entries.effects.iter().any(|(key, _)| *key == request.key);
        if hold != Some(Hold::Before) && (request.first.contains("/blind") || !is_known) {
            let effect = (request.key.clone(), request.body.clone());
            entries.effects.push(effect);
        }
        entries.held += usize::from(matches!(hold, Some(Hold::Before | Hold::After)));
        changed.notify_all();
    }
    if matches!(hold, Some(Hold::Before | Hold::After)) {
        let _ = request.reader.read(&mut [0; 1]);
        return Ok(());
    }
    std::thread::sleep(pause());
    let body = request.body.clone();
    request.answer("200 OK", &body)
}
