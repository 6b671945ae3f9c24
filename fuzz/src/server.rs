//! A server on this machine that gives every request the same answer, whatever the answer is.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Longest request that is read.
const LONGEST: usize = 1 << 20;

/// The server; it runs as long as the process.
pub struct Server {
    address: String,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Server {
    /// Starts it on a free port.
    pub fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = format!("http://{}", listener.local_addr()?);
        let answer = Arc::new(Mutex::new(Vec::new()));
        let given = Arc::clone(&answer);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answer = given.lock().unwrap_or_else(PoisonError::into_inner).clone();
                // A client that has left is none of our business.
                std::thread::spawn(move || {
                    let _ = reply(stream, &answer);
                });
            }
        });
        Ok(Self { address, answer })
    }

    /// Its address, without a path.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sets the bytes of every answer from now on.
    pub fn answers(&self, bytes: Vec<u8>) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
    }
}

/// Reads the request whole, since a connection that is closed before is reset; then answers and closes.
fn reply(mut stream: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !is_whole(&request) && request.len() < LONGEST {
        match stream.read(&mut buffer)? {
            0 => break,
            count => request.extend_from_slice(&buffer[..count]),
        }
    }
    stream.write_all(answer)?;
    stream.shutdown(Shutdown::Write)?;
    while stream.read(&mut buffer)? > 0 {}
    Ok(())
}

fn is_whole(request: &[u8]) -> bool {
    let Some(head) = request.windows(4).position(|part| part == b"\r\n\r\n") else {
        return false;
    };
    let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .and_then(|length| length.trim().parse::<usize>().ok());
    request.len() >= head + 4 + length.unwrap_or(0)
}

/// A complete answer with status 200 and this JSON.
pub fn json_answer(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
