//! A server on this machine that says exactly what a test has it say, as slowly as the test wants.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One thing that the server does with a connection.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// It sends this.
    Say(String),
    /// It sends this again and again, with a pause after each, until the client has gone.
    Repeat(String, Duration),
    /// It waits until the client has gone.
    Hang,
    /// It waits until the test says that it may go on.
    Wait,
}

/// The head of a stream.
pub(crate) const STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

/// A stream of these events, which ends with the connection.
pub(crate) fn stream(events: &[Value]) -> String {
    let events: String = events.iter().map(sse).collect();
    format!("{STREAM}{events}data: [DONE]\n\n")
}

/// One event.
pub(crate) fn sse(event: &Value) -> String {
    format!("data: {event}\n\n")
}

/// A chunk of a chat completion with this text.
pub(crate) fn chunk(text: &str) -> Value {
    serde_json::json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]})
}

/// The last chunks of a chat completion: why it ends, and what it used.
pub(crate) fn end(reason: &str, input: u64, output: u64) -> [Value; 2] {
    [
        serde_json::json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}),
        serde_json::json!({"choices": [], "usage": {"prompt_tokens": input, "completion_tokens": output}}),
    ]
}

/// The server; its threads end with the test program.
pub(crate) struct RawServer {
    address: String,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
    heads: Arc<Mutex<Vec<String>>>,
    go_on: Sender<()>,
}

impl RawServer {
    /// A server that treats its connections in turn so, and further ones as the last.
    pub(crate) fn start(connections: Vec<Vec<Act>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let bodies = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let (go_on, waits) = channel();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let (kept, waits) = (Arc::clone(&bodies), Arc::new(Mutex::new(waits)));
        let said = Arc::clone(&heads);
        std::thread::spawn(move || {
            for (at, stream) in listener.incoming().enumerate() {
                let acts = connections.get(at).or(connections.last()).cloned();
                let (kept, waits) = (Arc::clone(&kept), Arc::clone(&waits));
                let said = Arc::clone(&said);
                std::thread::spawn(move || {
                    let acts = acts.unwrap_or_default();
                    let _ = serve(stream.unwrap(), acts, (&said, &kept), &waits);
                });
            }
        });
        Self {
            address,
            bodies,
            heads,
            go_on,
        }
    }

    /// Its address, without a path.
    pub(crate) fn url(&self) -> &str {
        &self.address
    }

    /// The bodies of the requests so far; null, where one is not JSON.
    pub(crate) fn bodies(&self) -> Vec<Value> {
        let bodies = self.raw_bodies().into_iter();
        bodies
            .map(|body| serde_json::from_slice(&body).unwrap_or_default())
            .collect()
    }

    /// The same as bytes.
    pub(crate) fn raw_bodies(&self) -> Vec<Vec<u8>> {
        self.bodies.lock().unwrap().clone()
    }

    /// The heads of the requests so far, in lower case.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// Lets one connection that waits go on.
    pub(crate) fn go_on(&self) {
        self.go_on.send(()).unwrap();
    }
}

fn serve(
    mut stream: TcpStream,
    acts: Vec<Act>,
    (heads, bodies): (&Mutex<Vec<String>>, &Mutex<Vec<Vec<u8>>>),
    go_on: &Mutex<Receiver<()>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut length = 0;
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.is_empty() {
            break;
        }
        head.push_str(&line);
        head.push('\n');
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    heads.lock().unwrap().push(head);
    bodies.lock().unwrap().push(body);
    for act in acts {
        match act {
            Act::Say(text) => stream.write_all(text.as_bytes())?,
            Act::Repeat(text, pause) => loop {
                stream.write_all(text.as_bytes())?;
                std::thread::sleep(pause);
            },
            Act::Hang => {
                let _ = reader.read(&mut [0; 1])?;
            }
            Act::Wait => {
                let _ = go_on.lock().unwrap().recv();
            }
        }
    }
    Ok(())
}
