//! `http` tools against a real server.

use crate::common::process::assert_stopped_in_time;
use crate::common::program::HANG;
use crate::common::toolbox::{
    call, catalog, environment, faults, output, refusal, run, toolbox_with,
};
use plandeck::models::SmallModelWorker;
use plandeck::run::ErrorKind;
use plandeck::tools::{Tool, Toolbox};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use wiremock::matchers::{
    body_json, body_string, header, method, path, query_param, query_param_is_missing,
};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

fn http(server: &MockServer, fields: &Value) -> Arc<dyn Tool> {
    http_with(server, fields, &[])
}

fn http_with(
    server: &MockServer,
    fields: &Value,
    variables: &[(&'static str, &'static str)],
) -> Arc<dyn Tool> {
    let mut tool = json!({"type": "http"});
    for (name, value) in fields.as_object().unwrap() {
        tool[name] = match value {
            Value::String(text) => text.replace("SERVER", &server.uri()).into(),
            other => other.clone(),
        };
    }
    let catalog = catalog(&json!({"tools": {"t": tool}}).to_string());
    toolbox_with(
        &catalog,
        &SmallModelWorker::offline(),
        environment(variables),
    )
    .tool("t")
    .unwrap()
}

async fn answers(server: &MockServer, template: ResponseTemplate) {
    Mock::given(wiremock::matchers::any())
        .respond_with(template)
        .mount(server)
        .await;
}

#[tokio::test]
async fn parameters_go_where_they_stand_and_the_rest_into_the_query() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/users/a%20b%2Fc/items"))
        .and(query_param("fixed", "yes 1"))
        .and(query_param("limit", "5"))
        .and(query_param("tag", "x"))
        .and(query_param_is_missing("id"))
        .and(query_param_is_missing("none"))
        .and(header("x-kind", "book"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([1, {"a": 2}])))
        .expect(1)
        .mount(&server)
        .await;
    let tool = http(
        &server,
        &json!({"url": "SERVER/users/{{id}}/items", "headers": {"x-kind": "{{kind}}"}, "query": {"fixed": "yes {{n}}"}}),
    );
    let input =
        json!({"id": "a b/c", "kind": "book", "n": 1, "limit": 5, "tag": ["x"], "none": null});
    assert_eq!(output(&tool, input).await, json!([1, {"a": 2}]));
    assert!(tool.policy().repeatable);
}

#[tokio::test]
async fn a_post_sends_the_rest_or_the_given_body() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/rest/7"))
        .and(body_json(json!({"a": 1, "b": ["x"]})))
        .and(header("content-type", "application/json"))
        .respond_with(ResponseTemplate::new(201).set_body_string("made\n"))
        .mount(&server)
        .await;
    Mock::given(method("PUT"))
        .and(body_json(
            json!({"n": 3, "text": "n is 3", "deep": [{"list": [1]}]}),
        ))
        .respond_with(ResponseTemplate::new(204))
        .mount(&server)
        .await;
    Mock::given(method("PATCH"))
        .and(body_string("plain 3"))
        .respond_with(ResponseTemplate::new(200).set_body_string("ok"))
        .mount(&server)
        .await;
    let rest = http(
        &server,
        &json!({"method": "post", "url": "SERVER/rest/{{id}}"}),
    );
    assert_eq!(
        output(&rest, json!({"id": 7, "a": 1, "b": ["x"]})).await,
        json!("made")
    );
    assert!(!rest.policy().repeatable);
    let body = json!({"n": "{{n}}", "text": "n is {{n}}", "deep": [{"list": "{{list}}"}]});
    let given = http(
        &server,
        &json!({"method": "PUT", "url": "SERVER/", "body": body}),
    );
    assert_eq!(
        output(&given, json!({"n": 3, "list": [1], "unused": true})).await,
        Value::Null
    );
    let text = http(
        &server,
        &json!({"method": "PATCH", "url": "SERVER/", "body": "plain {{n}}"}),
    );
    assert_eq!(output(&text, json!({"n": 3})).await, json!("ok"));
}

#[tokio::test]
async fn a_request_carries_the_name_of_its_attempt_or_the_key_of_the_catalog() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(|request: &Request| {
            let keys = request.headers.get_all("idempotency-key").iter();
            let keys: Vec<&str> = keys.map(|key| key.to_str().unwrap()).collect();
            ResponseTemplate::new(200).set_body_json(keys)
        })
        .mount(&server)
        .await;
    let plain = http(&server, &json!({"method": "POST", "url": "SERVER"}));
    let (call, _) = call(json!({}));
    let name = call.idempotency_key.to_string();
    assert_eq!(*plain.call(call).await.output.unwrap(), json!([name]));
    let own =
        json!({"method": "POST", "url": "SERVER", "headers": {"Idempotency-Key": "order-{{n}}"}});
    // It is no secret: the answer that quotes it is an output like any other.
    let keys = output(&http(&server, &own), json!({"n": 7})).await;
    assert_eq!(keys, json!(["order-7"]));
}

