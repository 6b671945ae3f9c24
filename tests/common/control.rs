//! A client of the control interface that is nothing but a socket: requests are written byte for byte.

use super::process::wait_until;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// An answer: its status and its body.
pub(crate) type Answer = (u16, Value);

/// The socket of the only run that is live in a home, once it is there.
pub(crate) fn socket_in(home: &Path) -> PathBuf {
    let folder = home.join("run");
    let found = || {
        let files = std::fs::read_dir(&folder).ok()?;
        let paths = files.filter_map(|file| Some(file.ok()?.path()));
        let is_open = |path: &PathBuf| UnixStream::connect(real(path)).is_ok();
        paths.filter(is_open).last()
    };
    wait_until("the socket of a run", || found().is_some());
    found().unwrap()
}

/// The path of the socket itself, where the file at `path` holds it.
fn real(path: &Path) -> PathBuf {
    let kind = std::fs::metadata(path).unwrap().file_type();
    if kind.is_socket() {
        return path.to_path_buf();
    }
    std::fs::read_to_string(path).unwrap().trim_end().into()
}

/// Sends a request and returns the connection.
pub(crate) fn send(socket: &Path, method: &str, path: &str, body: &str) -> UnixStream {
    let mut stream = UnixStream::connect(real(socket)).unwrap();
    stream
        .write_all(request(method, path, "", body).as_bytes())
        .unwrap();
    stream
}

/// A request in which the server is asked to close the connection, so that its answer ends with it.
pub(crate) fn request(method: &str, path: &str, headers: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.0\r\nhost: run\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads an answer to its end.
pub(crate) fn answer(mut stream: impl Read) -> Answer {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").expect("an answer with a body");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {body}"));
    (status, body)
}

/// The run so far.
pub(crate) fn run_so_far(socket: &Path) -> Value {
    let (status, run) = answer(send(socket, "GET", "/v1/run", ""));
    assert_eq!(status, 200, "{run}");
    run
}

/// Sends a command.
pub(crate) fn command(socket: &Path, command: &Value) -> Answer {
    answer(send(socket, "POST", "/v1/commands", &command.to_string()))
}

/// Sends a command that is taken.
pub(crate) fn taken(socket: &Path, what: &Value) {
    let (status, answer) = command(socket, what);
    assert_eq!(
        (status, &answer["accepted"]),
        (202, &Value::Bool(true)),
        "{what}: {answer}"
    );
}

/// The events of a run from a number on, as they come.
pub(crate) fn events(socket: &Path, from: u64) -> impl Iterator<Item = Value> + use<> {
    let stream = send(socket, "GET", &format!("/v1/events?from={from}"), "");
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines.filter_map(|line| {
        let data = line.strip_prefix("data: ")?;
        Some(serde_json::from_str(data).unwrap())
    })
}
