//! `agent` tools against servers that speak the Agent2Agent protocol.

use crate::common::raw_server::{Act, RawServer};
use crate::common::toolbox::{call, environment, output, refusal, run, toolbox_with};
use plandeck::models::SmallModelWorker;
use plandeck::plan::Source;
use plandeck::run::Answer;
use plandeck::tools::{Asker, Call, CallHandle, Catalog, Standing, Tool, Toolbox};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

fn tool_at(address: &str, more: &str, variables: &[(&'static str, &'static str)]) -> Arc<dyn Tool> {
    let text = format!("tools: {{helper: {{type: agent, url: '{address}'{more}}}}}");
    let source = Source {
        name: "tools.yaml".into(),
        text: text.into(),
    };
    let catalog = Catalog::parse(&source, None).unwrap();
    let toolbox = toolbox_with(
        &catalog,
        &SmallModelWorker::offline(),
        environment(variables),
    );
    toolbox.tool("helper").unwrap()
}

fn card(server: &str, streaming: bool) -> Value {
    json!({
        "name": "Helper",
        "description": "It helps.",
        "version": "1",
        "supportedInterfaces": [
            {"url": format!("{server}/grpc"), "protocolBinding": "GRPC", "protocolVersion": "1.0"},
            {"url": format!("{server}/rpc"), "protocolBinding": "JSONRPC", "protocolVersion": "1.0", "tenant": "t1"},
        ],
        "capabilities": {"streaming": streaming},
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain"],
        "skills": [],
    })
}

fn task(state: &str, more: Value) -> Value {
    let mut task = json!({"id": "task-1", "contextId": "c", "status": {"state": state}});
    if let Value::Object(more) = more {
        task.as_object_mut().unwrap().extend(more);
    }
    task
}

fn answer(result: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"jsonrpc": "2.0", "id": 1, "result": result}))
}

fn stream(updates: &[Value]) -> ResponseTemplate {
    let events: Vec<String> = updates
        .iter()
        .map(|update| {
            format!(
                "data: {}\n\n",
                json!({"jsonrpc": "2.0", "id": 1, "result": update})
            )
        })
        .collect();
    ResponseTemplate::new(200).set_body_raw(events.concat(), "text/event-stream")
}

/// A server with a card, which answers to requests as `respond` says.
async fn agent(
    streaming: bool,
    respond: impl Fn(&Value) -> ResponseTemplate + Send + Sync + 'static,
) -> MockServer {
    let server = MockServer::start().await;
    let card = card(&server.uri(), streaming);
    Mock::given(method("GET"))
        .and(path("/.well-known/agent-card.json"))
        .respond_with(ResponseTemplate::new(200).set_body_json(card))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/rpc"))
        .respond_with(move |request: &Request| respond(&request.body_json().unwrap()))
        .mount(&server)
        .await;
    server
}

async fn bodies(server: &MockServer) -> Vec<Value> {
    let requests = server.received_requests().await.unwrap();
    requests
        .iter()
        .filter_map(|request| request.body_json().ok())
        .collect()
}