#[tokio::test]
async fn a_response_filter_shapes_the_output() {
    let server = MockServer::start().await;
    answers(
        &server,
        ResponseTemplate::new(200).set_body_json(json!({"data": {"items": [{"n": 1}, {"n": 2}]}})),
    )
    .await;
    let tool = http(
        &server,
        &json!({"url": "SERVER", "response": "[.data.items[].n]"}),
    );
    assert_eq!(output(&tool, json!({})).await, json!([1, 2]));
    let wrong = http(&server, &json!({"url": "SERVER", "response": ".data + 1"}));
    assert!(refusal(&wrong, json!({})).await.contains("`response`"));
}

#[tokio::test]
async fn errors_quote_the_answer_and_say_whether_to_try_again() {
    for (status, retryable) in [
        (400, false),
        (404, false),
        (408, true),
        (409, true),
        (429, true),
        (500, true),
        (503, true),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status)
            .insert_header("Retry-After", "3")
            .set_body_string(format!("\u{1b}[31mno such thing{}", "x".repeat(5000)));
        answers(&server, answer).await;
        let report = run(&http(&server, &json!({"url": "SERVER/it"})), json!({})).await;
        let error = report.output.unwrap_err();
        assert_eq!(
            (error.retryable, error.retry_after),
            (retryable, Some(Duration::from_secs(3))),
            "{status}"
        );
        assert!(
            error.message.contains(&status.to_string())
                && error.message.contains(": no such thing"),
            "{error}"
        );
        assert!(error.message.len() < 1000);
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_is_worth_another_try() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let hanging_up = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    let catalog =
        catalog(&json!({"tools": {"t": {"url": format!("http://{address}/")}}}).to_string());
    let toolbox = toolbox_with(&catalog, &SmallModelWorker::offline(), environment(&[]));
    let error = run(&toolbox.tool("t").unwrap(), json!({}))
        .await
        .output
        .unwrap_err();
    assert!(error.retryable, "{error}");
    hanging_up.abort();
}

