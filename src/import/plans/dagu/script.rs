//! Commands and scripts as `process` tools.

use super::surroundings::{Surroundings, Variable};
use super::variables::{has_positions, mentions};
use crate::import::plans::template::{Part, dotted, is_identifier};
use crate::text::message::quote;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A tool, and the parameters that a step gives it.
pub(super) struct ScriptTool {
    pub tool: Map<String, Value>,
    pub parameters: Map<String, Value>,
}

/// What is run: by a shell, or by another program that reads a script.
pub(super) enum Program {
    /// The words before the script, and whether it is a shell.
    Inline(Vec<String>, bool),
    /// The words before the name of a file with the script.
    File(Vec<String>),
}

/// The option of a shell before a command.
const SHELL: &str = "-c";

/// Programs that take a script as an argument, and the option before it.
const INLINE: [(&str, &str); 9] = [
    ("sh", SHELL),
    ("bash", SHELL),
    ("dash", SHELL),
    ("zsh", SHELL),
    ("ksh", SHELL),
    ("python", "-c"),
    ("python3", "-c"),
    ("node", "-e"),
    ("ruby", "-e"),
];

/// Writes a script into a file, and runs a program with its name.
const WITH_FILE: &str = "t=$(mktemp) || exit 1; trap 'rm -f \"$t\"' EXIT; printf '%s\\n' \"$1\" >\"$t\"; shift; \"$@\" \"$t\"";

impl Program {
    /// The program of these words; `sh` where there are none.
    pub(super) fn of(words: &[String]) -> Self {
        let Some(first) = words.first() else {
            return Self::Inline(vec!["sh".to_owned(), "-ec".to_owned()], true);
        };
        let name = first.rsplit('/').next().unwrap_or(first);
        let known = INLINE.iter().find(|(known, _)| *known == name);
        let Some((_, option)) = known else {
            return Self::File(words.to_vec());
        };
        let is_shell = name.ends_with("sh");
        let mut words = words.to_vec();
        if is_shell {
            // A shell that is named gets no further options.
            let has_command = |word: &String| {
                word.starts_with('-') && !word.starts_with("--") && word.contains('c')
            };
            if !words.iter().any(has_command) {
                words.push(SHELL.to_owned());
            }
        } else if words.len() == 1 {
            words.push((*option).to_owned());
        } else {
            return Self::File(words);
        }
        Self::Inline(words, is_shell)
    }

    const fn is_shell(&self) -> bool {
        matches!(self, Self::Inline(_, true))
    }
}

/// What a script can name.
#[derive(Clone, Copy)]
pub(super) struct Names<'s> {
    pub around: &'s Surroundings,
    /// The outputs of the steps before.
    pub outputs: &'s BTreeMap<String, Part>,
}

