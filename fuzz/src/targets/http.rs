//! What a server answers to an `http` tool, byte for byte.

use super::{SERVER, run_to_end};
use crate::Target;
use plandeck::{Execution, ExecutionPlan, SmallModelWorker};
use serde_json::json;

/// The target.
pub const TARGET: Target = Target {
    name: "http",
    run,
    words: &[
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 204 No Content\r\n",
        "HTTP/1.1 302 Found\r\n",
        "HTTP/1.0 ",
        "HTTP/1.1 429 Too Many Requests\r\n",
        "HTTP/1.1 500 \r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "content-length: ",
        "transfer-encoding: chunked\r\n",
        "content-type: application/json",
        "; charset=utf-16",
        "charset=shift_jis",
        "location: /",
        "location: http://[::1",
        "retry-after: ",
        "Wed, 21 Oct 2099 07:28:00 GMT",
        "99999999999999999999",
        "-1",
        "0\r\n\r\n",
        "5\r\nhello\r\n",
        "\r\n",
        "\r\n\r\n",
        "{\"a\": 1}",
        "\u{feff}",
        "[",
        "{",
        "\"",
        "connection: close\r\n",
        "content-encoding: gzip\r\n",
        "set-cookie: a=b\r\n",
        "\u{202e}",
        "\u{1b}[2J",
        "\0",
    ],
};

/// Calls a tool whose server answers with these bytes.
pub fn run(data: &[u8]) {
    SERVER.answers(data.to_vec());
    let plan = ExecutionPlan::from_value(json!({
        "tools": {"ask": {"type": "http", "method": "POST", "url": format!("{}/x", SERVER.address()), "timeout_s": 3}},
        "steps": [{"id": "a", "tool": "ask", "parameters": {"q": 1}}],
    }))
    .expect("the plan is sound");
    run_to_end(Execution::new(&plan).worker(&SmallModelWorker::offline()));
}
