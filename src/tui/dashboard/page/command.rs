//! An attempt as a command for a shell: what a program was started with and got to read, or a request for `curl`.
//! References to variables of the environment stay such, so that a secret is not in it.

use crate::run::{AttemptState, StepState};
use std::borrow::Cow;
use std::fmt::Write as _;

/// What precedes the command of a program that runs in another folder.
const IN_FOLDER: &str = "cd ";
/// What stands between.
const AND: &str = " && ";

/// The command line of a program, and the folder that it ran in where that is known.
pub(super) struct CommandLine<'a> {
    /// The command.
    pub command: &'a str,
    /// The folder, quoted for a shell.
    pub folder: Option<&'a str>,
}

/// The command line of the last attempt at a step, where that was a program.
pub(super) fn command_line<'a>(
    row: &StepState,
    attempt: &'a AttemptState,
) -> Option<CommandLine<'a>> {
    if &*row.info.kind != "process" {
        return None;
    }
    let prompt = asked(attempt)?;
    let in_folder = prompt
        .strip_prefix(IN_FOLDER)
        .and_then(|rest| rest.split_once(AND));
    Some(match in_folder {
        Some((folder, command)) => CommandLine {
            command,
            folder: Some(folder),
        },
        None => CommandLine {
            command: prompt,
            folder: None,
        },
    })
}

fn asked(attempt: &AttemptState) -> Option<&str> {
    let end = attempt
        .end
        .as_ref()
        .and_then(|(_, end)| end.prompt.as_deref());
    end.or_else(|| attempt.prompt.as_deref())
}

/// The last attempt at a step as a command; `None` where it was neither a program nor a request.
pub(crate) fn shell_command(row: &StepState) -> Option<String> {
    let attempt = row.attempts.last()?;
    match &*row.info.kind {
        "process" => {
            let line = command_line(row, attempt)?;
            let input = quoted(&attempt.input.to_value().to_string()).into_owned();
            let folder = line
                .folder
                .map_or(String::new(), |folder| format!("cd {folder} && "));
            Some(format!("{folder}printf '%s' {input} | {}", line.command))
        }
        "http" => curl(asked(attempt)?),
        _ => None,
    }
}

/// `METHOD URL`, a line for each header, an empty line and the body.
fn curl(request: &str) -> Option<String> {
    let (head, body) = match request.split_once("\n\n") {
        Some((head, body)) => (head, Some(body)),
        None => (request, None),
    };
    let mut lines = head.lines();
    let (method, url) = lines.next()?.split_once(' ')?;
    let mut command = format!("curl -X {} {}", quoted(method), quoted(url));
    for header in lines.filter(|line| !line.is_empty()) {
        let _ = write!(command, " -H {}", quoted(header));
    }
    if let Some(body) = body.filter(|body| !body.is_empty()) {
        let _ = write!(command, " --data-raw {}", quoted(body));
    }
    Some(command)
}

/// A word for a shell. A reference to a variable is one for the shell too.
fn quoted(word: &str) -> Cow<'_, str> {
    let variable = word.find("${").and_then(|at| {
        let name = &word[at + 2..];
        let end = name.find('}')?;
        let is_name = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        is_name(&name[..end]).then_some((at, at + 2 + end + 1))
    });
    match variable {
        Some((from, to)) => {
            let before = if from == 0 {
                Cow::Borrowed("")
            } else {
                quoted(&word[..from])
            };
            let after = if to == word.len() {
                Cow::Borrowed("")
            } else {
                quoted(&word[to..])
            };
            Cow::Owned(format!("{before}\"{}\"{after}", &word[from..to]))
        }
        None => shlex::try_quote(word).unwrap_or_else(|_| {
            // A shell cannot be given a null character.
            let without = word.replace('\0', "");
            Cow::Owned(shlex::try_quote(&without).map_or_else(|_| String::new(), Cow::into_owned))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_becomes_a_command_without_its_secrets() {
        let request = "POST https://tea.example/orders?kind=green leaf\nauthorization: Bearer ${TEA_KEY}\n\n{\"it's\": 1}";
        assert_eq!(
            curl(request).unwrap(),
            "curl -X POST 'https://tea.example/orders?kind=green leaf' \
             -H 'authorization: Bearer '\"${TEA_KEY}\" --data-raw \"{\\\"it's\\\": 1}\""
        );
        assert_eq!(
            curl("GET http://127.0.0.1/").unwrap(),
            "curl -X GET http://127.0.0.1/"
        );
    }

    #[test]
    fn a_shell_reads_each_word_as_it_was() {
        for word in [
            "a b",
            "it's",
            "$HOME `x` \"y\"",
            "",
            "line\nfeed",
            "\\",
            "!x",
        ] {
            let words = shlex::split(&quoted(word)).unwrap();
            assert_eq!(words, [word], "{word:?}");
        }
        assert_eq!(
            quoted("${A B}"),
            "'${A B}'",
            "that is no name of a variable"
        );
    }
}