#[tokio::test]
async fn answers_are_bounded() {
    let server = MockServer::start().await;
    answers(
        &server,
        ResponseTemplate::new(200).set_body_bytes(vec![b'x'; 33 << 20]),
    )
    .await;
    let message = refusal(&http(&server, &json!({"url": "SERVER"})), json!({})).await;
    assert!(message.contains("larger than 32 MB"), "{message}");
    let server = MockServer::start().await;
    answers(
        &server,
        ResponseTemplate::new(200).set_body_string("[".repeat(10_000)),
    )
    .await;
    let message = refusal(&http(&server, &json!({"url": "SERVER"})), json!({})).await;
    assert!(message.contains("nested deeper"), "{message}");
    let server = MockServer::start().await;
    answers(
        &server,
        ResponseTemplate::new(200).set_body_raw([b'a', 0xff], "text/plain"),
    )
    .await;
    let message = refusal(&http(&server, &json!({"url": "SERVER"})), json!({})).await;
    assert!(message.contains("UTF-8"), "{message}");
    let server = MockServer::start().await;
    let packed = ResponseTemplate::new(200).insert_header("content-encoding", "br");
    answers(&server, packed.set_body_bytes([0x1f, 0x8b, 8, 0])).await;
    let message = refusal(&http(&server, &json!({"url": "SERVER"})), json!({})).await;
    assert!(
        message.contains("content encoding br, which was not asked for"),
        "{message}"
    );
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, text).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn compressed_answers_are_read_and_bounded() {
    let server = MockServer::start().await;
    let gzip = || ResponseTemplate::new(200).insert_header("content-encoding", "gzip");
    Mock::given(wiremock::matchers::header_exists("accept-encoding"))
        .respond_with(gzip().set_body_bytes(packed(br#"{"a": [1, 2]}"#)))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    answers(
        &server,
        gzip().set_body_bytes(packed(&vec![b' '; 64 << 20])),
    )
    .await;
    let tool = http(&server, &json!({"url": "SERVER"}));
    assert_eq!(output(&tool, json!({})).await, json!({"a": [1, 2]}));
    // 64 kB become 64 MB.
    let message = refusal(&tool, json!({})).await;
    assert!(message.contains("larger than 32 MB"), "{message}");
    let broken = MockServer::start().await;
    answers(&broken, gzip().set_body_bytes([0x1f, 0x8b, 8, 0, 1, 2, 3])).await;
    let report = run(&http(&broken, &json!({"url": "SERVER"})), json!({})).await;
    assert!(report.output.unwrap_err().message.contains("decoding"));
}

#[tokio::test]
async fn the_character_set_of_an_answer_counts() {
    let server = MockServer::start().await;
    let body = ResponseTemplate::new(200)
        .set_body_raw(b"gr\xfc\xdf".to_vec(), "text/plain; charset=\"ISO-8859-1\"");
    answers(&server, body).await;
    let tool = http(&server, &json!({"url": "SERVER"}));
    assert_eq!(output(&tool, json!({})).await, "grüß");
}

/// A server with three pages of two items at `/list`, which says where the next one is in the body and in a header.
async fn in_pages(server: &MockServer) {
    Mock::given(path("/list"))
        .respond_with(|request: &Request| {
            let query: Vec<_> = request.url.query_pairs().into_owned().collect();
            let page = query.iter().find(|(name, _)| name == "page");
            let page: u32 = page.map_or(1, |(_, page)| page.parse().unwrap());
            let key = request.headers.get("idempotency-key").unwrap();
            let next = (page < 3).then_some(page + 1);
            let rest: Vec<String> = query
                .iter()
                .filter(|(name, _)| name != "page")
                .map(|(name, value)| format!("&{name}={value}"))
                .collect();
            let rest = rest.concat();
            let body = json!({
                "items": [format!("{page}a"), format!("{page}b")],
                "key": key.to_str().unwrap(),
                "next": next.map(|next| format!("list?page={next}{rest}")),
                "number": next,
            });
            let mut answer = ResponseTemplate::new(200).set_body_json(body);
            if let Some(next) = next {
                answer = answer.insert_header("link", format!("</list?page={next}>; rel=\"next\""));
            }
            answer
        })
        .mount(server)
        .await;
}

#[tokio::test]
async fn pages_are_read_to_the_last() {
    let server = MockServer::start().await;
    in_pages(&server).await;
    let all = json!(["1a", "1b", "2a", "2b", "3a", "3b"]);
    for next in [
        "link",
        ".next",
        "if .number then {page: .number} else null end",
    ] {
        let tool = http(
            &server,
            &json!({
                "url": "SERVER/list",
                "response": ".items",
                "pages": {"next": next},
                "parameters": [{"name": "size"}],
            }),
        );
        assert_eq!(output(&tool, json!({"size": 2})).await, all, "{next}");
    }
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 9);
    assert!(
        requests[3..6]
            .iter()
            .all(|it| it.url.query().unwrap().contains("size=2"))
    );
    let keys: std::collections::HashSet<_> = requests
        .iter()
        .map(|it| it.headers["idempotency-key"].clone())
        .collect();
    assert!(keys.len() >= 3, "each page has a key of its own");
    // Pages that are no lists become a list of them.
    let whole = http(
        &server,
        &json!({"url": "SERVER/list", "response": ".number", "pages": {"next": ".next"}}),
    );
    assert_eq!(output(&whole, json!({})).await, json!([2, 3, null]));
    // One page is a page too.
    let last = http(
        &server,
        &json!({"url": "SERVER/list?page=3", "response": ".items", "pages": {"next": ".next"}}),
    );
    assert_eq!(output(&last, json!({})).await, json!(["3a", "3b"]));
}

#[tokio::test]
async fn pages_that_do_not_end_or_lead_elsewhere_are_refused() {
    let server = MockServer::start().await;
    in_pages(&server).await;
    for (pages, says) in [
        (json!({"next": ".next", "max": 2}), "more than 2 pages"),
        (json!({"next": "{page: 1}"}), "does not lead on"),
        (
            json!({"next": "\"http://127.0.0.1:1/list\""}),
            "another host",
        ),
        (json!({"next": "7"}), "`pages.next` gives a number"),
        (
            json!({"next": ".items[0] / 2"}),
            "the filter `pages.next` failed",
        ),
    ] {
        let tool = http(&server, &json!({"url": "SERVER/list", "pages": pages}));
        let message = refusal(&tool, json!({})).await;
        assert!(message.contains(says), "{pages}: {message}");
    }
    for (pages, says) in [
        ("{}", "needs `next`"),
        ("{next: '.['}", "not a valid jq filter"),
        ("{next: link, max: 0}", "whole number from 1"),
        ("{next: link, size: 3}", "has no \"size\""),
    ] {
        let text = format!("tools: {{t: {{type: http, url: 'http://h', pages: {pages}}}}}");
        let found = faults(&text).join("\n");
        assert!(found.contains(says), "{pages}: {found}");
    }
    let large = MockServer::start().await;
    answers(
        &large,
        ResponseTemplate::new(200).set_body_json(json!({"a": "x".repeat(9 << 20)})),
    )
    .await;
    let tool = http(
        &large,
        &json!({"url": "SERVER/?page=0", "response": "1", "pages": {"next": "{page: now}"}}),
    );
    let message = refusal(&tool, json!({})).await;
    assert!(message.contains("larger than"), "{message}");
}

#[tokio::test]
async fn a_header_of_an_optional_parameter_is_left_out() {
    let server = MockServer::start().await;
    answers(&server, ResponseTemplate::new(200).set_body_string("ok")).await;
    let tool = http(
        &server,
        &json!({"url": "SERVER", "headers": {"x-tag": "{{tag}}", "x-fixed": "a{{tag}}"}}),
    );
    let message = refusal(&tool, json!({})).await;
    assert!(message.contains("\"tag\" was not given"), "{message}");
    let tool = http(
        &server,
        &json!({"url": "SERVER", "headers": {"x-tag": "{{tag}}"}}),
    );
    output(&tool, json!({})).await;
    output(&tool, json!({"tag": "t"})).await;
    let requests = server.received_requests().await.unwrap();
    assert!(!requests[0].headers.contains_key("x-tag"));
    assert_eq!(requests[1].headers["x-tag"], "t");
}

#[tokio::test]
async fn cancelling_does_not_wait_for_the_server() {
    let server = MockServer::start().await;
    answers(&server, ResponseTemplate::new(200).set_delay(2 * HANG)).await;
    let (call, _) = call(json!({}));
    let cancel = call.cancel.clone();
    let running = tokio::spawn(http(&server, &json!({"url": "SERVER"})).call(call));
    while server.received_requests().await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let cancelled = std::time::Instant::now();
    cancel.cancel();
    let report = tokio::time::timeout(HANG, running).await.unwrap().unwrap();
    assert_stopped_in_time("the call", cancelled.elapsed());
    assert_eq!(report.output.unwrap_err().message, "cancelled");
}

const VARIABLES: [(&str, &str); 2] = [("API_TOKEN", "sesame-open"), ("API_KEY", "k/e y+12")];

#[tokio::test]
async fn secrets_are_sent_and_never_seen() {
    let fields = json!({"url": "SERVER/x?key=${API_KEY}", "headers": {"Authorization": "Bearer ${API_TOKEN}", "X-Api-Key": "written-out-1"}});
    for status in [200, 401] {
        let server = MockServer::start().await;
        Mock::given(header("authorization", "Bearer sesame-open"))
            .respond_with(move |request: &wiremock::Request| {
                // A server that repeats everything it received.
                let said = format!("{} {:?}", request.url, request.headers);
                ResponseTemplate::new(status)
                    .set_body_json(json!({"you said": said, "token": "sesame-open"}))
            })
            .expect(1)
            .mount(&server)
            .await;
        let report = run(&http_with(&server, &fields, &VARIABLES), json!({})).await;
        assert_eq!(report.output.is_ok(), status == 200);
        let shown = format!("{report:?}");
        for secret in ["sesame", "k/e y", "k%2Fe", "k%2Fe+y", "written-out"] {
            assert!(!shown.contains(secret), "{secret}: {shown}");
        }
        assert!(shown.contains("[redacted]"));
    }
}

#[tokio::test]
async fn secrets_do_not_follow_a_redirect_to_another_host() {
    let (server, other) = (MockServer::start().await, MockServer::start().await);
    answers(&other, ResponseTemplate::new(200)).await;
    answers(
        &server,
        ResponseTemplate::new(302).insert_header("Location", other.uri()),
    )
    .await;
    let fields = json!({"url": "SERVER", "headers": {"X-Api-Key": "${API_TOKEN}"}});
    let message = refusal(&http_with(&server, &fields, &VARIABLES), json!({})).await;
    assert!(message.contains("redirect"), "{message}");
    assert!(other.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn parameters_cannot_read_the_environment() {
    let server = MockServer::start().await;
    answers(&server, ResponseTemplate::new(200)).await;
    let fields = json!({"method": "POST", "url": "SERVER/{{p}}", "headers": {"x-p": "{{p}}"}, "body": {"p": "{{p}}", "own": "${API_TOKEN}"}});
    output(
        &http_with(&server, &fields, &VARIABLES),
        json!({"p": "${API_TOKEN}"}),
    )
    .await;
    let request = server.received_requests().await.unwrap().pop().unwrap();
    let seen = format!("{request:?}");
    assert!(!seen.contains("sesame"), "{seen}");
    assert_eq!(
        request.body_json::<Value>().unwrap(),
        json!({"p": "${API_TOKEN}", "own": "${API_TOKEN}"})
    );
}

#[tokio::test]
async fn what_is_missing_is_named_and_nothing_is_sent() {
    let server = MockServer::start().await;
    answers(&server, ResponseTemplate::new(200)).await;
    let fields = json!({"url": "SERVER/{{city}}", "headers": {"a": "${NOT_SET}"}});
    assert!(
        refusal(&http(&server, &fields), json!({}))
            .await
            .contains("\"city\"")
    );
    assert!(
        refusal(&http(&server, &fields), json!({"city": "x"}))
            .await
            .contains("NOT_SET")
    );
    let broken = http(&server, &json!({"url": "{{url}}"}));
    assert!(
        refusal(&broken, json!({"url": "file:///etc/passwd"}))
            .await
            .contains("http://")
    );
    assert!(
        refusal(&broken, json!({"url": "nonsense"}))
            .await
            .contains("not valid")
    );
    let whole = json!({"url": format!("{}/a/b?c=d", server.uri())});
    assert!(server.received_requests().await.unwrap().is_empty());
    output(&broken, whole).await;
    assert_eq!(
        server.received_requests().await.unwrap()[0].url.query(),
        Some("c=d")
    );
}

#[tokio::test]
async fn a_fixed_price_counts_for_failed_calls_too() {
    let server = MockServer::start().await;
    answers(&server, ResponseTemplate::new(500)).await;
    let tool = http(&server, &json!({"url": "SERVER", "cost_usd": 0.0025}));
    let report = run(&tool, json!({})).await;
    assert!(report.output.is_err());
    assert_eq!(report.cost.unwrap().pico(), 2_500_000_000);
    let unsent = http(
        &server,
        &json!({"url": "SERVER/{{missing}}", "cost_usd": 0.0025}),
    );
    assert_eq!(run(&unsent, json!({})).await.cost.unwrap().pico(), 0);
    assert_eq!(
        tool.quote(&json!({}), None).max.unwrap().pico(),
        2_500_000_000
    );
}

#[test]
fn faults_of_an_http_tool_are_found_before_it_is_called() {
    let faults = faults(
        "tools:\n  a: {type: http}\n  b: {url: 'ftp://x'}\n  c: {url: 'http://x', method: FETCH, response: '.a |'}\n",
    );
    for part in [
        "needs a `url`",
        "must begin with http",
        "\"FETCH\"",
        "`response` is not a valid jq filter",
    ] {
        assert!(
            faults.iter().any(|fault| fault.contains(part)),
            "{part}: {faults:?}"
        );
    }
}

/// A server that reads a request, sends `head`, and then a byte every 50 ms where it `dribbles`, else nothing.
fn stalling_server(head: &'static str, dribbles: bool) -> String {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(head.as_bytes());
                while dribbles && stream.write_all(b" ").is_ok() {
                    std::thread::sleep(Duration::from_millis(50));
                }
                let _ = stream.read_to_end(&mut Vec::new());
            });
        }
    });
    format!("http://{address}/")
}