#[tokio::test]
async fn a_task_is_asked_for_until_it_is_done() {
    let asked = Arc::new(AtomicUsize::new(0));
    let server = agent(false, move |request| {
        if request["method"] == "SendMessage" {
            return answer(&json!({"task": task("TASK_STATE_SUBMITTED", json!({}))}));
        }
        answer(&match asked.fetch_add(1, Ordering::SeqCst) {
            0 => task("TASK_STATE_WORKING", json!({})),
            _ => task(
                "TASK_STATE_COMPLETED",
                json!({"artifacts": [{"artifactId": "a", "parts": [{"text": "{\"sum\": 3}"}]}]}),
            ),
        })
    })
    .await;
    let tool = tool_at(
        &server.uri(),
        ", headers: {authorization: 'Bearer ${KEY}'}",
        &[("KEY", "k-0123456789")],
    );
    let input = json!({"task": "add", "context": {"a": 1, "b": 2}});
    let (call, said) = call(input);
    let key = call.idempotency_key.to_string();
    let trace = call.trace.clone().unwrap();
    let report = tool.call(call).await;
    assert_eq!(*report.output.unwrap(), json!({"sum": 3}));
    let bodies = bodies(&server).await;
    let methods: Vec<&str> = bodies
        .iter()
        .map(|body| body["method"].as_str().unwrap())
        .collect();
    assert_eq!(methods, ["SendMessage", "GetTask", "GetTask"]);
    let message = &bodies[0]["params"]["message"];
    assert_eq!(message["messageId"], key, "the name of the attempt");
    assert_eq!(
        (&message["role"], &bodies[0]["params"]["tenant"]),
        (&json!("ROLE_USER"), &json!("t1"))
    );
    assert_eq!(message["parts"][0]["text"], "add");
    assert_eq!(
        message["parts"][1]["data"],
        json!({"context": {"a": 1, "b": 2}})
    );
    let requests = server.received_requests().await.unwrap();
    assert!(
        requests
            .iter()
            .all(|it| it.headers["authorization"] == "Bearer k-0123456789")
    );
    assert!(requests.iter().all(|it| it.headers["a2a-version"] == "1.0"));
    assert!(
        requests
            .iter()
            .all(|it| it.headers["traceparent"] == *trace)
    );
    let said = said.lock().unwrap().join("\n");
    assert!(
        said.contains("working") && said.contains("completed"),
        "{said}"
    );
}

#[tokio::test]
async fn updates_are_followed_as_they_arrive() {
    let status = |state: &str, words: &str| {
        let message = json!({"messageId": "m", "role": "ROLE_AGENT", "parts": [{"text": words}]});
        json!({"statusUpdate": {"taskId": "task-1", "contextId": "c", "status": {"state": state, "message": message}}})
    };
    let artifact = |id: &str, text: &str, append: bool| json!({"artifactUpdate": {"taskId": "task-1", "contextId": "c", "append": append, "artifact": {"artifactId": id, "name": format!("the {id}"), "parts": [{"text": text}]}}});
    let updates = [
        json!({"task": task("TASK_STATE_SUBMITTED", json!({}))}),
        status("TASK_STATE_WORKING", "reading"),
        artifact("a", "one, ", false),
        artifact("a", "two", true),
        status("TASK_STATE_WORKING", "writing"),
        artifact("b", "[4]", false),
        json!({"statusUpdate": {"taskId": "task-1", "contextId": "c", "status": {"state": "TASK_STATE_COMPLETED"}}}),
    ];
    let server = agent(true, move |_| stream(&updates)).await;
    let tool = tool_at(&server.uri(), "", &[]);
    let (call, said) = call(json!({"task": "count"}));
    let report = tool.call(call).await;
    let expected = json!([{"name": "the a", "value": "one, two"}, {"name": "the b", "value": [4]}]);
    assert_eq!(*report.output.unwrap(), expected);
    let said = said.lock().unwrap().join("\n");
    assert!(
        said.contains("reading") && said.contains("writing"),
        "{said}"
    );
    assert_eq!(bodies(&server).await.len(), 1);
}

#[tokio::test]
async fn a_task_outlives_its_stream() {
    let server = agent(true, |request| {
        if request["method"] == "SendStreamingMessage" {
            // The stream ends before the task does.
            return stream(&[json!({"task": task("TASK_STATE_WORKING", json!({}))})]);
        }
        answer(&task(
            "TASK_STATE_COMPLETED",
            json!({"artifacts": [{"artifactId": "a", "parts": [{"data": {"done": true}}]}]}),
        ))
    })
    .await;
    let tool = tool_at(&server.uri(), "", &[]);
    assert_eq!(
        output(&tool, json!({"task": "x"})).await,
        json!({"done": true})
    );
    assert_eq!(bodies(&server).await[1]["params"]["id"], "task-1");
}

/// A call with what is recorded of its handle.
fn handled(input: Value) -> (Call, Arc<Mutex<Vec<String>>>) {
    let recorded = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&recorded);
    let handle = CallHandle::recorded_by(move |handle| {
        kept.lock().unwrap().push(handle.to_string());
        Box::pin(async {})
    });
    let call = Call {
        handle,
        ..call(input).0
    };
    (call, recorded)
}

