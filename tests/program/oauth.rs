//! MCP servers over HTTP that want tokens: logging in, using and renewing the tokens, and where they are kept.

use crate::common::program::{code, plandeck, stderr};
use serde_json::{Value, json};
use std::io::BufRead;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/mcp/guarded.py");

/// A browser that permits everything that it is asked to.
const BROWSER: &str = "#!/bin/sh
exec python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()' \"$1\"
";

struct Guarded {
    folder: TempDir,
    server: Child,
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Guarded {
    fn start(oauth: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Command::new("python3")
            .arg(SERVER)
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        let mut printed = std::io::BufReader::new(server.stdout.take().unwrap());
        printed.read_line(&mut port).unwrap();
        let url = format!("http://127.0.0.1:{}/mcp", port.trim());
        let mut entry = json!({"url": url, "start_timeout_s": 20});
        if !oauth.is_null() {
            entry["oauth"] = oauth.clone();
        }
        let servers = json!({"mcpServers": {"guarded": entry}});
        let step = |id: &str, after: &[&str]| json!({"id": id, "tool": "whoami", "parameters": {}, "depends_on": after});
        let plan = json!({"name": "p", "steps": [step("a", &[]), step("b", &["a"])]});
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write(".mcp.json", &servers.to_string());
        write("plan.json", &plan.to_string());
        write("browser", BROWSER);
        let browser = folder.path().join("browser");
        std::fs::set_permissions(browser, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder, server }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn plandeck(&self, arguments: &[&str]) -> Output {
        let mut command = plandeck();
        command
            .current_dir(self.path())
            .env("PLANDECK_HOME", self.path().join("home"))
            .env("PLANDECK_TRUST", "1")
            .env("BROWSER", self.path().join("browser"))
            .env("ROBOT_SECRET", "robot-secret-8841")
            .args(arguments);
        command.output().unwrap()
    }

    fn log_in(&self) -> Output {
        self.plandeck(&["tools", "login", "guarded"])
    }

    fn run(&self) -> Output {
        self.plandeck(&[
            "run",
            "plan.json",
            "--headless",
            "--json",
            "--worker",
            "offline",
        ])
    }

    fn note(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap_or_default()
    }

    /// Everything that the program has kept, but for the tokens themselves.
    fn kept(&self) -> Vec<u8> {
        let mut all = Vec::new();
        let mut folders = vec![self.path().join("home")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.ends_with("tokens") {
                    folders.push(path);
                } else if path.is_file() {
                    all.extend(std::fs::read(path).unwrap());
                }
            }
        }
        all
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_user_logs_in_and_the_tokens_are_used_renewed_and_never_shown() {
    let guarded = Guarded::start(&Value::Null);
    let refused = guarded.run();
    assert_ne!(code(&refused), 0);
    let says = "log in with plandeck tools login guarded";
    let all = text(&refused) + &stderr(&refused);
    assert!(all.contains("HTTP 401") && all.contains(says), "{all}");

    let logged_in = guarded.log_in();
    assert_eq!(code(&logged_in), 0, "{}", stderr(&logged_in));
    let address = text(&logged_in);
    assert!(
        address.contains("/authorize?") && address.contains("code_challenge="),
        "{address}"
    );
    assert_eq!(
        guarded.note("grants"),
        "registered Plandeck\nauthorization_code\n"
    );
    let tokens: Vec<_> = std::fs::read_dir(guarded.path().join("home/tokens"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
        .collect();
    assert_eq!(tokens.len(), 1);
    let mode = std::fs::metadata(&tokens[0]).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let ended = guarded.run();
    assert_eq!(code(&ended), 0, "{}", stderr(&ended));
    assert!(
        guarded
            .note("grants")
            .contains("called with access-token-1-7731")
    );
    let shown = text(&ended) + &stderr(&ended);
    assert!(
        shown.contains("you bring [redacted]") && !shown.contains("7731"),
        "{shown}"
    );
    let kept = guarded.kept();
    assert!(!kept.is_empty() && !kept.windows(5).any(|part| part == b"-7731"));

    // A token that is not taken any more is renewed.
    std::fs::write(guarded.path().join("expired"), "").unwrap();
    let ended = guarded.run();
    assert_eq!(code(&ended), 0, "{}", stderr(&ended));
    let grants = guarded.note("grants");
    assert_eq!(grants.matches("refresh_token").count(), 1, "{grants}");

    let forgotten = guarded.plandeck(&["tools", "logout", "guarded"]);
    assert_eq!(code(&forgotten), 0);
    assert!(!tokens[0].exists());
    assert_ne!(code(&guarded.run()), 0);
}

#[test]
fn tokens_that_are_revoked_say_how_to_get_others() {
    let guarded = Guarded::start(&Value::Null);
    assert_eq!(code(&guarded.log_in()), 0);
    for name in ["expired", "revoked"] {
        std::fs::write(guarded.path().join(name), "").unwrap();
    }
    let refused = guarded.run();
    assert_ne!(code(&refused), 0);
    let all = text(&refused) + &stderr(&refused);
    assert!(
        all.contains("log in with plandeck tools login guarded") && !all.contains("7731"),
        "{all}"
    );
    for name in ["expired", "revoked"] {
        std::fs::remove_file(guarded.path().join(name)).unwrap();
    }
    assert_eq!(code(&guarded.log_in()), 0);
    assert_eq!(code(&guarded.run()), 0);
}

#[test]
fn a_client_with_a_secret_needs_no_user() {
    let guarded = Guarded::start(
        &json!({"client_id": "robot", "client_secret": "${ROBOT_SECRET}", "scopes": ["read"]}),
    );
    let ended = guarded.run();
    assert_eq!(code(&ended), 0, "{}", stderr(&ended));
    let grants = guarded.note("grants");
    // Each of its tokens is good for one call.
    assert_eq!(grants.matches("called with").count(), 2, "{grants}");
    let shown = text(&ended) + &stderr(&ended);
    assert!(
        !shown.contains("7731") && !shown.contains("8841"),
        "{shown}"
    );
    let kept = guarded.kept();
    assert!(
        !kept
            .windows(5)
            .any(|part| part == b"-7731" || part == b"-8841")
    );
}

#[test]
fn a_login_that_does_not_happen_says_why() {
    let guarded = Guarded::start(&Value::Null);
    std::fs::write(guarded.path().join("refuse"), "").unwrap();
    let refused = guarded.log_in();
    assert_eq!(code(&refused), 1);
    let says = stderr(&refused);
    assert!(
        says.contains("access was refused: not today (access_denied)"),
        "{says}"
    );
    let unknown = guarded.plandeck(&["tools", "login", "other"]);
    assert_eq!(code(&unknown), 2);
    assert!(
        stderr(&unknown).contains("there are: guarded"),
        "{}",
        stderr(&unknown)
    );
}
