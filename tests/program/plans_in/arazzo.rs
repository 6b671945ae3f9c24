//! Arazzo descriptions.

use super::{command, converted, folder, left_out, run, step};
use crate::common::program::{code, json, stderr};
use serde_json::{Value, json};
use wiremock::matchers::{body_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// The API of a small library.
const API: &str = r#"
openapi: 3.0.3
info: {title: Library, version: "1"}
servers: [{url: "SERVER/v1"}]
paths:
  /sessions:
    post:
      operationId: logIn
      requestBody:
        required: true
        content: {application/json: {schema: {type: object, required: [user], properties: {user: {type: string}}}}}
      responses: {"201": {description: In}}
  /books:
    get:
      operationId: findBooks
      parameters:
        - {name: about, in: query, required: true, schema: {type: array, items: {type: string}}}
        - {name: page-size, in: query, schema: {type: integer}}
      responses: {"200": {description: Found}}
  /books/{book-id}/loans:
    put:
      parameters: [{name: book-id, in: path, required: true, schema: {type: integer}}]
      responses: {"200": {description: Lent}}
"#;

/// A workflow over it that calls another one.
const LEND: &str = r#"
arazzo: 1.0.1
info: {title: Lending, version: "1"}
sourceDescriptions:
  - {name: library, url: ./library.yaml, type: openapi}
workflows:
  - workflowId: lend-one
    summary: Lends the first book about something.
    inputs:
      type: object
      required: [user, about]
      properties:
        user: {type: string}
        about: {type: string}
        weeks: {type: integer, default: 2}
        note: {type: string}
    parameters:
      - {name: X-Trace, in: header, value: "lend-{$inputs.user}"}
    steps:
      - stepId: log-in
        description: Opens a session.
        operationId: logIn
        requestBody:
          contentType: application/json
          payload: '{"user": "{$inputs.user}", "from": "desk {$inputs.weeks}/{$inputs.user}", "note": "{$inputs.note}"}'
        successCriteria:
          - condition: $statusCode == 201
          - condition: $response.body#/state == 'OPEN' && $response.body#/tries < 3
        outputs:
          token: $response.body#/token
          left: $response.header.X-Rate-Left
          code: $statusCode
      - stepId: find
        operationId: $sourceDescriptions.library.findBooks
        parameters:
          - {name: about, in: query, value: $inputs.about}
          - reference: $components.parameters.size
            value: 5
          - {name: Authorization, in: header, value: "Bearer {$steps.log-in.outputs.token}"}
        successCriteria:
          - {context: $response.body, condition: "$.books[*]", type: jsonpath}
          - {context: $response.body, condition: "$[?count(@.books) > 0]", type: jsonpath}
        onFailure:
          - {name: again, type: retry, retryAfter: 0.01, retryLimit: 2, criteria: [{condition: $statusCode == 503}]}
        outputs: {first: $response.body#/books/0/id, all: $response.body}
      - stepId: lend
        workflowId: lend-it
        parameters:
          - {name: book, value: $steps.find.outputs.first}
          - {name: weeks, value: $inputs.weeks}
        onSuccess:
          - {name: on, type: goto, stepId: log-in, criteria: [{condition: $outputs.due == 'never'}]}
        outputs: {due: $outputs.due}
    outputs:
      due: $steps.lend.outputs.due
      left: $steps.log-in.outputs.left
      code: $steps.log-in.outputs.code
      titles: $steps.find.outputs.all.books
      nothing: $steps.find.outputs.none
  - workflowId: lend-it
    inputs:
      type: object
      properties: {book: {type: integer}, weeks: {type: integer}, shelf: {type: string, default: A}}
    steps:
      - stepId: put
        operationPath: "{$sourceDescriptions.library.url}#/paths/~1books~1{book-id}~1loans/put"
        parameters:
          - {name: book-id, in: path, value: $inputs.book}
        requestBody:
          payload: {weeks: 1, at: {shelf: $inputs.shelf}, who: "{{nobody}}"}
          replacements:
            - {target: /weeks, value: $inputs.weeks}
        timeout: 20000
        outputs: {due: $response.body#/due}
    outputs: {due: $steps.put.outputs.due}
components:
  parameters:
    size: {name: page-size, in: query, value: 100}
"#;

async fn library() -> MockServer {
    let server = MockServer::start().await;
    let sent = json!({"user": "ada", "from": "desk 2/ada", "note": null});
    let answer = json!({"token": "t-31415926", "state": "open", "tries": 1});
    Mock::given(method("POST"))
        .and(path("/v1/sessions"))
        .and(body_json(sent))
        .and(header("x-trace", "lend-ada"))
        .respond_with(
            ResponseTemplate::new(201)
                .set_body_json(answer)
                .insert_header("X-Rate-Left", "41"),
        )
        .mount(&server)
        .await;
    Mock::given(path("/v1/books"))
        .respond_with(ResponseTemplate::new(503))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(path("/v1/books"))
        .and(query_param("about", "whales"))
        .and(query_param("page-size", "5"))
        .and(header("authorization", "Bearer t-31415926"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({"books": [{"id": 7}, {"id": 8}]})),
        )
        .mount(&server)
        .await;
    Mock::given(method("PUT"))
        .and(path("/v1/books/7/loans"))
        .and(body_json(
            json!({"weeks": 2, "at": {"shelf": "A"}, "who": "{{nobody}}"}),
        ))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"due": "in June"})))
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn a_workflow_runs_with_its_sources() {
    let server = library().await;
    let api = API.replace("SERVER", &server.uri());
    let folder = folder(&[("lend.arazzo.yaml", LEND), ("library.yaml", &api)]);
    let (status, result) = run(
        &folder,
        "lend.arazzo.yaml",
        &["-c", "user=ada", "-c", "about=whales"],
    );
    assert_eq!(status, 0, "{result:#}");
    let expected = json!({
        "due": "in June", "left": "41", "code": 201, "titles": [{"id": 7}, {"id": 8}], "nothing": null,
    });
    assert_eq!(result["result"], expected);
    let ids: Vec<&str> = result["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["log-in", "find", "lend-put", "result"]);
    assert_eq!(result["steps"][1]["attempts"], 2);
}

#[test]
fn steps_keep_what_can_be_kept_and_the_rest_is_listed() {
    let api = API.replace("SERVER", "https://library.example");
    let folder = folder(&[("lend.yaml", LEND), ("library.yaml", &api)]);
    let found = converted(&folder, &["lend.yaml"]);
    assert_eq!(found["format"], "arazzo");
    let plan = &found["plan"];
    assert_eq!(plan["name"], "lend-one");
    assert_eq!(plan["context"], json!({"weeks": 2, "note": null}));
    assert_eq!(
        step(&found, "log-in")["expect"],
        json!([
            "(output.body.state | string | lower) == \"open\"",
            "(output.body.tries | float) < 3"
        ])
    );
    assert_eq!(plan["tools"]["logIn"]["status"], json!([201]));
    assert_eq!(plan["tools"]["logIn"]["whole"], true);
    let find = step(&found, "find");
    assert_eq!(find["depends_on"], json!(["log-in"]));
    assert_eq!(
        find["retry_policy"],
        json!({"retries": 3, "backoff_s": 0.01})
    );
    assert_eq!(find["expect"], json!(["(output.books | length) > 0"]));
    assert_eq!(find["parameters"]["page_size"], 5);
    assert!(plan["tools"]["findBooks"].get("whole").is_none());
    let put = step(&found, "lend-put");
    assert_eq!(
        (&put["timeout_s"], &put["tool"]),
        (&json!(20.0), &json!("put_books_book_id_loans"))
    );
    let listed = left_out(&found);
    for words in [
        "line 6: this is the workflow lend-one of several; --workflow ID takes another one: lend-one, lend-it",
        "line 40, step find: the criterion $[?count(@.books) > 0] is not checked; write it as `expect`",
        "line 43, step find: the criteria of the retry again have no counterpart",
        "step lend: `onSuccess` of a step that calls a workflow has no counterpart",
        "output nothing: $steps.find.outputs.none names nothing that is known here; it is null",
    ] {
        assert!(listed.contains(words), "{words}\n{listed}");
    }
    assert_eq!(listed.lines().count(), 5, "{listed}");
    let other = converted(&folder, &["lend.yaml", "--workflow", "lend-it"]);
    assert_eq!(other["plan"]["name"], "lend-it");
    assert_eq!(other["left_out"], json!([]));
    let output = command(&folder, &["convert", "lend.yaml", "--workflow", "x"]);
    assert!(
        stderr(&output).contains("line 6: it has no workflow x; it has: lend-one, lend-it"),
        "{}",
        stderr(&output)
    );
}

#[tokio::test]
async fn a_source_that_lies_elsewhere_is_given() {
    let server = library().await;
    let text = LEND.replace("./library.yaml", "https://library.example/api.yaml");
    let api = API.replace("SERVER", &server.uri());
    let folder = folder(&[("lend.yaml", &text), ("api.yaml", &api)]);
    let found = converted(&folder, &["lend.yaml"]);
    let listed = left_out(&found);
    let words = "step log-in: the source library (https://library.example/api.yaml) is not read: it lies elsewhere; \
        give its OpenAPI document with --openapi library=FILE";
    assert!(listed.contains(words), "{listed}");
    // The graph is whole, and a step that cannot be called says why.
    let (status, result) = run(
        &folder,
        "lend.yaml",
        &["-c", "user=ada", "-c", "about=whales"],
    );
    assert_eq!(status, 1);
    let error = result["steps"][0]["error"]["message"].as_str().unwrap();
    assert!(error.contains("this step was not carried over"), "{error}");
    for given in ["--openapi=library=api.yaml", "--openapi=api.yaml"] {
        let found = converted(&folder, &["lend.yaml", given]);
        assert!(!left_out(&found).contains("is not read"));
        let url = found["plan"]["tools"]["findBooks"]["url"].as_str().unwrap();
        assert_eq!(url, format!("{}/v1/books", server.uri()));
    }
}

#[test]
fn a_file_is_replaced_only_when_it_is_asked_for() {
    let api = API.replace("SERVER", "https://library.example");
    let folder = folder(&[
        ("lend.yaml", LEND),
        ("library.yaml", &api),
        ("plan.yaml", "mine"),
    ]);
    let output = command(&folder, &["convert", "lend.yaml", "-o", "plan.yaml"]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("plan.yaml exists; --force replaces it"),
        "{}",
        stderr(&output)
    );
    let text = || std::fs::read_to_string(folder.path().join("plan.yaml")).unwrap();
    assert_eq!(text(), "mine");
    let output = command(
        &folder,
        &["convert", "lend.yaml", "-o", "plan.yaml", "--force"],
    );
    assert_eq!(code(&output), 0);
    assert!(output.stdout.is_empty());
    assert!(text().starts_with("name: lend-one"), "{}", text());
    let printed = command(&folder, &["convert", "lend.yaml"]);
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), text());
    let json_file = command(&folder, &["convert", "lend.yaml", "-o", "plan.json"]);
    assert_eq!(code(&json_file), 0);
    let plan = std::fs::read(folder.path().join("plan.json")).unwrap();
    let plan: Value = serde_json::from_slice(&plan).unwrap();
    assert_eq!(plan["name"], "lend-one");
}