/// Three ways not to answer: silence, silence after the headers, and a byte at a time.
fn stalling_servers() -> [(&'static str, String); 3] {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n";
    [
        ("silent", stalling_server("", false)),
        ("stalls", stalling_server(head, false)),
        ("dribbles", stalling_server(head, true)),
    ]
}

#[tokio::test]
async fn a_server_that_does_not_answer_ends_as_a_timeout() {
    for (name, url) in stalling_servers() {
        let fields = json!({"type": "http", "url": url, "timeout_s": 0.4});
        let tool = crate::common::toolbox::tool(&json!({"tools": {"t": fields}}).to_string(), "t");
        let report = tokio::time::timeout(HANG, run(&tool, json!({}))).await;
        let report = report.unwrap_or_else(|_| panic!("{name} never ended"));
        assert!(report.prompt.unwrap().starts_with("GET http://127"));
        let error = report.output.unwrap_err();
        assert_eq!(error.kind, ErrorKind::TimeoutError, "{name}: {error}");
        assert!(error.retryable, "{name}");
        assert_eq!(error.message, "no answer within timeout_s = 0.4", "{name}");
    }
}

#[tokio::test]
async fn requests_have_a_time_limit_by_default() {
    let tools = r#"{"tools": {
        "default": {"type": "http", "url": "http://127.0.0.1/"},
        "given": {"type": "http", "url": "http://127.0.0.1/", "timeout_s": 7},
        "mcp": {"type": "mcp", "server": "s"},
        "model": {"type": "model", "prompt": "Say it.", "cost_usd": 1},
        "program": {"type": "process", "command": "true"}
    }}"#;
    let worker = SmallModelWorker::simulated(1);
    for worker in [SmallModelWorker::new("gpt-4o-mini"), worker] {
        let toolbox = toolbox_with(&catalog(tools), &worker, environment(&[]));
        let seconds = |name| toolbox.tool(name).unwrap().policy().timeout;
        let seconds = |name| seconds(name).map(|limit| limit.as_secs());
        assert_eq!(seconds("default"), Some(120));
        assert_eq!(seconds("given"), Some(7));
        assert_eq!(seconds("model"), Some(300));
        assert_eq!(seconds("final_synthesis"), Some(300));
        assert_eq!(seconds("program"), None);
    }
}