#[tokio::test]
async fn the_task_of_an_agent_is_put_on_record_once_and_found_again() {
    for streaming in [true, false] {
        let server = agent(streaming, |request| match request["method"].as_str() {
            Some("SendStreamingMessage") => stream(&[
                json!({"task": task("TASK_STATE_SUBMITTED", json!({}))}),
                json!({"task": task("TASK_STATE_WORKING", json!({}))}),
            ]),
            Some("SendMessage") => answer(&json!({"task": task("TASK_STATE_WORKING", json!({}))})),
            _ => answer(&task(
                "TASK_STATE_COMPLETED",
                json!({"artifacts": [{"artifactId": "a", "parts": [{"data": 7}]}]}),
            )),
        })
        .await;
        let tool = tool_at(&server.uri(), "", &[]);
        let (made, recorded) = handled(json!({"task": "x"}));
        assert_eq!(*tool.call(made).await.output.unwrap(), json!(7));
        assert_eq!(*recorded.lock().unwrap(), ["task-1"]);
        let known = || Call {
            handle: CallHandle::default().known(Some("task-1".into())),
            ..call(json!({"task": "x"})).0
        };
        let Standing::Ended(report) = tool.look_up(known()).unwrap().await else {
            panic!("it has ended");
        };
        assert_eq!(*report.output.unwrap(), json!(7));
        let before = bodies(&server).await.len();
        assert_eq!(*tool.call(known()).await.output.unwrap(), json!(7));
        let after = bodies(&server).await;
        let asked: Vec<&Value> = after[before..].iter().map(|body| &body["method"]).collect();
        assert_eq!(asked, ["GetTask"], "no message is sent again");
    }
}

#[tokio::test]
async fn what_an_agent_asks_is_answered_in_the_same_task() {
    for streaming in [true, false] {
        let server = agent(streaming, move |request| {
            let message = &request["params"]["message"];
            if message["taskId"].is_null() {
                let asks = json!({"messageId": "m", "role": "ROLE_AGENT", "parts": [{"text": "Which city?"}]});
                let asking = json!({"status": {"state": "TASK_STATE_INPUT_REQUIRED", "message": asks}});
                let asking = json!({"task": task("", asking)});
                return if streaming {
                    stream(&[asking])
                } else {
                    answer(&asking)
                };
            }
            let done = json!({"artifacts": [{"artifactId": "a", "parts": [{"text": format!("in {}", message["parts"][0]["text"].as_str().unwrap())}]}]});
            answer(&json!({"task": task("TASK_STATE_COMPLETED", done)}))
        })
        .await;
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        let call = Call {
            asker: Asker::of(move |question| {
                kept.lock().unwrap().push(question.message.to_string());
                let city = Answer::Accept(Arc::new(json!({"answer": "Oslo"})));
                Box::pin(async move { Ok(city) })
            }),
            ..call(json!({"task": "weather"})).0
        };
        let tool = tool_at(&server.uri(), "", &[]);
        assert_eq!(*tool.call(call).await.output.unwrap(), json!("in Oslo"));
        assert_eq!(*asked.lock().unwrap(), ["Which city?"]);
        let bodies = bodies(&server).await;
        let second = &bodies[1]["params"]["message"];
        assert_eq!(
            (
                &second["taskId"],
                &second["contextId"],
                &second["messageId"]
            ),
            (&json!("task-1"), &json!("c"), &json!("k/1"))
        );
    }
}

#[tokio::test]
async fn an_agent_says_what_became_of_a_task() {
    let states = [
        ("task-working", "TASK_STATE_WORKING"),
        ("task-failed", "TASK_STATE_FAILED"),
    ];
    let server = agent(false, move |request| {
        let id = request["params"]["id"].clone();
        match states.iter().find(|(known, _)| id == *known) {
            Some((id, state)) => answer(&task(state, json!({"id": id}))),
            None => ResponseTemplate::new(200).set_body_json(
                json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32001, "message": "no such task"}}),
            ),
        }
    })
    .await;
    let tool = tool_at(&server.uri(), "", &[]);
    let ask = |id: &'static str| {
        let call = Call {
            handle: CallHandle::default().known(Some(id.into())),
            ..call(json!({})).0
        };
        tool.look_up(call).unwrap()
    };
    let Standing::Working(evidence) = ask("task-working").await else {
        panic!("it goes on");
    };
    assert_eq!(*evidence, json!({"status": "working"}));
    let Standing::Ended(report) = ask("task-failed").await else {
        panic!("it has ended");
    };
    let message = report.output.unwrap_err().message;
    assert!(message.contains("the agent's task is failed"), "{message}");
    let Standing::Unknown(why) = ask("task-gone").await else {
        panic!("it is not known");
    };
    assert!(why.contains("no such task"), "{why}");
}

