//! Messages over the pipes of a program: one JSON object a line.

use super::MAX_MESSAGE;
use super::listeners::Listeners;
use super::observed::Observed;
use crate::run::LogStream;
use crate::text::json;
use crate::text::message::{clean, quote};
use crate::tools::SharedSecrets;
use rmcp::model::{
    ClientJsonRpcMessage, GetExtensions, RequestId, ServerJsonRpcMessage, ServerRequest,
};
use rmcp::service::RoleClient;
use rmcp::transport::Transport;
use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio_util::sync::DropGuard;

/// A longer line that is no message is cut in the log, in bytes.
const MAX_LINE: usize = 8 << 10;

/// Whether a request was sent. It travels with the request.
#[derive(Clone, Debug, Default)]
pub(super) struct SentMark(Arc<AtomicBool>);

impl SentMark {
    pub(super) fn is_sent(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn set(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// The pipes of a server's program.
pub(super) struct Pipes<R, W> {
    read: BufReader<R>,
    line: Vec<u8>,
    write: Arc<tokio::sync::Mutex<Option<W>>>,
    asked: Arc<Mutex<HashSet<RequestId>>>,
    aside: Aside,
    /// The program ends with the connection.
    _program: DropGuard,
}

/// Where what is no message goes.
pub(super) struct Aside {
    pub listeners: Arc<Listeners>,
    pub observed: Arc<Observed>,
    pub secrets: SharedSecrets,
}

impl<R: AsyncRead + Unpin, W> Pipes<R, W> {
    pub(super) fn new(read: R, write: W, aside: Aside, program: DropGuard) -> Self {
        Self {
            read: BufReader::with_capacity(64 << 10, read),
            line: Vec::new(),
            write: Arc::new(tokio::sync::Mutex::new(Some(write))),
            asked: Arc::default(),
            aside,
            _program: program,
        }
    }

    /// Reads up to the end of a line; what was read stays if this is dropped. `false` where nothing more is to be read.
    async fn read_line(&mut self) -> bool {
        loop {
            let available = match self.read.fill_buf().await {
                Ok([]) => return false,
                Ok(available) => available,
                Err(error) => {
                    let fault = format!("its standard output cannot be read: {error}");
                    self.aside.observed.fault(fault);
                    return false;
                }
            };
            let end = available.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(available.len(), |end| end + 1);
            if self.line.len() + taken > MAX_MESSAGE {
                let fault = format!(
                    "it sent a message of more than {} MB and was stopped; let it give less at once, or the path of a file",
                    MAX_MESSAGE >> 20
                );
                self.aside.observed.fault(fault);
                return false;
            }
            self.line.extend_from_slice(&available[..taken]);
            self.read.consume(taken);
            if end.is_some() {
                return true;
            }
        }
    }

    /// The message that the line is; `None` where it is none, or one that need not be known.
    fn message(&self) -> Option<ServerJsonRpcMessage> {
        let line = self.line.trim_ascii();
        if line.is_empty() {
            return None;
        }
        match json::read::<ServerJsonRpcMessage>(line) {
            Ok(message) if is_echo(&message) => {
                let fault = "it sends back what it is sent, so it is not an MCP server";
                self.aside.observed.fault(fault);
                None
            }
            Ok(message) => {
                self.note_answer(&message);
                Some(message)
            }
            Err(error) if error.is_refusal() => {
                self.aside.observed.fault(format!("it sent {error}"));
                None
            }
            Err(_) => {
                self.set_aside(line);
                None
            }
        }
    }

    /// An answer to a request that was not made explains why another one stays without.
    fn note_answer(&self, message: &ServerJsonRpcMessage) {
        let id = match message {
            ServerJsonRpcMessage::Response(response) => &response.id,
            ServerJsonRpcMessage::Error(error) => match &error.id {
                Some(id) => id,
                None => return,
            },
            _ => return,
        };
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if !asked.remove(id) {
            let observed = &self.aside.observed;
            observed.odd(|| {
                format!(
                    "it answered a request {} that was not made",
                    quote(&id.to_string(), 80)
                )
            });
        }
    }

    /// What a program prints for people does not belong on this pipe, but is no reason to give up.
    fn set_aside(&self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        // Messages of later versions of the protocol are not known, and no text for people.
        if serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok() {
            return;
        }
        let text = clean(&self.aside.secrets.now().redact(&text), MAX_LINE);
        let observed = &self.aside.observed;
        observed.odd(|| {
            format!(
                "its standard output has what is not a message: {}",
                quote(&text, 200)
            )
        });
        self.aside.listeners.say(LogStream::Stdout, &text);
    }
}

/// Whether a message is a request that only clients make.
fn is_echo(message: &ServerJsonRpcMessage) -> bool {
    let ServerJsonRpcMessage::Request(request) = message else {
        return false;
    };
    matches!(&request.request, ServerRequest::CustomRequest(custom)
        if matches!(&*custom.method, "server/discover" | "initialize" | "tools/list" | "tools/call"))
}

impl<R, W> Transport<RoleClient> for Pipes<R, W>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send + 'static,
{
    type Error = io::Error;

    fn send(
        &mut self,
        message: ClientJsonRpcMessage,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let write = Arc::clone(&self.write);
        let asked = Arc::clone(&self.asked);
        async move {
            let mut write = write.lock().await;
            let Some(pipe) = write.as_mut() else {
                return Err(io::ErrorKind::NotConnected.into());
            };
            let mut line = serde_json::to_vec(&message)?;
            line.push(b'\n');
            let mut sent = None;
            if let ClientJsonRpcMessage::Request(request) = &message {
                let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
                asked.insert(request.id.clone());
                sent = request.request.extensions().get::<SentMark>();
            }
            pipe.write_all(&line).await?;
            // A line that was not written to its end is no request.
            if let Some(mark) = sent {
                mark.set();
            }
            pipe.flush().await
        }
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            if !self.read_line().await {
                return None;
            }
            let message = self.message();
            self.line.clear();
            if message.is_some() {
                return message;
            }
            if self.aside.observed.has_fault() {
                return None;
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        // A program that is to end sees the end of its input.
        drop(self.write.lock().await.take());
        Ok(())
    }
}