#[test]
fn in_a_result_a_silent_server_is_a_timeout() {
    let (mut tools, mut steps) = (json!({}), Vec::new());
    for (name, url) in stalling_servers() {
        tools[name] = json!({"type": "http", "url": url, "timeout_s": 0.4, "description": "Asks."});
        steps.push(json!({"id": name, "tool": name, "parameters": {}, "retry_policy": {"retries": 2, "backoff_s": 0.01}}));
    }
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.json");
    std::fs::write(&plan, json!({"tools": tools, "steps": steps}).to_string()).unwrap();
    let (code, result) = crate::common::program::run_json(&plan, &[]);
    assert_eq!(code, 1, "{result:#}");
    for (name, _) in stalling_servers() {
        let error = &crate::common::program::step(&result, name)["error"];
        assert_eq!(error["type"], "TimeoutError", "{error}");
        assert_eq!(error["retryable"], true, "{error}");
        assert_eq!(error["attempts"], 2, "{error}");
    }
}

#[tokio::test]
async fn only_an_answer_of_success_is_an_output() {
    for (status, location, words) in [
        (
            302,
            Some("file:///etc/hostname"),
            "a redirect to \"file:///etc/hostname\" that cannot",
        ),
        (307, Some("http://[oops"), "that cannot be followed"),
        (301, None, "301"),
        (300, None, "choices"),
        (304, None, "304"),
    ] {
        let server = MockServer::start().await;
        let mut answer = ResponseTemplate::new(status).set_body_string("choices");
        if let Some(location) = location {
            answer = answer.insert_header("location", location);
        }
        answers(&server, answer).await;
        for method in ["GET", "POST"] {
            let tool = http(&server, &json!({"method": method, "url": "SERVER/it"}));
            let message = refusal(&tool, json!({})).await;
            assert!(message.contains(words), "{status} {method}: {message}");
        }
    }
    let server = MockServer::start().await;
    Mock::given(path("/old"))
        .respond_with(ResponseTemplate::new(308).insert_header("location", "/new"))
        .mount(&server)
        .await;
    Mock::given(path("/new"))
        .respond_with(ResponseTemplate::new(203).set_body_json(json!("found")))
        .mount(&server)
        .await;
    let tool = http(&server, &json!({"url": "SERVER/old"}));
    assert_eq!(output(&tool, json!({})).await, json!("found"));
}

