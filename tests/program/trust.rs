//! A plan that starts programs, reaches hosts or runs code runs only when it is trusted.

use crate::common::program::{code, json, plandeck, stderr};
use serde_json::{Value, json};
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

/// A project with a home of its own, whose commands run without the consent that other tests have.
struct Project(TempDir);

impl Project {
    /// The plan calls `brew`, which starts a script that writes a file.
    fn new() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        project.write(
            "plan.yaml",
            "steps:\n  - {id: tea, tool: brew, parameters: {cups: 2}}\n",
        );
        project.write(
            "tools.yaml",
            "tools:\n  brew: {type: process, command: [sh, kettle.sh, leaves.csv]}\n",
        );
        project.write("kettle.sh", "echo boiled >> brewed; echo '\"tea\"'\n");
        project.write("leaves.csv", "assam,2\n");
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("work").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// How often the script has run.
    fn brewed(&self) -> usize {
        let text = std::fs::read_to_string(self.path("brewed"));
        text.unwrap_or_default().lines().count()
    }

    fn command(&self, arguments: &[&str]) -> Output {
        self.command_in(&self.path(""), arguments)
    }

    fn command_in(&self, folder: &Path, arguments: &[&str]) -> Output {
        plandeck()
            .current_dir(folder)
            .env_remove("PLANDECK_TRUST")
            .env("PLANDECK_HOME", self.0.path().join("home"))
            .args(arguments)
            .output()
            .unwrap()
    }

    fn run(&self, more: &[&str]) -> Output {
        let arguments = [
            "run",
            "plan.yaml",
            "--worker",
            "offline",
            "--headless",
            "--json",
        ];
        self.command(&[&arguments[..], more].concat())
    }

    /// Runs it; asserts that it did.
    fn runs(&self, more: &[&str]) {
        let before = self.brewed();
        let output = self.run(more);
        assert_eq!(code(&output), 0, "{more:?} {}", stderr(&output));
        assert_eq!(self.brewed(), before + 1);
    }

    /// Asserts that it is refused and that nothing was started; what was said.
    fn is_refused(&self, more: &[&str]) -> String {
        let before = self.brewed();
        let output = self.run(more);
        let said = stderr(&output);
        assert_eq!(code(&output), 2, "{more:?} {said}");
        assert!(output.stdout.is_empty());
        assert_eq!(self.brewed(), before, "it was started all the same");
        said
    }

    fn trusts(&self, arguments: &[&str]) -> Output {
        let output = self.command(&[&["trust"], arguments].concat());
        assert_eq!(code(&output), 0, "{arguments:?} {}", stderr(&output));
        output
    }

    /// `trusted` and `trusted_by` of `check`.
    fn checked(&self) -> (bool, Value) {
        let output = self.command(&["check", "plan.yaml", "--worker", "offline", "--json"]);
        let report = json(&output);
        (
            report["trusted"].as_bool().unwrap(),
            report["trusted_by"].clone(),
        )
    }
}

#[test]
fn a_plan_that_is_not_trusted_does_nothing_and_says_what_it_would_do() {
    let project = Project::new();
    let said = project.is_refused(&[]);
    for part in [
        "plan.yaml",
        "sh kettle.sh leaves.csv",
        "plandeck trust plan.yaml",
        "--trust",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(project.checked(), (false, Value::Null));
    // Words that are not the one that says yes say nothing.
    for word in ["0", "true", ""] {
        let output = plandeck()
            .current_dir(project.path(""))
            .env("PLANDECK_TRUST", word)
            .args(["run", "plan.yaml", "--worker", "offline", "--headless"])
            .output()
            .unwrap();
        assert_eq!(code(&output), 2, "{word}");
    }
    assert_eq!(project.brewed(), 0);
    project.runs(&["--trust"]);
    project.is_refused(&[]);
}

#[test]
fn a_server_is_not_reached_without_trust() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n42";
            let _ = std::io::Write::write_all(&mut stream, answer.as_bytes());
        }
    });
    let project = Project::new();
    project.write(
        "tools.yaml",
        &format!("tools:\n  brew: {{type: http, method: GET, url: \"http://{address}/cups\"}}\n"),
    );
    let said = project.is_refused(&[]);
    assert!(said.contains(&address.to_string()), "{said}");
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    let output = project.run(&["--trust"]);
    assert_eq!(json(&output)["result"], 42);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn what_runs_nothing_of_its_own_needs_no_trust() {
    let project = Project::new();
    for (tools, needs) in [
        ("tools: {brew: {type: jq, filter: .cups}}", false),
        (
            "tools: {brew: {prompt: Brew it., offline: {jq: .cups}}}",
            false,
        ),
        (
            "tools: {brew: {prompt: Brew it., offline: {code: \"output = 1\"}}}",
            true,
        ),
        (
            "tools: {brew: {type: code_exec, code: \"output = input_data['cups']\"}}",
            true,
        ),
    ] {
        project.write("tools.yaml", tools);
        let output = project.run(&[]);
        assert_eq!(code(&output) == 2, needs, "{tools} {}", stderr(&output));
        assert_eq!(project.checked().0, !needs);
    }
    project.write(
        "plan.yaml",
        "steps:\n  - {id: a, tool: code_exec, parameters: {code: 'output = 1'}}\n",
    );
    let said = project.is_refused(&[]);
    assert!(said.contains("code_exec"), "{said}");
}