#[test]
fn other_commands_say_what_the_file_is() {
    let api = API.replace("SERVER", "https://library.example");
    let folder = folder(&[("lend.yaml", LEND), ("library.yaml", &api)]);
    for command_name in ["run", "check"] {
        let output = command(&folder, &[command_name, "lend.yaml"]);
        assert_eq!(code(&output), 2);
        let words = "lend.yaml is an Arazzo description, not a plan of Plandeck: `plandeck convert lend.yaml -o plan.yaml` \
            makes one, `plandeck open lend.yaml` looks at it";
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
    let output = command(&folder, &["open", "lend.yaml"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.starts_with("an Arazzo description\n") && text.contains("4 steps"),
        "{text}"
    );
    assert!(stderr(&output).contains("note: line 40, step find: the criterion"));
    let report = json(&command(
        &folder,
        &["open", "lend.yaml", "--json", "--workflow", "lend-it"],
    ));
    assert_eq!(
        (&report["sound"], &report["steps"]),
        (&json!(true), &json!(2))
    );
    assert_eq!(
        (&report["format"], &report["left_out"]),
        (&json!("arazzo"), &json!([]))
    );
}

#[test]
fn a_wrong_document_is_refused_with_the_place() {
    let folder = folder(&[
        ("old.yaml", "info: {}\narazzo: 2.0.0\nworkflows: [{}]\n"),
        ("none.yaml", "arazzo: 1.0.0\nworkflows: []\n"),
        (
            "circle.yaml",
            "arazzo: 1.0.0\nworkflows:\n- workflowId: a\n  steps: [{stepId: x, workflowId: a}]\n",
        ),
    ]);
    for (file, words) in [
        ("old.yaml", "line 2: its version is 2.0.0"),
        ("none.yaml", "line 2: it has no workflows"),
        ("circle.yaml", "line 3: the workflow calls itself"),
    ] {
        let output = command(&folder, &["convert", file]);
        assert_eq!(code(&output), 2);
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
}