#[tokio::test]
async fn a_parameter_stays_in_its_segment_after_a_base_address_too() {
    let server = MockServer::start().await;
    Mock::given(path("/api/users/..%2F..%2Fadmin%3Fx"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!("mine")))
        .mount(&server)
        .await;
    let tool = http(&server, &json!({"url": "{{base}}/users/{{id}}"}));
    let base = format!("{}/api", server.uri());
    let ask = |id: &str| json!({"base": base, "id": id});
    assert_eq!(output(&tool, ask("../../admin?x")).await, json!("mine"));
    let message = refusal(&tool, ask("..")).await;
    assert!(
        message.contains("in `url`") && message.contains("\"..\""),
        "{message}"
    );
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_form_is_sent_where_the_catalog_says_so() {
    let server = MockServer::start().await;
    answers(&server, ResponseTemplate::new(200)).await;
    let form = |more: Value| {
        let mut fields = json!({"method": "POST", "url": "SERVER/",
            "headers": {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}});
        for (name, value) in more.as_object().unwrap() {
            fields[name] = value.clone();
        }
        http(&server, &fields)
    };
    let input = json!({"q": "1 & 2=3+ü", "tags": ["a b", 2], "none": null, "on": true});
    let written = "q=1+%26+2%3D3%2B%C3%BC&tags=a+b&tags=2&on=true";
    for (tool, body) in [
        (form(json!({})), written),
        (
            form(
                json!({"body": {"q": "{{q}}", "tags": "{{tags}}", "none": "{{none}}", "on": "{{on}}"}}),
            ),
            written,
        ),
        (
            form(json!({"body": "x=1&q={{q}}"})),
            "x=1&q=1%20%26%202%3D3%2B%C3%BC",
        ),
        (form(json!({"body": "{{q}}"})), "1 & 2=3+ü"),
    ] {
        output(&tool, input.clone()).await;
        let request = server.received_requests().await.unwrap().pop().unwrap();
        assert_eq!(String::from_utf8(request.body).unwrap(), body);
        let kind = request.headers.get("content-type").unwrap();
        assert!(kind.to_str().unwrap().starts_with("application/x-www-form"));
    }
    let message = refusal(&form(json!({"body": "{{tags}}"})), input).await;
    assert!(message.contains("must be an object or text"), "{message}");
    let faults = faults(
        "tools: {t: {type: http, method: POST, url: 'http://h/', body: [1], \
         headers: {content-type: application/x-www-form-urlencoded}}}",
    );
    assert!(faults[0].contains("the `body` of a form"), "{faults:?}");
}

#[tokio::test]
async fn every_wait_that_a_server_asks_for_is_kept_or_refused() {
    let in_a_minute = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(60);
    let date = |form: &str| in_a_minute.strftime(form).to_string();
    for (name, value, seconds) in [
        ("retry-after", "60".to_owned(), Some(60.0)),
        ("retry-after", "0.25".to_owned(), Some(0.25)),
        ("retry-after-ms", "1500".to_owned(), Some(1.5)),
        ("retry-after", date("%a, %d %b %Y %H:%M:%S GMT"), Some(60.0)),
        ("retry-after", date("%A, %d-%b-%y %H:%M:%S GMT"), Some(60.0)),
        ("retry-after", date("%a %b %e %H:%M:%S %Y"), Some(60.0)),
        (
            "retry-after",
            "123456789012345678901234567890".to_owned(),
            None,
        ),
        ("retry-after", "86400".to_owned(), None),
        (
            "retry-after",
            "Tue, 01 Jan 2999 00:00:00 GMT".to_owned(),
            None,
        ),
    ] {
        let server = MockServer::start().await;
        answers(
            &server,
            ResponseTemplate::new(503).insert_header(name, &*value),
        )
        .await;
        let report = run(&http(&server, &json!({"url": "SERVER"})), json!({})).await;
        let error = report.output.unwrap_err();
        assert_eq!(error.retryable, seconds.is_some(), "{value}");
        match (seconds, error.retry_after) {
            (Some(seconds), Some(wait)) => {
                let early = seconds - wait.as_secs_f64();
                // A date has no fractions, and time passes meanwhile.
                assert!((-0.01..30.0).contains(&early), "{value}: {wait:?}");
            }
            (None, None) => assert!(error.message.contains("longer than 1 h"), "{error}"),
            (_, wait) => panic!("{value}: {wait:?}"),
        }
    }
}

/// A fixed price is charged for what was sent, whatever became of it.
#[tokio::test]
async fn a_price_is_charged_once_the_request_was_sent() {
    let price = plandeck::units::Money::from_usd(0.25);
    let server = MockServer::start().await;
    answers(&server, ResponseTemplate::new(200).set_delay(2 * HANG)).await;
    let tool = http(&server, &json!({"url": "SERVER", "cost_usd": 0.25}));
    let (call, _) = call(json!({}));
    let cancel = call.cancel.clone();
    let running = tokio::spawn(tool.call(call));
    while server.received_requests().await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    cancel.cancel();
    let report = tokio::time::timeout(HANG, running).await.unwrap().unwrap();
    assert!(report.output.is_err());
    assert_eq!(report.cost, Some(price));

    // Nothing listens there any more.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("http://{address}/");
    let report = run(
        &http(&server, &json!({"url": url, "cost_usd": 0.25})),
        json!({}),
    )
    .await;
    assert!(report.output.is_err());
    assert_eq!(report.cost, Some(plandeck::units::Money::ZERO));
}

#[tokio::test]
async fn answers_may_have_a_byte_order_mark_and_no_rounded_integers() {
    let server = MockServer::start().await;
    answers(
        &server,
        ResponseTemplate::new(200).set_body_string("\u{feff}{\"ok\": true}"),
    )
    .await;
    let tool = http(&server, &json!({"url": "SERVER"}));
    assert_eq!(output(&tool, json!({})).await, json!({"ok": true}));
    let server = MockServer::start().await;
    answers(
        &server,
        ResponseTemplate::new(200).set_body_string("[92233720368547758080]"),
    )
    .await;
    let message = refusal(&http(&server, &json!({"url": "SERVER"})), json!({})).await;
    assert!(message.contains("92233720368547758080"), "{message}");
}

#[tokio::test]
async fn what_is_no_text_is_kept_as_a_file() {
    let server = MockServer::start().await;
    let image = b"\x89PNG\r\n\x1a\n\0".to_vec();
    for (at, (bytes, content_type)) in [
        (image.clone(), "image/png"),
        (b"%PDF-1.7 all of it text".to_vec(), "application/pdf"),
        (vec![0, 159, 146, 150], "application/x-unknown"),
        (b"<svg/>".to_vec(), "image/svg+xml"),
        (b"a,b".to_vec(), "application/x-unknown"),
    ]
    .into_iter()
    .enumerate()
    {
        Mock::given(path(format!("/{at}")))
            .respond_with(ResponseTemplate::new(200).set_body_raw(bytes, content_type))
            .mount(&server)
            .await;
    }
    let tool = http(&server, &json!({"url": "SERVER/{{n}}"}));
    let kept = output(&tool, json!({"n": 0})).await;
    assert_eq!(
        (&kept["mime_type"], &kept["size"]),
        (&json!("image/png"), &json!(9))
    );
    assert_eq!(
        std::fs::read(kept["file"].as_str().unwrap()).unwrap(),
        image
    );
    for (n, mime_type) in [(1, "application/pdf"), (2, "application/x-unknown")] {
        assert_eq!(output(&tool, json!({"n": n})).await["mime_type"], mime_type);
    }
    assert_eq!(output(&tool, json!({"n": 3})).await, "<svg/>");
    assert_eq!(output(&tool, json!({"n": 4})).await, "a,b");
    let named = http(&server, &json!({"url": "SERVER/0", "response": ".size"}));
    assert_eq!(output(&named, json!({})).await, 9);
}

#[tokio::test]
async fn files_are_sent_in_a_form_or_alone() {
    let server = MockServer::start().await;
    let image = ResponseTemplate::new(200).set_body_raw(b"\x89PNG".to_vec(), "image/png");
    Mock::given(method("GET"))
        .respond_with(image)
        .mount(&server)
        .await;
    answers(&server, ResponseTemplate::new(200).set_body_string("ok")).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("note.txt"), "a note").unwrap();
    std::fs::write(folder.path().join("tools.yaml"), format!(
        "tools:
  get: {{type: http, url: '{url}/'}}
  form: {{type: http, method: POST, url: '{url}/form', headers: {{content-type: multipart/form-data}}}}
  put: {{type: http, method: PUT, url: '{url}/put', headers: {{content-type: application/octet-stream}}, body: '{{{{what}}}}'}}
",
        url = server.uri()
    ))
    .unwrap();
    let catalog = plandeck::tools::Catalog::load(&folder.path().join("tools.yaml")).unwrap();
    let toolbox = toolbox_with(&catalog, &SmallModelWorker::offline(), environment(&[]));
    let tool = |name: &str| toolbox.tool(name).unwrap();
    let kept = output(&tool("get"), json!({})).await;
    let fields = json!({
        "title": "A & B",
        "tags": ["x", "y"],
        "more": {"a": 1},
        "gone": null,
        "note": {"file": "note.txt"},
        "image": kept,
        "raw": {"base64": "aGk=", "name": "hi.bin", "mime_type": "application/x-hi"},
    });
    let report = run(&tool("form"), fields).await;
    assert_eq!(*report.output.unwrap(), "ok");
    let shown = report.prompt.unwrap();
    assert!(
        shown.contains("note=[note.txt, application/octet-stream, 6 bytes]"),
        "{shown}"
    );
    let requests = server.received_requests().await.unwrap();
    let sent = requests.last().unwrap();
    let content_type = sent.headers["content-type"].to_str().unwrap();
    assert!(
        content_type.starts_with("multipart/form-data; boundary="),
        "{content_type}"
    );
    let body = String::from_utf8_lossy(&sent.body);
    for piece in [
        "name=\"title\"\r\n\r\nA & B\r\n",
        "name=\"tags\"\r\n\r\nx\r\n",
        "name=\"tags\"\r\n\r\ny\r\n",
        "name=\"more\"\r\nContent-Type: application/json\r\n\r\n{\"a\":1}\r\n",
        "name=\"note\"; filename=\"note.txt\"\r\nContent-Type: application/octet-stream\r\n\r\na note\r\n",
        "Content-Type: image/png\r\n\r\n\u{fffd}PNG\r\n",
        "filename=\"hi.bin\"\r\nContent-Type: application/x-hi\r\n\r\nhi\r\n",
    ] {
        assert!(body.contains(piece), "{piece:?} in {body}");
    }
    assert!(!body.contains("gone"), "{body}");
    output(&tool("put"), json!({"what": {"file": "note.txt"}})).await;
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.last().unwrap().body, b"a note");

    // A path may come from a model: what lies elsewhere is not sent.
    let secret = tempfile::NamedTempFile::new().unwrap();
    let outside = secret.path().display().to_string();
    #[cfg(unix)]
    std::os::unix::fs::symlink(secret.path(), folder.path().join("link")).unwrap();
    for path in [
        "/etc/hostname",
        &outside,
        "../x/../../etc/passwd",
        "link",
        "gone.txt",
    ] {
        let message = refusal(&tool("form"), json!({"f": {"file": path}})).await;
        assert!(
            message.contains("is not sent") || message.contains("cannot be read"),
            "{path}: {message}"
        );
    }
    std::fs::write(folder.path().join("large"), vec![0; (32 << 20) + 1]).unwrap();
    let message = refusal(&tool("form"), json!({"f": {"file": "large"}})).await;
    assert!(message.contains("more than 32 MB"), "{message}");
    let message = refusal(&tool("form"), json!({"f": {"base64": "%"}})).await;
    assert!(message.contains("`base64`"), "{message}");
}

