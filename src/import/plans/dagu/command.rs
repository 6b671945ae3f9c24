//! Commands and scripts of steps, and the ends that hold nothing up.

use super::params::text_of;
use super::script::{Names, Program, ScriptTool, in_quotes};
use serde_json::Value;
use std::collections::BTreeSet;

/// How a step may end without holding the others up.
pub(super) struct Lenient {
    pub failure: bool,
    pub skipped: bool,
    pub codes: Vec<String>,
    pub is_success: bool,
}

/// The tool of a command or a script.
pub(super) fn tool(
    step: &Value,
    names: &Names<'_>,
    lenient: &Lenient,
    faults: &mut Vec<String>,
) -> Result<ScriptTool, String> {
    let words = |value: &Value| -> Vec<String> {
        match value {
            Value::String(text) => shlex::split(text).unwrap_or_else(|| vec![text.clone()]),
            Value::Array(list) => list.iter().map(text_of).collect(),
            _ => Vec::new(),
        }
    };
    let shell = names.around.shell.as_ref().map(words).unwrap_or_default();
    let script = step["script"].as_str();
    let command = step
        .get("command")
        .or_else(|| step.get("cmd"))
        .filter(|command| !command.is_null());
    let exec = &step["exec"];
    let (program, text) = if let Some(script) = script {
        let program = match command {
            Some(command) => words(command),
            None => shebang(script).unwrap_or(shell),
        };
        (Program::of(&program), script.to_owned())
    } else if let Some(program) = exec["command"].as_str() {
        let arguments = exec["args"].as_array().into_iter().flatten().map(text_of);
        let line: Vec<String> = std::iter::once(program.to_owned())
            .chain(arguments)
            .map(|word| in_quotes(&word))
            .collect();
        (Program::of(&[]), line.join(" "))
    } else {
        let text = match command {
            Some(Value::Array(list)) => {
                // The first that fails ends them, whatever the shell is.
                let lines = list.iter().map(text_of);
                let first = (!shell.is_empty()).then(|| "set -e".to_owned());
                first
                    .into_iter()
                    .chain(lines)
                    .collect::<Vec<_>>()
                    .join("\n")
            }
            Some(command) => text_of(command),
            None => return Err("it has no command".to_owned()),
        };
        let arguments: Vec<String> = words(&step["args"])
            .iter()
            .map(|word| in_quotes(word))
            .collect();
        let text = std::iter::once(text)
            .chain(arguments)
            .collect::<Vec<_>>()
            .join(" ");
        let is_direct = shell.first().is_some_and(|first| first == "direct");
        let program = shebang(&text).unwrap_or(if is_direct { Vec::new() } else { shell });
        (Program::of(&program), text)
    };
    let is_shell = matches!(program, Program::Inline(_, true));
    let text = match (&lenient.codes[..], lenient.is_success && lenient.failure) {
        ([], false) => text,
        _ if !is_shell => {
            faults.push(
                "the exit codes of `continue_on` are not looked at: let the script exit with 0"
                    .to_owned(),
            );
            text
        }
        (_, true) => format!("set +e\n(\nset -e\n{text}\n)\nexit 0"),
        (codes, false) => {
            format!(
                "set +e\n(\nset -e\n{text}\n)\ncode=$?\ncase $code in 0|{}) exit 0;; *) exit $code;; esac",
                codes.join("|")
            )
        }
    };
    Ok(names.tool(&program, &text, faults))
}

pub(super) fn continue_on(step: &Value) -> &Value {
    step.get("continue_on")
        .or_else(|| step.get("continueOn"))
        .unwrap_or(&Value::Null)
}

pub(super) fn lenient(step: &Value) -> Lenient {
    let given = continue_on(step);
    let words: BTreeSet<&str> = match given {
        Value::String(word) => BTreeSet::from([&**word]),
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => BTreeSet::new(),
    };
    let flag = |names: [&str; 2]| names.iter().any(|name| given[*name] == true);
    let codes = ["exit_code", "exitCode"]
        .iter()
        .find_map(|name| given.get(*name));
    let codes = match codes {
        Some(Value::Array(list)) => list.iter().map(text_of).collect(),
        Some(one) => vec![text_of(one)],
        None => Vec::new(),
    };
    Lenient {
        failure: words.contains("failed")
            || words.contains("failure")
            || flag(["failure", "failed"]),
        skipped: words.contains("skipped") || flag(["skipped", "skipped"]),
        codes: codes
            .into_iter()
            .filter(|code| code.parse::<u8>().is_ok())
            .collect(),
        is_success: flag(["mark_success", "markSuccess"]),
    }
}

/// The program that the first line of a script names.
fn shebang(script: &str) -> Option<Vec<String>> {
    let line = script.trim_start().lines().next()?.strip_prefix("#!")?;
    let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    if words
        .first()
        .is_some_and(|first| first.rsplit('/').next() == Some("env"))
    {
        words.remove(0);
    }
    (!words.is_empty()).then_some(words)
}
