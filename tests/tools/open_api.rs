//! Operations of OpenAPI documents as tools.

use crate::common::toolbox::{environment, output, refusal, toolbox_with};
use plandeck::models::SmallModelWorker;
use plandeck::tools::{Catalog, Reaches, Tool, Toolbox};
use serde_json::{Value, json};
use std::io::Write;
use std::sync::Arc;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const DOCUMENT: &str = r##"
openapi: 3.1.0
info: {title: Parcel Desk, version: "1"}
servers:
  - url: "SERVER/{base}"
    variables: {base: {default: v2}}
security: [{token: []}]
paths:
  /parcels/{parcel-id}/events:
    parameters:
      - {name: parcel-id, in: path, required: true, schema: {type: string}, description: The parcel}
    get:
      operationId: listEvents
      summary: Lists what happened to a parcel
      description: The newest comes first.
      parameters:
        - $ref: "#/components/parameters/Limit"
        - {name: "filter[kind]", in: query, schema: {type: array, items: {type: string}}}
        - {name: x-trace, in: header, schema: {type: string}}
      responses:
        "200":
          description: Events
          content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Event"}}}}
    post:
      operationId: addEvent
      parameters: [{name: Idempotency-Key, in: header, required: true, schema: {type: string}}]
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: "#/components/schemas/NewEvent"}}}
      responses: {"201": {description: Added}}
  /labels:
    put:
      deprecated: true
      security: [{key: [], basic: []}]
      requestBody: {content: {text/plain: {schema: {type: string}}}}
      responses: {default: {description: Done}}
      x-plandeck: {cost_usd: 0.01, timeout_s: 7}
  /search:
    post:
      operationId: search
      security: [{}]
      requestBody: {required: true, content: {application/x-www-form-urlencoded: {schema: {type: object, required: [q], properties: {q: {type: string}, page: {type: integer}}}}}}
      responses: {"200": {description: Found}}
components:
  parameters:
    Limit: {name: limit, in: query, schema: {type: integer, maximum: 50, default: 10}}
  securitySchemes:
    token: {type: http, scheme: bearer}
    basic: {type: http, scheme: basic}
    key: {type: apiKey, in: query, name: api_key}
  schemas:
    Event:
      type: object
      properties: {kind: {type: string}, before: {$ref: "#/components/schemas/Event"}}
    NewEvent:
      type: object
      required: [kind]
      properties: {kind: {type: string, enum: [sent, lost]}, note: {type: string}}
"##;

fn load(text: &str) -> Result<Catalog, Vec<String>> {
    let mut file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    Catalog::load_open_api(file.path()).map_err(|faults| {
        faults
            .diagnostics
            .into_iter()
            .map(|fault| fault.message)
            .collect()
    })
}

fn parcels(server: &MockServer) -> Catalog {
    load(&DOCUMENT.replace("SERVER", &server.uri())).unwrap()
}

fn tool(
    catalog: &Catalog,
    name: &str,
    variables: &[(&'static str, &'static str)],
) -> Arc<dyn Tool> {
    let toolbox = toolbox_with(
        catalog,
        &SmallModelWorker::offline(),
        environment(variables),
    );
    toolbox.tool(name).unwrap()
}

const TOKEN: [(&str, &str); 1] = [("PARCEL_DESK_TOKEN", "t-0123456789")];

#[tokio::test]
async fn an_operation_is_called_as_the_document_says() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/v2/parcels/a%2Fb/events"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([{"kind": "sent"}])))
        .mount(&server)
        .await;
    let catalog = parcels(&server);
    let list = tool(&catalog, "listEvents", &TOKEN);
    let input = json!({"parcel_id": "a/b", "limit": 3, "filter_kind": ["sent", "lost"]});
    assert_eq!(output(&list, input).await, json!([{"kind": "sent"}]));
    assert_eq!(
        output(&list, json!({"parcel_id": "a/b", "x_trace": "t"})).await,
        json!([{"kind": "sent"}])
    );
    let requests = server.received_requests().await.unwrap();
    assert_eq!(
        requests[0].url.query(),
        Some("limit=3&filter%5Bkind%5D=sent&filter%5Bkind%5D=lost")
    );
    assert_eq!(requests[0].headers["authorization"], "Bearer t-0123456789");
    assert!(!requests[0].headers.contains_key("x-trace"));
    assert_eq!(
        (requests[1].url.query(), &requests[1].headers["x-trace"]),
        (None, &"t".parse().unwrap())
    );
    let without = refusal(
        &tool(&catalog, "listEvents", &[]),
        json!({"parcel_id": "a"}),
    )
    .await;
    assert!(
        without.contains("PARCEL_DESK_TOKEN is not set"),
        "{without}"
    );
}