#[tokio::test]
async fn a_tool_says_which_statuses_are_a_success() {
    let server = MockServer::start().await;
    answers(
        &server,
        ResponseTemplate::new(404).set_body_json(json!({"no": 1})),
    )
    .await;
    let url = json!("SERVER/");
    let takes = http(&server, &json!({"url": url, "status": [200, "404-410"]}));
    assert_eq!(output(&takes, json!({})).await, json!({"no": 1}));
    let refuses = http(&server, &json!({"url": url, "status": 403}));
    let error = refusal(&refuses, json!({})).await;
    assert!(error.contains("answered 404"), "{error}");
    let wrong =
        json!({"tools": {"t": {"type": "http", "url": "https://a.example", "status": "4xx"}}});
    assert!(faults(&wrong.to_string())[0].contains("`status` must be a list of statuses"));
}

#[tokio::test]
async fn an_answer_as_a_whole_has_its_status_and_headers() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(201)
        .set_body_json(json!({"id": 7}))
        .append_header("X-Left", "41")
        .append_header("x-left", "42");
    answers(&server, answer).await;
    let fields = json!({"url": "SERVER/", "whole": true});
    let whole = output(&http(&server, &fields), json!({})).await;
    assert_eq!(
        (
            &whole["status"],
            &whole["body"],
            &whole["headers"]["x-left"]
        ),
        (&json!(201), &json!({"id": 7}), &json!("41, 42"))
    );
    let fields = json!({"url": "SERVER/", "whole": true, "response": "[.status, .body.id]"});
    assert_eq!(
        output(&http(&server, &fields), json!({})).await,
        json!([201, 7])
    );
}