#[test]
fn a_trusted_content_asks_again_after_any_edit_and_says_what_changed() {
    let project = Project::new();
    project.trusts(&["plan.yaml"]);
    project.runs(&[]);
    assert_eq!(project.checked(), (true, json!("content")));
    // The same content is known wherever it lies; data that the script reads is not its content.
    let copy = project.path("copy");
    std::fs::create_dir(&copy).unwrap();
    for name in ["plan.yaml", "tools.yaml", "kettle.sh"] {
        std::fs::copy(project.path(name), copy.join(name)).unwrap();
    }
    let elsewhere = ["run", "plan.yaml", "--worker", "offline", "--headless"];
    assert_eq!(code(&project.command_in(&copy, &elsewhere)), 0);
    project.write("leaves.csv", "darjeeling,1\n");
    project.runs(&[]);

    let edits = [
        (
            "plan.yaml",
            "steps:\n  - {id: tea, tool: brew, parameters: {cups: 3}}\n",
        ),
        (
            "tools.yaml",
            "tools:\n  brew: {type: process, command: [sh, ./kettle.sh, milk]}\n",
        ),
        ("kettle.sh", "echo boiled >> brewed; echo '\"coffee\"'\n"),
    ];
    for (name, text) in edits {
        let before = std::fs::read_to_string(project.path(name)).unwrap();
        project.write(name, text);
        let said = project.is_refused(&[]);
        assert!(said.contains("has changed since you trusted it"), "{said}");
        assert!(said.contains(name), "{said}");
        let is_new = |word: &str| said.lines().any(|line| line.starts_with(word));
        assert_eq!(
            is_new("+ starts     sh ./kettle.sh milk"),
            name == "tools.yaml",
            "{said}"
        );
        assert_eq!(
            is_new("- starts     sh kettle.sh leaves.csv"),
            name == "tools.yaml",
            "{said}"
        );
        // As it was, it is still trusted.
        project.write(name, &before);
        project.runs(&[]);
    }
    // Trusted after the edit, both contents are.
    project.write("kettle.sh", edits[2].1);
    project.trusts(&["plan.yaml"]);
    project.runs(&[]);
    project.trusts(&["--remove", "plan.yaml"]);
    let said = project.is_refused(&[]);
    assert!(said.contains("is not trusted"), "{said}");
}

#[test]
fn a_trusted_folder_holds_for_everything_in_it_by_its_real_place() {
    let project = Project::new();
    project.trusts(&["."]);
    project.runs(&[]);
    assert_eq!(project.checked(), (true, json!("folder")));
    project.write("kettle.sh", "echo again >> brewed\n");
    project.runs(&[]);
    project.write("deep/down/plan.yaml", "steps:\n  - {id: a, tool: b}\n");
    project.write(
        "deep/down/tools.yaml",
        "tools: {b: {type: process, command: 'true'}}",
    );
    let run = ["run", "plan.yaml", "--worker", "offline", "--headless"];
    assert_eq!(
        code(&project.command_in(&project.path("deep/down"), &run)),
        0
    );

    // Another folder with a similar name, one reached by dots, a plan that is only linked to, a catalog elsewhere.
    let outside = project.0.path().join("workshop");
    std::fs::create_dir(&outside).unwrap();
    for name in ["plan.yaml", "tools.yaml", "kettle.sh"] {
        std::fs::copy(project.path(name), outside.join(name)).unwrap();
    }
    assert_eq!(code(&project.command_in(&outside, &run)), 2);
    project.is_refused(&["--tools", "../workshop/tools.yaml"]);
    let by_dots = [
        "run",
        "../workshop/plan.yaml",
        "--worker",
        "offline",
        "--headless",
    ];
    assert_eq!(code(&project.command(&by_dots)), 2);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&outside, project.path("linked")).unwrap();
        let by_link = [
            "run",
            "linked/plan.yaml",
            "--worker",
            "offline",
            "--headless",
        ];
        assert_eq!(code(&project.command(&by_link)), 2);
        // And the other way: the trusted folder through a link.
        let door = project.0.path().join("door");
        std::os::unix::fs::symlink(project.path(""), &door).unwrap();
        assert_eq!(code(&project.command_in(&door, &run)), 0);
        project.trusts(&["--remove", door.to_str().unwrap()]);
        project.is_refused(&[]);
    }
}