#[tokio::test]
async fn an_answer_may_be_a_message_and_parts_may_be_files() {
    let server = agent(false, |_| {
        answer(
            &json!({"message": {"messageId": "m", "role": "ROLE_AGENT", "parts": [
                {"text": "see"},
                {"raw": "iVBORw==", "mediaType": "image/png"},
                {"url": "https://h/x.pdf", "mediaType": "application/pdf"},
            ]}}),
        )
    })
    .await;
    let parts = output(&tool_at(&server.uri(), "", &[]), json!({"question": 1})).await;
    assert_eq!(
        (&parts[0], &parts[2]),
        (
            &json!("see"),
            &json!({"url": "https://h/x.pdf", "mime_type": "application/pdf"})
        )
    );
    assert_eq!(
        std::fs::read(parts[1]["file"].as_str().unwrap()).unwrap(),
        b"\x89PNG"
    );
}

#[tokio::test]
async fn a_task_without_an_output_is_a_failure_that_says_why() {
    for (state, says) in [
        ("TASK_STATE_FAILED", "the agent's task is failed: no disk"),
        (
            "TASK_STATE_REJECTED",
            "the agent's task is rejected: no disk",
        ),
        (
            "TASK_STATE_CANCELED",
            "the agent's task is cancelled: no disk",
        ),
        (
            "TASK_STATE_INPUT_REQUIRED",
            "the agent asks for input: no disk (nobody is asked here",
        ),
        (
            "TASK_STATE_AUTH_REQUIRED",
            "give `headers` in the catalog: no disk",
        ),
    ] {
        let server = agent(false, move |request| {
            if request["method"] == "CancelTask" {
                return answer(&task("TASK_STATE_CANCELED", json!({})));
            }
            let message =
                json!({"messageId": "m", "role": "ROLE_AGENT", "parts": [{"text": "no disk"}]});
            answer(
                &json!({"task": task("", json!({"status": {"state": state, "message": message}}))}),
            )
        })
        .await;
        let message = refusal(&tool_at(&server.uri(), "", &[]), json!({})).await;
        assert!(message.contains(says), "{state}: {message}");
        let waits = state.ends_with("REQUIRED");
        let last = bodies(&server).await.last().unwrap()["method"].clone();
        assert_eq!(
            last == "CancelTask",
            waits,
            "what waits for nobody is cancelled"
        );
    }
}

#[tokio::test]
async fn what_is_no_agent_is_named() {
    let other = |value: Value| async move {
        let server = MockServer::start().await;
        let uri = server.uri();
        let value: Value =
            serde_json::from_str(&value.to_string().replace("SERVER", &uri)).unwrap();
        Mock::given(method("GET"))
            .respond_with(ResponseTemplate::new(200).set_body_json(value))
            .mount(&server)
            .await;
        let tool = tool_at(&uri, "", &[]);
        run(&tool, json!({})).await.output.unwrap_err().message
    };
    assert!(
        other(json!({"hello": 1}))
            .await
            .contains("is not the card of an agent")
    );
    let old = json!({"name": "Old", "url": "SERVER/", "protocolVersion": "0.3.0", "version": "1", "capabilities": {}});
    assert!(other(old).await.contains("speaks version 0.3.0"));
    let elsewhere = card("http://127.0.0.1:1", false);
    assert!(other(elsewhere).await.contains("leads to another host"));
    let mut none = card("SERVER", false);
    none["supportedInterfaces"]
        .as_array_mut()
        .unwrap()
        .truncate(1);
    assert!(other(none).await.contains("no interface with JSON-RPC"));
    let server = agent(false, |_| {
        ResponseTemplate::new(200).set_body_json(
            json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "bad params"}}),
        )
    })
    .await;
    let message = refusal(&tool_at(&server.uri(), "", &[]), json!({})).await;
    assert_eq!(message, "the agent refused: bad params (-32602)");
    let message = refusal(&tool_at("not an address", "", &[]), json!({})).await;
    assert!(message.contains("is not valid"), "{message}");
    let message = refusal(&tool_at("${AGENT}", "", &[]), json!({})).await;
    assert!(message.contains("AGENT is not set"), "{message}");
}

