//! promptflow's flows.

use super::{command, converted, folder, left_out, run, step};
use crate::common::model_server::{Answer, ModelServer};
use crate::common::program::{code, json as printed, stderr};
use serde_json::json;

/// A flow that looks at a question, answers it in one of two ways, and renders the answer.
const FLOW: &str = r#"
environment: {python_requirements_txt: requirements.txt}
inputs:
  question: {type: string, default: "is it late?"}
  name: {type: string}
outputs:
  letter: {type: string, reference: "${letter.output}"}
  length: {type: int, reference: "${look.output.length}"}
nodes:
- name: look
  type: python
  source: {type: code, path: look.py}
  inputs: {question: "${inputs.question}", factor: 2}
- name: short
  type: python
  source: {type: code, path: answer.py}
  inputs: {text: "${inputs.question}", kind: short}
  activate: {when: "${look.output.is_long}", is: false}
- name: long
  type: python
  source: {type: code, path: answer.py}
  inputs: {text: "${inputs.question}", kind: long}
  activate: {when: "${look.output.is_long}", is: true}
- name: after-long
  type: python
  source: {type: code, path: answer.py}
  inputs: {text: "${long.output}", kind: more}
- name: letter
  type: prompt
  source: {type: code, path: letter.jinja2}
  inputs: {name: "${inputs.name}", short: "${short.output}", long: "${after-long.output}", sign: "{{me}}"}
"#;

const LOOK: &str = r#"
import math
from promptflow.core import tool

def helper(x):
    return x

@tool
def look(question: str, factor: int) -> dict:
    print("looking")
    return {"length": math.floor(helper(len(question))) * factor, "is_long": len(question) > 20}
"#;

const ANSWER: &str = "from promptflow import tool\n\n@tool\nasync def answer(text: str, kind: str) -> str:\n    return f'{kind}: {text}'\n";

const LETTER: &str = "Dear {{ name }},{# note #}\n{{short}}{{long}}\n{{sign}} {nothing}";

#[test]
fn a_flow_runs_its_python_and_its_prompts() {
    let folder = folder(&[
        ("flow.dag.yaml", FLOW),
        ("look.py", LOOK),
        ("answer.py", ANSWER),
        ("letter.jinja2", LETTER),
    ]);
    let (status, result) = run(&folder, "flow.dag.yaml", &["-c", "name=Ada"]);
    assert_eq!(status, 0, "{result:#}");
    let letter = "Dear Ada,\nshort: is it late?\n{{me}} {nothing}";
    assert_eq!(result["result"], json!({"letter": letter, "length": 22}));
    let ends: Vec<&str> = result["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["status"].as_str().unwrap())
        .collect();
    assert_eq!(
        ends,
        [
            "succeeded",
            "succeeded",
            "skipped",
            "skipped",
            "succeeded",
            "succeeded"
        ]
    );
    let arguments = [
        "run",
        "plan.yaml",
        "--headless",
        "--json",
        "-c",
        "name=Ada",
        "-c",
        "question=is it late in the afternoon?",
    ];
    let result = printed(&command(&folder, &arguments));
    let letter = "Dear Ada,\nmore: long: is it late in the afternoon?\n{{me}} {nothing}";
    assert_eq!(result["result"]["letter"], letter, "{result:#}");
}

#[test]
fn models_are_asked_with_the_template() {
    let flow = r#"
inputs: {topic: {type: string, default: whales}}
outputs: {answer: {reference: "${joke.output}"}}
nodes:
- name: joke
  type: llm
  source: {type: code, path: joke.jinja2}
  inputs: {deployment_name: gpt-35, temperature: "0.5", max_tokens: 64, topic: "${inputs.topic}", top_p: 0.9, unused: 1}
  connection: open_ai
  api: chat
- name: sum
  type: python
  source: {type: code, path: sum.py}
  inputs: {answers: "${joke.output}"}
  aggregation: true
- name: varied
  use_variants: true
- name: packed
  type: custom_llm
  source: {type: package_with_prompt, tool: x.y.Z, path: joke.jinja2}
- name: listed
  type: llm
  source: {type: code, path: listed.jinja2}
  inputs: {items: "${joke.output}"}
node_variants:
  varied:
    default_variant_id: v1
    variants:
      v0: {node: {type: prompt, source: {type: code, path: joke.jinja2}, inputs: {topic: cats}}}
      v1: {node: {type: prompt, source: {type: code, path: joke.jinja2}, inputs: {topic: dogs}}}
"#;
    let folder = folder(&[
        ("flow.dag.yaml", flow),
        ("joke.jinja2", "system:\nYou joke.\nuser:\nAbout {{topic}}."),
        (
            "listed.jinja2",
            "{% for item in items %}{{ item }};{% endfor %}",
        ),
        ("sum.py", "def f(answers): return len(answers)"),
    ]);
    let found = converted(&folder, &["flow.dag.yaml"]);
    assert_eq!(found["format"], "promptflow");
    let tools = &found["plan"]["tools"];
    let joke = json!({"type": "model", "temperature": 0.5, "max_tokens": 64, "prompt": "system:\nYou joke.\nuser:\nAbout {{topic}}."});
    assert_eq!(tools["joke"], joke);
    assert_eq!(
        step(&found, "joke")["parameters"],
        json!({"topic": "{{topic}}"})
    );
    assert_eq!(
        step(&found, "varied")["parameters"]["text"],
        "system:\nYou joke.\nuser:\nAbout dogs."
    );
    assert_eq!(
        step(&found, "sum")["parameters"]["answers"],
        json!(["{{steps[joke].output}}"])
    );
    assert_eq!(
        step(&found, "listed")["depends_on"],
        json!(["joke", "listed-prompt"])
    );
    let listed = left_out(&found);
    for words in [
        "line 8, step joke: the deployment gpt-35 is not carried over: run it with --worker azure/gpt-35",
        "line 9, step joke: the connection open_ai is not carried over",
        "line 8, step joke: `top_p` of a model has no counterpart",
        "line 15, step sum: it looks at all lines of a batch together",
        "step varied: of its variants the default v1 is taken; not carried over: v0",
        "step packed: its tool x.y.Z comes with a package",
        "step listed: the template listed.jinja2 has statements or filters of Jinja",
    ] {
        assert!(listed.contains(words), "{words}\n{listed}");
    }
    assert_eq!(listed.lines().count(), 7, "{listed}");
}

#[test]
fn a_model_answers_a_flow() {
    let flow = "inputs: {topic: {default: whales}}\noutputs: {answer: {reference: '${joke.output}'}}\nnodes:\n\
        - {name: joke, type: llm, source: {type: code, path: joke.jinja2}, inputs: {topic: '${inputs.topic}', max_tokens: 50}}\n";
    let folder = folder(&[
        ("flow.dag.yaml", flow),
        ("joke.jinja2", "About {{ topic }}."),
    ]);
    let output = command(&folder, &["convert", "flow.dag.yaml", "-o", "plan.yaml"]);
    assert_eq!((code(&output), stderr(&output)), (0, String::new()));
    let server = ModelServer::start(vec![Answer {
        to: "About whales.".to_owned(),
        says: json!("Because."),
        after: std::time::Duration::ZERO,
    }]);
    let arguments = [
        "run",
        "plan.yaml",
        "--headless",
        "--json",
        "--worker",
        "gpt-4o-mini",
        "--base-url",
        &server.url(),
    ];
    let result = printed(&command(&folder, &arguments));
    assert_eq!(
        result["result"],
        json!({"answer": "Because."}),
        "{result:#}"
    );
}