#[test]
fn a_catalog_that_is_trusted_serves_plans_in_trusted_folders() {
    let project = Project::new();
    project.write(
        "../tools/tools.yaml",
        "tools:\n  brew: {type: process, command: [sh, pot.sh]}\n",
    );
    project.write("../tools/pot.sh", "echo poured >> ../work/brewed\n");
    let more = ["--tools", "../tools/tools.yaml"];
    project.trusts(&["."]);
    let said = project.is_refused(&more);
    assert!(
        said.contains("plandeck trust plan.yaml --tools ../tools/tools.yaml"),
        "{said}"
    );
    project.trusts(&["../tools/tools.yaml"]);
    project.runs(&more);
    project.write("../tools/pot.sh", "echo spilled >> ../work/brewed\n");
    project.is_refused(&more);
    project.trusts(&["plan.yaml", "--tools", "../tools/tools.yaml"]);
    project.runs(&more);
}

#[test]
fn a_worker_that_reaches_more_than_was_seen_asks_again() {
    let project = Project::new();
    project.write(
        "tools.yaml",
        "tools:\n  brew: {type: http, method: GET, url: \"http://127.0.0.1:9/tea\", offline: {jq: .cups}}\n",
    );
    // By its rules it reaches nothing; with a worker it does.
    let output = project.run(&[]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let with_model = [
        "run",
        "plan.yaml",
        "--worker",
        "openai/x",
        "--base-url",
        "http://127.0.0.1:8/v1",
        "--no-track-cost",
        "--headless",
    ];
    let output = project.command(&with_model);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    assert!(
        stderr(&output).contains("127.0.0.1:9"),
        "{}",
        stderr(&output)
    );
    // What is trusted by its content is trusted with every worker.
    let said = stderr(&project.trusts(&["plan.yaml"]));
    assert!(said.contains("127.0.0.1:9"), "{said}");
    assert_eq!(code(&project.command(&with_model)), 1);
}

#[test]
fn what_is_asked_about_an_interrupted_call_is_listed_too() {
    let project = Project::new();
    project.write(
        "tools.yaml",
        "tools:\n  brew: {type: process, command: [sh, kettle.sh], recover: {probe: taste, found: .}}\n  taste: {type: process, command: [sh, cup.sh]}\n  wash: {type: process, command: [sh, sink.sh]}\n",
    );
    let said = project.is_refused(&[]);
    assert!(
        said.contains("sh cup.sh") && !said.contains("sink.sh"),
        "{said}"
    );
}

#[test]
fn servers_of_an_mcp_file_count_as_content() {
    let project = Project::new();
    project.write(
        "servers.json",
        r#"{"mcpServers": {"pantry": {"command": "sh", "args": ["pantry.sh"]}}}"#,
    );
    project.write("pantry.sh", "cat\n");
    project.write(
        "tools.yaml",
        "tools:\n  brew: {type: mcp, server: pantry}\n",
    );
    let more = ["--mcp-config", "servers.json"];
    let said = project.is_refused(&more);
    assert!(
        said.contains("sh pantry.sh") && said.contains("--mcp-config servers.json"),
        "{said}"
    );
    project.trusts(&["plan.yaml", "--mcp-config", "servers.json"]);
    assert_ne!(code(&project.run(&more)), 2);
    for (name, text) in [
        ("pantry.sh", "cat; echo\n"),
        (
            "servers.json",
            r#"{"mcpServers": {"pantry": {"command": "sh", "args": ["pantry.sh", "-v"]}}}"#,
        ),
    ] {
        let before = std::fs::read_to_string(project.path(name)).unwrap();
        project.write(name, text);
        let said = project.is_refused(&more);
        assert!(said.contains(name), "{said}");
        project.write(name, &before);
    }
}

#[test]
fn a_plan_from_standard_input_is_known_by_its_content_alone() {
    let project = Project::new();
    project.trusts(&["."]);
    let piped = |trust: &[&str]| {
        plandeck()
            .current_dir(project.path(""))
            .env_remove("PLANDECK_TRUST")
            .env("PLANDECK_HOME", project.0.path().join("home"))
            .args(["run", "-", "--worker", "offline", "--headless"])
            .args(trust)
            .write_stdin(std::fs::read(project.path("plan.yaml")).unwrap())
            .output()
            .unwrap()
    };
    let refused = piped(&[]);
    assert_eq!(code(&refused), 2, "{}", stderr(&refused));
    assert!(
        !stderr(&refused).contains("plandeck trust -"),
        "{}",
        stderr(&refused)
    );
    assert_eq!(code(&piped(&["--trust"])), 0);
    project.trusts(&["plan.yaml"]);
    assert_eq!(code(&piped(&[])), 0);
}

#[test]
fn samples_run_wherever_they_lie_until_they_are_edited() {
    let project = Project::new();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-plans");
    for (sample, plan) in [
        ("almanac", "plan.txt"),
        ("letter", "plan.json"),
        ("release", "plan.yaml"),
    ] {
        let here = samples.join(sample).join(plan);
        let run = [
            "run",
            here.to_str().unwrap(),
            "--worker",
            "offline",
            "--headless",
        ];
        let output = project.command(&run);
        assert_eq!(code(&output), 0, "{sample} {}", stderr(&output));
        let copy = project.path(sample);
        std::fs::create_dir(&copy).unwrap();
        for entry in std::fs::read_dir(samples.join(sample)).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
        }
        let run = ["run", plan, "--worker", "offline", "--headless"];
        assert_eq!(code(&project.command_in(&copy, &run)), 0, "{sample}");
        if sample == "almanac" {
            let script = copy.join("lookup.sh");
            let mut text = std::fs::read_to_string(&script).unwrap();
            text.push_str("\n# mine\n");
            std::fs::write(&script, text).unwrap();
            assert_eq!(code(&project.command_in(&copy, &run)), 2);
        }
    }
    // Files of two samples together are no sample.
    let mixed = [
        "run",
        "letter/plan.json",
        "--tools",
        "almanac/tools.yaml",
        "--worker",
        "offline",
        "--headless",
    ];
    assert_eq!(code(&project.command(&mixed)), 2);
    let output = project.command(&["demo", "--headless", "--json"]);
    assert_ne!(code(&output), 2, "{}", stderr(&output));
}