impl Names<'_> {
    /// The value of a variable, where the plan has one.
    pub(super) fn part(&self, name: &str) -> Option<Part> {
        match (self.outputs.get(name), self.around.variables.get(name)) {
            (Some(part), _) | (None, Some(Variable::Part(part))) => Some(part.clone()),
            _ => None,
        }
    }

    /// What a mention with a path names.
    pub(super) fn at(&self, name: &str, path: &str) -> Option<Part> {
        Some(self.part(name)?.at(&dotted(path)?))
    }

    /// A text whose variables are references of the plan, as a value; others are said in `faults`.
    pub(super) fn text(&self, text: &str, faults: &mut Vec<String>) -> Part {
        let mut built = String::new();
        let mut at = 0;
        let all = mentions(text);
        for mention in &all {
            let is_path = mention.rest.is_empty() || mention.rest.starts_with(['.', '[']);
            let part = is_path
                .then(|| self.at(&mention.name, &mention.rest))
                .flatten();
            let Some(part) = part else {
                let shown = quote(&text[mention.range.clone()], 80);
                faults.push(format!(
                    "{shown} names nothing that the plan knows; it stays as it is"
                ));
                continue;
            };
            if mention.range == (0..text.len()) {
                return part;
            }
            built.push_str(&crate::import::plans::template::literal_text(
                &text[at..mention.range.start],
            ));
            built.push_str(&part.to_text());
            at = mention.range.end;
        }
        if at == 0 {
            return Part::Constant(text.into());
        }
        built.push_str(&crate::import::plans::template::literal_text(&text[at..]));
        Part::Template(built.into())
    }

    /// A tool that runs a script.
    pub(super) fn tool(
        &self,
        program: &Program,
        script: &str,
        faults: &mut Vec<String>,
    ) -> ScriptTool {
        let mut env = Map::new();
        let mut parameters = Map::new();
        let mut before = String::new();
        let mut put = |name: &str, part: &Part| match part {
            Part::Constant(Value::String(text)) if !text.contains("{{") && !text.contains("${") => {
                env.insert(name.to_owned(), text.clone().into());
            }
            part => {
                env.insert(name.to_owned(), format!("{{{{{name}}}}}").into());
                parameters.insert(name.to_owned(), part.to_value());
            }
        };
        let mut shells = Vec::new();
        let mut environment = Vec::new();
        for (name, variable) in &self.around.variables {
            match variable {
                Variable::Part(part) => put(name, part),
                Variable::Environment(text) => environment.push((name, text)),
                Variable::Shell(text) => shells.push((name, text)),
            }
        }
        let shell_texts = shells
            .iter()
            .map(|(_, text)| text.as_str())
            .collect::<String>();
        let mut text = String::with_capacity(script.len());
        let mut at = 0;
        let mut number = 0_usize;
        for mention in mentions(script) {
            let has_path = mention.rest.starts_with(['.', '[']);
            if !has_path {
                if let Some(part) = self.outputs.get(&mention.name) {
                    put(&mention.name, part);
                }
                continue;
            }
            let Some(part) = self.at(&mention.name, &mention.rest) else {
                let shown = quote(&script[mention.range.clone()], 80);
                faults.push(format!("{shown} names nothing that the plan knows"));
                continue;
            };
            number += 1;
            let name = format!("VALUE_{number}");
            put(&name, &part);
            text.push_str(&script[at..mention.range.start]);
            text.extend(["${", &*name, "}"]);
            at = mention.range.end;
        }
        text.push_str(&script[at..]);
        for mention in mentions(&shell_texts) {
            if let Some(part) = self.outputs.get(&mention.name) {
                put(&mention.name, part);
            }
        }
        for (name, text) in environment {
            env.insert(name.clone(), text.clone().into());
        }
        if program.is_shell() {
            for (name, text) in shells {
                let text = text.replace('"', "\\\"");
                before.extend(["export ", &**name, "=\"", &*text, "\"\n"]);
            }
            if has_positions(&text) && !self.around.positions.is_empty() {
                let all = self.around.positions.iter();
                let all: Vec<String> = all.map(|name| format!("\"${name}\"")).collect();
                before.extend(["set -- ", &*all.join(" "), "\n"]);
            }
        } else {
            for (name, _) in shells {
                faults.push(format!(
                    "the variable {name} is computed by a shell, and this is none"
                ));
            }
            let known = mentions(script);
            let known = known
                .iter()
                .find(|one| is_identifier(&one.name) && self.part(&one.name).is_some());
            if let Some(one) = known {
                let shown = quote(&script[one.range.clone()], 80);
                faults.push(format!("{shown} is not replaced in the script: read the variable from the environment there"));
            }
        }
        let text = format!("{before}{text}");
        let command: Vec<String> = match program {
            Program::Inline(words, _) => words.iter().cloned().chain([text]).collect(),
            Program::File(words) => {
                let start = ["sh", "-c", WITH_FILE, "sh", &text].map(str::to_owned);
                start.into_iter().chain(words.iter().cloned()).collect()
            }
        };
        let mut tool = Map::new();
        tool.insert("type".to_owned(), "process".into());
        tool.insert("command".to_owned(), json!(command));
        tool.insert("env".to_owned(), env.into());
        if let Some(folder) = &self.around.folder {
            tool.insert("cwd".to_owned(), folder.clone().into());
        }
        ScriptTool { tool, parameters }
    }
}

/// A text in double quotes of a shell, in which variables are still read.
pub(super) fn in_quotes(text: &str) -> String {
    let text = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('`', "\\`")
        .replace("$(", "\\$(");
    format!("\"{text}\"")
}