#[tokio::test]
async fn the_fields_of_a_body_are_parameters() {
    let server = MockServer::start().await;
    let echo = |request: &Request| {
        let body = String::from_utf8(request.body.clone()).unwrap();
        let kind = request
            .headers
            .get("content-type")
            .map(|kind| kind.to_str().unwrap());
        ResponseTemplate::new(200).set_body_json(json!({"body": body, "type": kind}))
    };
    Mock::given(wiremock::matchers::any())
        .respond_with(echo)
        .mount(&server)
        .await;
    let catalog = parcels(&server);
    let add = tool(&catalog, "addEvent", &TOKEN);
    let sent = output(&add, json!({"parcel_id": "a", "kind": "lost"})).await;
    assert_eq!(
        sent,
        json!({"body": "{\"kind\":\"lost\"}", "type": "application/json"})
    );
    let found = output(&tool(&catalog, "search", &[]), json!({"q": "a b"})).await;
    assert_eq!(
        found,
        json!({"body": "q=a+b", "type": "application/x-www-form-urlencoded"})
    );
    let variables = [
        ("PARCEL_DESK_KEY", "k-0123456789"),
        ("PARCEL_DESK_BASIC", "dXNlcjpwYXNz"),
    ];
    let label = tool(&catalog, "put_labels", &variables);
    let printed = output(&label, json!({"body": "to: me"})).await;
    assert_eq!(printed, json!({"body": "to: me", "type": "text/plain"}));
    let requests = server.received_requests().await.unwrap();
    let last = requests.last().unwrap();
    assert_eq!(last.url.query(), Some("api_key=k-0123456789"));
    assert_eq!(last.headers["authorization"], "Basic dXNlcjpwYXNz");
    assert!(
        !requests[1].headers.contains_key("authorization"),
        "it may be called by anybody"
    );
}

#[tokio::test]
async fn tools_know_what_the_document_knows() {
    let server = MockServer::start().await;
    let catalog = parcels(&server);
    let names: Vec<&str> = catalog.tools().iter().map(|tool| &*tool.name).collect();
    assert_eq!(names, ["listEvents", "addEvent", "put_labels", "search"]);
    let list = catalog.get("listEvents").unwrap();
    assert_eq!(
        &*list.description,
        "Lists what happened to a parcel. The newest comes first."
    );
    let input = list.input_schema.as_deref().unwrap();
    assert_eq!(input["required"], json!(["parcel_id"]));
    assert_eq!(
        input["properties"]["limit"],
        json!({"type": "integer", "maximum": 50, "default": 10})
    );
    assert_eq!(
        input["properties"]["parcel_id"]["description"],
        "The parcel"
    );
    let answer = list.output_schema.as_deref().unwrap();
    assert_eq!(answer["items"], json!({"$ref": "#/$defs/Event"}));
    assert_eq!(
        answer["$defs"]["Event"]["properties"]["before"],
        json!({"$ref": "#/$defs/Event"})
    );
    let add = catalog.get("addEvent").unwrap();
    assert!(
        add.recover.is_some() && !add.idempotent,
        "the server looks at the key of a call"
    );
    assert_eq!(
        add.input_schema.as_deref().unwrap()["required"],
        json!(["kind", "parcel_id"])
    );
    let label = catalog.get("put_labels").unwrap();
    assert!(label.idempotent && label.cost.to_string().contains("0.01"));
    assert_eq!(
        (&*label.description, label.timeout.unwrap().as_secs()),
        ("Deprecated", 7)
    );
    let toolbox = toolbox_with(&catalog, &SmallModelWorker::offline(), environment(&[]));
    let plan =
        json!({"steps": [{"id": 1, "tool": "listEvents", "parameters": {"parcel_id": "a"}}]});
    let plan = plandeck::plan::parse("plan", plan.to_string().as_bytes()).unwrap();
    let reaches: Reaches = toolbox.reaches(&plan.check(Some(&catalog), None).unwrap());
    let [_, hosts, _, variables] = reaches.lists().map(|(_, _, list)| list);
    assert_eq!(hosts, [server.uri().trim_start_matches("http://")]);
    assert_eq!(variables, ["PARCEL_DESK_TOKEN"]);
}