#[test]
fn resumed_and_forked_runs_ask_too() {
    let project = Project::new();
    project.runs(&["--trust"]);
    let output = project.command(&["fork", "last", "--from", "tea", "--headless", "--json"]);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    assert_eq!(project.brewed(), 1);
    project.trusts(&["plan.yaml"]);
    let output = project.command(&["fork", "last", "--from", "tea", "--headless", "--json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(project.brewed(), 2);
    project.write("kettle.sh", "echo other >> brewed\n");
    let output = project.command(&["run", "--resume", "last", "--headless", "--json"]);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    assert_eq!(project.brewed(), 2);
}

#[test]
fn a_plan_that_a_planner_writes_goes_by_its_catalog() {
    let project = Project::new();
    project.write(
        "tools.yaml",
        "tools:\n  brew:\n    type: process\n    description: Brews tea in a pot.\n    command: [sh, kettle.sh]\n    read_only: true\n    parameters: []\n",
    );
    let plan = [
        "plan",
        "Brew tea in a pot",
        "--planner",
        "offline",
        "--tools",
        "tools.yaml",
        "--run",
        "--headless",
        "--json",
    ];
    let output = project.command(&plan);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    assert!(
        stderr(&output).contains("plandeck trust tools.yaml"),
        "{}",
        stderr(&output)
    );
    assert_eq!(project.brewed(), 0);
    project.trusts(&["tools.yaml"]);
    let output = project.command(&plan);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(project.brewed(), 1);
    // The run can be forked, and no other plan gains from it.
    let output = project.command(&["fork", "last", "--headless"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    project.is_refused(&[]);
}

#[test]
fn folders_that_hold_too_much_are_refused() {
    let project = Project::new();
    let home = project.path("home of nobody");
    std::fs::create_dir(&home).unwrap();
    let trust = |path: &str, more: &[&str]| {
        plandeck()
            .current_dir(project.path(""))
            .env("HOME", &home)
            .env("PLANDECK_HOME", project.0.path().join("home"))
            .args(["trust", path])
            .args(more)
            .output()
            .unwrap()
    };
    let above = project.path("").to_str().unwrap().to_owned();
    let home = home.to_str().unwrap();
    for (path, word) in [
        ("/", "whole file system"),
        (home, "home folder"),
        (&above, "home folder"),
    ] {
        let output = trust(path, &[]);
        assert_eq!(code(&output), 2, "{path}");
        assert!(
            stderr(&output).contains(word),
            "{path}: {}",
            stderr(&output)
        );
    }
    assert_eq!(code(&trust("/", &["--force"])), 2);
    assert_eq!(code(&trust(home, &["--force"])), 0);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let open = project.path("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, PermissionsExt::from_mode(0o777)).unwrap();
        let output = trust("open", &[]);
        assert_eq!(code(&output), 2);
        assert!(
            stderr(&output).contains("every user"),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn what_is_trusted_is_listed_and_kept_for_its_owner() {
    let project = Project::new();
    project.trusts(&["plan.yaml", "."]);
    let listed = json(&project.trusts(&["--json"]));
    let real = project.path("").canonicalize().unwrap();
    assert_eq!(
        listed[0],
        json!({"path": real, "kind": "folder", "trusted_at": listed[0]["trusted_at"]})
    );
    assert_eq!(listed[1]["path"], json!(real.join("plan.yaml")));
    assert_eq!(
        listed[1]["reaches"]["programs"],
        json!(["sh kettle.sh leaves.csv"])
    );
    let text = String::from_utf8(project.trusts(&[]).stdout).unwrap();
    assert_eq!(text.lines().count(), 2, "{text}");
    let file = project.0.path().join("home/trust.json");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&file), 0o600);
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o666)).unwrap();
        let said = project.is_refused(&[]);
        assert!(said.contains("chmod 600"), "{said}");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        project.runs(&[]);
    }
    let good = std::fs::read_to_string(&file).unwrap();
    for (bad, word) in [
        ("{\"version\": 1, \"fol".to_owned(), "not valid JSON"),
        (
            good.replace("\"version\": 1", "\"version\": 9"),
            "newer version",
        ),
        ("[]".to_owned(), "version"),
        (
            "{\"version\": 1, \"folders\": 7}".to_owned(),
            "cannot be read",
        ),
    ] {
        std::fs::write(&file, &bad).unwrap();
        let said = project.is_refused(&[]);
        assert!(said.contains("trust.json") && said.contains(word), "{said}");
        assert!(said.contains("remove it"), "{said}");
        // It is not written over, and who vouches for the plan does not need it.
        let output = project.command(&["trust", "plan.yaml"]);
        assert_eq!(code(&output), 2);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), bad);
        project.runs(&["--trust"]);
    }
    let unknown = project.command(&["trust", "--remove", "kettle.sh"]);
    assert_eq!(code(&unknown), 2);
}

