//! Where the browser is sent once the user has permitted access: a port of this machine that takes one answer.

use crate::text::message::quote;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The path that the browser is sent to.
const PATH: &str = "/callback";

/// The longest request that is read, in bytes.
const MAX_REQUEST: usize = 16 << 10;

/// How long the user may take.
const PATIENCE: Duration = Duration::from_mins(10);

/// How long a request may take.
const REQUEST: Duration = Duration::from_secs(5);

/// The port.
pub(super) struct Redirect {
    listener: TcpListener,
    address: String,
}

impl Redirect {
    /// Listens on a free port of the loopback interface.
    pub(super) async fn listen() -> Result<Self, String> {
        let fault = |error: std::io::Error| format!("no port of this machine is free: {error}");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(fault)?;
        let port = listener.local_addr().map_err(fault)?.port();
        Ok(Self {
            listener,
            address: format!("http://127.0.0.1:{port}{PATH}"),
        })
    }

    /// Where the browser is to be sent.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// The address that the browser came to, with what it brings.
    pub(super) async fn answered(&self) -> Result<String, String> {
        let came = tokio::time::timeout(PATIENCE, self.first()).await;
        let answered = came.map_err(|_| {
            let minutes = PATIENCE.as_secs() / 60;
            format!("nobody permitted it within {minutes} minutes")
        })??;
        let base = reqwest::Url::parse(&self.address).map_err(|error| error.to_string())?;
        let url = base.join(&answered).map_err(|error| error.to_string())?;
        let said = |name: &str| {
            let mut pairs = url.query_pairs();
            let value = pairs.find(|(known, _)| known == name)?.1;
            Some(quote(&value, 500))
        };
        match (said("error"), said("error_description")) {
            (None, _) => Ok(url.into()),
            (Some(error), None) => Err(format!("access was refused: {error}")),
            (Some(error), Some(why)) => Err(format!("access was refused: {why} ({error})")),
        }
    }

    /// The path of the first request that is the answer. Browsers ask for other things too.
    async fn first(&self) -> Result<String, String> {
        loop {
            let (mut stream, _) = self.listener.accept().await.map_err(|e| e.to_string())?;
            let path = tokio::time::timeout(REQUEST, path(&mut stream)).await;
            let path = path.ok().flatten();
            let is_answer = path.as_deref().is_some_and(|path| {
                let rest = path.strip_prefix(PATH);
                rest.is_some_and(|rest| rest.starts_with('?'))
            });
            let (status, words) = if is_answer {
                (
                    "200 OK",
                    "Plandeck has the answer. This page can be closed.",
                )
            } else {
                ("404 Not Found", "There is nothing here.")
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{words}",
                words.len()
            );
            let _ = tokio::time::timeout(REQUEST, stream.write_all(answer.as_bytes())).await;
            let _ = stream.shutdown().await;
            if let Some(path) = path.filter(|_| is_answer) {
                return Ok(path);
            }
        }
    }
}

/// The path of a GET request.
async fn path(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    let mut chunk = [0; 2048];
    while !read.windows(4).any(|four| four == b"\r\n\r\n") {
        let count = stream.read(&mut chunk).await.ok()?;
        if count == 0 || read.len() + count > MAX_REQUEST {
            return None;
        }
        read.extend_from_slice(&chunk[..count]);
    }
    let text = String::from_utf8_lossy(&read);
    let mut words = text.lines().next()?.split(' ');
    (words.next() == Some("GET")).then_some(())?;
    words.next().map(str::to_owned)
}