#[test]
fn an_older_document_is_read_too() {
    let old = json!({
        "openapi": "3.0.3",
        "info": {"title": "Old", "version": "1"},
        "servers": [{"url": "https://old.example/api/"}],
        "paths": {"/a": {"get": {"parameters": [
            {"name": "n", "in": "query", "schema": {"type": "number", "minimum": 1, "exclusiveMinimum": true, "nullable": true}},
            {"name": "list", "in": "query", "explode": false, "schema": {"type": "array", "items": {}}},
        ], "responses": {}}}},
    });
    let catalog = load(&old.to_string()).unwrap();
    let input = catalog.get("get_a").unwrap().input_schema.clone().unwrap();
    assert_eq!(
        input["properties"]["n"],
        json!({"type": ["number", "null"], "exclusiveMinimum": 1})
    );
    let warnings: Vec<&String> = catalog.warnings.iter().map(|it| &it.message).collect();
    assert!(
        warnings
            .iter()
            .any(|it| it.contains("\"list\" is a list to be joined")),
        "{warnings:?}"
    );
}

#[test]
fn a_document_that_cannot_be_used_is_named() {
    let base = |more: Value| {
        let mut all = json!({"openapi": "3.1.0", "servers": [{"url": "http://h"}], "paths": {}});
        all.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        all.to_string()
    };
    let path = |operation: Value| base(json!({"paths": {"/a": {"get": operation}}}));
    let mut deep = json!({"type": "string"});
    for _ in 0..200 {
        deep = json!({"items": deep});
    }
    for (text, says) in [
        (
            "{\"swagger\": \"2.0\"}".to_owned(),
            "Swagger document (version 2.0); convert it",
        ),
        (
            "{\"openapi\": \"4.0\"}".to_owned(),
            "its version is \"4.0\"",
        ),
        ("{}".to_owned(), "not an OpenAPI document"),
        ("{".to_owned(), ""),
        (base(json!({})), "no operations"),
        (
            base(json!({"servers": [{"url": "/v1"}], "paths": {"/a": {"get": {}}}})),
            "does not say where its server is",
        ),
        (
            base(json!({"paths": {"/a/{id}": {"get": {}}}})),
            "the path has {id}, and no such parameter",
        ),
        (
            path(json!({"parameters": [{"$ref": "#/components/gone"}]})),
            "leads nowhere",
        ),
        (
            path(json!({"parameters": [{"$ref": "other.yaml#/x"}]})),
            "leads to another document",
        ),
        (
            path(json!({"parameters": [{"name": "x", "in": "body"}]})),
            "a place that is not known",
        ),
        (
            path(json!({"parameters": [{"in": "query"}]})),
            "a parameter has no name",
        ),
        (
            path(json!({"parameters": [{"name": "x", "in": "query", "schema": deep}]})),
            "nested deeper than",
        ),
        (
            base(json!({"x": {"$ref": "#/x"}, "paths": {"/a": {"$ref": "#/x"}}})),
            "leads to itself",
        ),
    ] {
        let faults = load(&text).expect_err(says).join("\n");
        assert!(faults.contains(says), "{says}: {faults}");
    }
}

#[test]
fn a_schema_that_is_too_large_is_left_out_and_said() {
    let many: serde_json::Map<String, Value> = (0..2_000)
        .map(|n| (format!("S{n}"), json!({"type": "object", "description": "x".repeat(200), "properties": {"next": {"$ref": format!("#/components/schemas/S{}", (n + 1) % 2_000)}}})))
        .collect();
    let reference = json!({"$ref": "#/components/schemas/S0"});
    let text = json!({
        "openapi": "3.1.0",
        "servers": [{"url": "http://h"}],
        "paths": {"/a": {"post": {
            "requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {"s": reference}}}}},
            "responses": {"200": {"content": {"application/json": {"schema": reference}}}},
        }}},
        "components": {"schemas": many},
    });
    let catalog = load(&text.to_string()).unwrap();
    let tool = catalog.get("post_a").unwrap();
    assert_eq!(
        tool.input_schema.as_deref().unwrap()["properties"],
        json!({"s": {}})
    );
    assert!(tool.output_schema.is_none());
    assert_eq!(catalog.warnings.len(), 2);
}