#[test]
fn many_at_once_are_all_remembered() {
    let project = Project::new();
    let names: Vec<String> = (0..8).map(|n| format!("sub{n}")).collect();
    for name in &names {
        std::fs::create_dir(project.path(name)).unwrap();
    }
    std::thread::scope(|scope| {
        for name in &names {
            scope.spawn(|| project.trusts(&[name]));
        }
    });
    let listed = json(&project.trusts(&["--json"]));
    assert_eq!(listed.as_array().unwrap().len(), names.len(), "{listed}");
}

#[test]
fn names_from_a_plan_cannot_steer_the_terminal() {
    let project = Project::new();
    project.write(
        "tools.yaml",
        "tools:\n  brew: {type: process, command: [\"echo\", \"\\e[2J\\rtrusted\", \"a\\nb\"]}\n",
    );
    let said = project.is_refused(&[]);
    assert!(!said.contains('\u{1b}') && !said.contains('\r'), "{said:?}");
    let lines = said.lines().filter(|line| line.contains("starts")).count();
    assert_eq!(lines, 1, "{said}");
}

#[test]
fn the_key_goes_where_a_trusted_folder_says() {
    let project = Project::new();
    project.write(
        "plandeck.toml",
        "base_url = \"http://127.0.0.1:9/v1\"\nworker = \"openai/gpt-4o-mini\"\n",
    );
    project.write(
        "plan.yaml",
        "steps:\n  - {id: a, tool: say}\ntools: {say: {prompt: Say it.}}\n",
    );
    let run = || {
        plandeck()
            .current_dir(project.path(""))
            .env_remove("PLANDECK_TRUST")
            .env("OPENAI_API_KEY", "sk-tea-0001")
            .env("PLANDECK_HOME", project.0.path().join("home"))
            .args(["run", "plan.yaml", "--headless", "--no-track-cost"])
            .output()
            .unwrap()
    };
    assert_eq!(code(&run()), 2);
    project.trusts(&["."]);
    assert_eq!(code(&run()), 1);
}