#[tokio::test]
async fn a_call_that_is_stopped_cancels_the_task() {
    let server = agent(false, |request| match request["method"].as_str() {
        Some("CancelTask") => answer(&task("TASK_STATE_CANCELED", json!({}))),
        Some("SendMessage") => answer(&json!({"task": task("TASK_STATE_WORKING", json!({}))})),
        _ => answer(&task("TASK_STATE_WORKING", json!({}))),
    })
    .await;
    let tool = tool_at(&server.uri(), "", &[]);
    let (call, _) = call(json!({"task": "for ever"}));
    let cancel = call.cancel.clone();
    let running = tokio::spawn(tool.call(call));
    loop {
        let methods = bodies(&server).await;
        if methods.iter().any(|body| body["method"] == "GetTask") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    cancel.cancel();
    let report = running.await.unwrap();
    assert!(report.output.unwrap_err().message.contains("cancelled"));
    let last = bodies(&server).await.last().unwrap().clone();
    assert_eq!(
        (&last["method"], &last["params"]["id"]),
        (&json!("CancelTask"), &json!("task-1"))
    );
}

#[tokio::test]
async fn a_server_that_floods_or_sends_nonsense_is_stopped() {
    let server = RawServer::start(vec![vec![Act::Say(
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\n{]}".to_owned(),
    )]]);
    let message = refusal(&tool_at(server.url(), "", &[]), json!({})).await;
    assert!(message.contains("sent what is not valid"), "{message}");
    let flood = agent(true, |_| {
        let update = json!({"statusUpdate": {"taskId": "t", "contextId": "c", "status": {"state": "TASK_STATE_WORKING"}, "metadata": {"x": "y".repeat(1 << 20)}}});
        stream(&vec![update; 40])
    })
    .await;
    let message = refusal(&tool_at(&flood.uri(), "", &[]), json!({})).await;
    assert!(message.contains("more than 32 MB"), "{message}");
}

#[test]
fn agents_of_toolweaver_are_tools() {
    let load = |text: &str| {
        let source = Source {
            name: "agents.yaml".into(),
            text: text.into(),
        };
        Catalog::parse(&source, None)
    };
    let catalog = load(
        "a2a: {enabled: true}
agents:
  - {agent_id: analyst, name: Analyst, description: Analyzes, endpoint: 'http://localhost:1/analyze', protocol: http, capabilities: [stats], cost_estimate: 0.05, input_schema: {type: object, required: [dataset]}}
  - {agent_id: writer, name: Writer, endpoint: '${WRITER:-http://localhost:2}', protocol: a2a, timeout_s: 9}
",
    )
    .unwrap();
    let analyst = catalog.get("agent_analyst").unwrap();
    assert_eq!(
        (analyst.kind().name, &*analyst.description),
        ("http", "Analyzes")
    );
    assert_eq!(analyst.metadata["capabilities"], json!(["stats"]));
    assert_eq!(
        analyst.input_schema.as_deref().unwrap()["properties"]["context"]["required"],
        json!(["dataset"])
    );
    let writer = catalog.get("agent_writer").unwrap();
    assert_eq!(
        (writer.kind().name, &*writer.description, writer.timeout),
        ("agent", "Writer", Some(Duration::from_secs(9)))
    );
    for (text, says) in [
        ("agents: 3", "`agents` must be a list"),
        ("agents: [3]", "at place 1 must be an object"),
        ("agents: [{name: x}]", "needs an `agent_id`"),
        ("agents: [{agent_id: x}]", "needs an `endpoint`"),
        (
            "agents: [{agent_id: x, endpoint: 'http://h', protocol: smoke}]",
            "there are a2a and http",
        ),
    ] {
        let faults = load(text).unwrap_err();
        assert!(
            faults.diagnostics[0].message.contains(says),
            "{text}: {:?}",
            faults.diagnostics
        );
    }
}
