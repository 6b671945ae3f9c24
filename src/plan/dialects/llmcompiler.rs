//! LLMCompiler's text: numbered calls `1. tool("…", $1)`, ended by `N. join()`. The number is the id, and
//! `$1` or `${1}` names its output. The arguments are Python literals, by position or by name.

use super::dialect::Dialect;
use super::{python, text_lines};
use crate::plan::diagnostic::{Collector, Diagnostic, Severity, shown};
use crate::plan::draft_plan::{DraftPlan, DraftStep, Placed};
use crate::plan::model;
use crate::plan::node::Node;
use crate::plan::read::{cut_off_at, left_out};
use crate::plan::reference_syntax::own::{OwnReference, ReferenceSyntax};
use crate::plan::written::Written;
use std::ops::Range;
use std::sync::Arc;

pub(super) struct LlmCompiler;

/// The mark that planners are taught to write after `join()`.
const END_OF_PLAN: &str = "<END_OF_PLAN>";

impl Dialect for LlmCompiler {
    fn name(&self) -> model::Dialect {
        model::Dialect::LlmCompiler
    }

    fn recognises(&self, plan: &Written<'_>) -> bool {
        plan.text().is_some_and(|text| {
            text_lines::lines(text).any(|line| Head::at(text, line.start).is_some())
        })
    }

    fn read(&self, plan: Written<'_>, notices: &mut Collector) -> DraftPlan {
        let (text, part) = plan.into_text();
        let mut reader = Reader {
            text,
            plan: DraftPlan::new(self.name(), part.clone()),
            part,
            thought: None,
            notices,
        };
        reader.read();
        reader.plan
    }

    fn references(&self) -> &'static ReferenceSyntax {
        &ReferenceSyntax {
            own: Some(OwnReference {
                forms: &[("${", "}"), ("$", "")],
                id_prefix: "",
                may_be_amount: true,
                has_path: true,
                placeholder: None,
            }),
            declare: true,
        }
    }
}

/// What begins a numbered call. Places are those of the source.
struct Head {
    id: Range<usize>,
    tool: Range<usize>,
    /// After the parenthesis.
    arguments: usize,
}

impl Head {
    /// The call that begins at `at`, after the marks and words that may stand before one.
    fn at(text: &str, at: usize) -> Option<Self> {
        let start = after_marks(text, at);
        let id = run(text, start, |c| c.is_ascii_digit())?;
        let after = text[id.end..].strip_prefix(['.', ')', ':'])?;
        let name = after.trim_start_matches([' ', '\t', '*', '`']);
        let tool = run(text, text.len() - name.len(), is_name)?;
        let open = text[tool.end..].trim_start_matches([' ', '\t']);
        open.starts_with('(').then(|| Self {
            id,
            tool,
            arguments: text.len() - open.len() + 1,
        })
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || "_-.".contains(c)
}

fn run(text: &str, start: usize, belongs: impl Fn(char) -> bool) -> Option<Range<usize>> {
    let length = text[start..]
        .find(|c: char| !belongs(c))
        .unwrap_or(text.len() - start);
    (length > 0).then_some(start..start + length)
}

/// The place after what may stand before a call in its line: marks of lists and emphasis, tags, `Plan:`, what separates
/// calls.
fn after_marks(text: &str, mut at: usize) -> usize {
    loop {
        let rest = text[at..]
            .trim_start_matches([' ', '\t', '*', '-', '#', '>', ',', ';', '.', '`', '\r']);
        let word = ["Plan:", "Plan**:", "Actions:", "Action:"]
            .into_iter()
            .find(|word| rest.starts_with(word));
        at = text.len() - rest.len();
        if let Some(word) = word {
            at += word.len();
        } else if let Some(length) = tag(rest) {
            at += length;
        } else {
            return at;
        }
    }
}

/// The length of the tag that a text begins with, such as `<PLAN>`.
fn tag(text: &str) -> Option<usize> {
    let name = text.strip_prefix('<')?;
    let length = name.find(|c: char| !(c.is_alphanumeric() || "_/- ".contains(c)))?;
    name[length..].starts_with('>').then_some(length + 2)
}

/// Whether a numbered call begins somewhere in a line, and where.
fn call_inside(line: &str) -> Option<usize> {
    let digits = line.match_indices(|c: char| c.is_ascii_digit());
    let starts = digits.map(|(at, _)| at).filter(|at| {
        let before = line[..*at].chars().next_back();
        before.is_none_or(|c| !(is_name(c) || c == '$' || c == '#'))
    });
    let mut starts =
        starts.filter(|at| Head::at(line, *at).is_some_and(|head| head.id.start == *at));
    starts.next()
}

struct Reader<'a, 'n> {
    text: &'a str,
    part: Range<usize>,
    plan: DraftPlan,
    /// What was thought since the last call.
    thought: Option<Arc<str>>,
    notices: &'n mut Collector,
}

impl Reader<'_, '_> {
    fn read(&mut self) {
        let mut at = self.part.start;
        while at < self.part.end {
            let line_end = self.line_end(at);
            if let Some(head) =
                Head::at(&self.text[..self.part.end], at).filter(|head| head.arguments <= line_end)
            {
                if &self.text[head.tool.clone()] == "join" {
                    return self.end(head.arguments);
                }
                let Some(end) = self.call(&head) else {
                    self.plan.unreadable = true;
                    return;
                };
                at = end;
                continue;
            }
            let start = after_marks(&self.text[..line_end], at.min(line_end));
            if self.text[start..line_end].starts_with("join(") {
                return self.end(start + "join(".len());
            }
            self.prose(at..line_end);
            at = line_end + 1;
        }
        let last = self.plan.steps.last().and_then(|step| step.id.as_ref());
        let last = last.map(|id| Arc::clone(&id.value));
        let fault = cut_off_at(
            None,
            last.as_deref(),
            text_lines::last(self.text, &self.part),
        );
        let next = self.plan.steps.len() + 1;
        self.notices.push(
            fault
                .into_diagnostic()
                .help(format!("a plan ends with a call of `join`; if this one is complete, add a line `{next}. join()`")),
        );
    }

    fn line_end(&self, at: usize) -> usize {
        let rest = &self.text[at..self.part.end];
        at + rest.find('\n').unwrap_or(rest.len())
    }

    /// Reads a call, and gives the place after it; `None` where it does not end, so that nothing can follow.
    fn call(&mut self, head: &Head) -> Option<usize> {
        let id = &self.text[head.id.clone()];
        let line_end = self.line_end(head.arguments);
        let mut step = DraftStep::new(head.id.start..line_end);
        step.id = Some(Placed::new(id.into(), head.id.clone()));
        step.tool = Some(Placed::new(
            self.text[head.tool.clone()].into(),
            head.tool.clone(),
        ));
        step.settings_mut().description = self.thought.take();
        let close = match python::arguments(self.text, head.arguments, self.part.end) {
            Some(arguments) => {
                let span = head.arguments..arguments.close;
                for (at, member) in arguments.named.iter().enumerate() {
                    let before = &arguments.named[..at];
                    if before.iter().any(|other| *other.key == *member.key) {
                        self.notices.error(
                            "duplicate_key",
                            format!("the argument {} is given twice", shown(&member.key)),
                            &member.key_span,
                        );
                    }
                }
                if let Some(joined) = arguments.joined {
                    self.notices.push(
                        Diagnostic::new(
                            Severity::Warning,
                            "joined_strings",
                            "there is no comma between these strings, so they are one text, as in Python",
                        )
                        .at(joined),
                    );
                }
                step.positional = arguments.positional;
                step.parameters = Node::object(arguments.named, span);
                arguments.close
            }
            None => self.loose_arguments(head, line_end, &mut step)?,
        };
        step.span = head.id.start..close + 1;
        self.plan.steps.push(step);
        Some(close + 1)
    }

    /// Arguments that are not Python are one text, as in the planner's own reader, if they are plain text.
    fn loose_arguments(
        &mut self,
        head: &Head,
        line_end: usize,
        step: &mut DraftStep,
    ) -> Option<usize> {
        let id = &self.text[head.id.clone()];
        let Some(close) = closing(&self.text[..line_end], head.arguments) else {
            let is_last = self.text[line_end..self.part.end].trim().is_empty();
            let place = head.id.start..line_end;
            let fault = if is_last {
                cut_off_at(Some(id), None, place).into_diagnostic()
            } else {
                Diagnostic::new(
                    Severity::Error,
                    "bad_arguments",
                    format!(
                        "the arguments of step {} are not closed in this line",
                        shown(id)
                    ),
                )
                .at(place)
            };
            self.notices.push(fault);
            return None;
        };
        let raw = &self.text[head.arguments..close];
        let start = head.arguments + (raw.len() - raw.trim_start().len());
        let trimmed = raw.trim();
        let place = start..start + trimmed.len();
        if is_plain_text(trimmed) {
            self.notices.push(
                Diagnostic::new(
                    Severity::Warning,
                    "loose_arguments",
                    "the arguments are not Python literals; they are passed on as one text",
                )
                .at(place.clone()),
            );
        } else {
            self.notices.push(
                Diagnostic::new(
                    Severity::Error,
                    "bad_arguments",
                    format!(
                        "the arguments of step {} are not valid Python literals",
                        shown(id)
                    ),
                )
                .at(place.clone())
                .help("look for a quote, bracket or comma that is missing or one too many"),
            );
        }
        step.positional = vec![Node::text(trimmed, place)];
        Some(close)
    }

    /// A line, or the rest of one, that is not a call.
    fn prose(&mut self, range: Range<usize>) {
        let line = &self.text[range.clone()];
        let start = after_marks(line, 0);
        let words = line[start..].trim();
        if words.is_empty() || line.trim().starts_with("```") {
            return;
        }
        let place = range.start + start..range.start + line.trim_end().len();
        let after_number = words.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_numbered = after_number.len() < words.len() && after_number.starts_with(['.', ')']);
        let is_thought = words.starts_with("Thought:");
        let is_call = !is_thought
            && words
                .match_indices('(')
                .any(|(at, _)| words[..at].ends_with(char::is_alphanumeric));
        let follows_call = !self.text[self.part.start..range.start].ends_with('\n')
            && range.start > self.part.start;
        let holds_marks = follows_call && words.contains(|c| "()[]{}\"'".contains(c));
        let fault = if let Some(at) = call_inside(words) {
            let at = place.start + at;
            Some((
                "a numbered call inside other text: it is not clear whether it belongs to the plan",
                at..place.end,
            ))
        } else if is_numbered {
            Some(("a numbered line that is not a call", place.clone()))
        } else if is_call {
            Some(("a call without a number", place.clone()))
        } else if holds_marks {
            Some((
                "what follows the call in its line is not clear",
                place.clone(),
            ))
        } else if left_out::part_of_a_plan(words).is_some() || words.contains("#E") {
            Some(("a part of a plan in another form", place.clone()))
        } else {
            None
        };
        if let Some((message, place)) = fault {
            self.notices.push(
                Diagnostic::new(Severity::Error, "unclear_line", message)
                    .at(place)
                    .help("write each call in a line of its own, as `1. tool(\"argument\")`"),
            );
        } else if let Some(thought) = words.strip_prefix("Thought:") {
            let thought = thought.trim_matches(['*', ' ', '\t']);
            self.thought = Some(match &self.thought {
                Some(before) => format!("{before} {thought}").into(),
                None => thought.into(),
            });
        } else {
            self.notices.push(
                Diagnostic::new(
                    Severity::Repaired,
                    "text_around",
                    "a line that is not a numbered call was left out",
                )
                .at(place),
            );
        }
    }

    /// The end of the plan: `join(`, whose arguments begin at `at`. They are the plan's result anyway.
    fn end(&mut self, at: usize) {
        let line_end = self.line_end(at);
        let line = &self.text[at..line_end];
        let close = line.find(')').filter(|close| !line[..*close].contains('('));
        let after = close.map_or(at, |close| at + close + 1);
        let rest = self.text[after..self.part.end].trim_start_matches([')', ']', '.', ' ', '\t']);
        let marked = rest.strip_prefix(END_OF_PLAN);
        let rest = marked.unwrap_or(rest);
        let start = self.part.end - rest.len();
        let words = rest.trim_matches(|c: char| c.is_whitespace() || "`#-*".contains(c));
        if words.is_empty() || END_OF_PLAN.starts_with(words) {
            return;
        }
        let place =
            left_out::first_line(self.text, &(start..self.part.end)).unwrap_or(start..start);
        let goes_on = || text_lines::lines(rest).any(|line| Head::at(rest, line.start).is_some());
        if marked.is_none() && rest.contains("join(") && goes_on() {
            self.notices
                .push(left_out::two_plans(place).into_diagnostic());
            return;
        }
        self.notices.push(
            Diagnostic::new(
                Severity::Repaired,
                "text_after",
                "`join` ends the plan; what follows it was left out",
            )
            .at(place),
        );
    }
}

/// The parenthesis that closes the one before `start`, by their number alone.
fn closing(line: &str, start: usize) -> Option<usize> {
    let mut depth = 1_usize;
    for (at, byte) in line[start..].bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(start + at);
        }
    }
    None
}

/// Whether arguments can only be meant as one text: nothing in them looks like literals that were damaged.
fn is_plain_text(text: &str) -> bool {
    let Some(first) = text.chars().next() else {
        return false;
    };
    let mut open = Vec::new();
    let mut quotes = 0;
    let characters: Vec<char> = text.chars().collect();
    for (at, c) in characters.iter().enumerate() {
        match c {
            '(' | '[' | '{' => open.push(*c),
            ')' | ']' | '}' => {
                let matching = match c {
                    ')' => '(',
                    ']' => '[',
                    _ => '{',
                };
                if open.pop() != Some(matching) {
                    return false;
                }
            }
            '"' | '\u{201c}' | '\u{201d}' => quotes += 1,
            '\'' | '\u{2018}' | '\u{2019}' => {
                let is_letter = |at: Option<usize>| {
                    at.and_then(|at| characters.get(at))
                        .is_some_and(|c| c.is_alphanumeric())
                };
                // An apostrophe stands inside a word.
                if !(is_letter(at.checked_sub(1)) && is_letter(Some(at + 1))) {
                    return false;
                }
            }
            _ => {}
        }
    }
    let begins_literal = matches!(first, '"' | '\u{201c}' | '\u{201d}' | '[' | '{')
        || (first == '(' && text.contains(','));
    let is_named = run(text, 0, |c| c.is_alphanumeric() || c == '_').is_some_and(|name| {
        let after = text[name.end..].trim_start();
        after.starts_with('=') && !after.starts_with("==")
    });
    let is_value = |word: &str| {
        let id = word.strip_prefix('$');
        id.is_some_and(|id| id.chars().all(|c| c.is_alphanumeric() || "{}_".contains(c)))
            || word.parse::<f64>().is_ok()
            || matches!(word, "True" | "False" | "None")
    };
    let only_values = text
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| !word.is_empty())
        .all(is_value);
    open.is_empty()
        && !begins_literal
        && !is_named
        && !only_values
        && (quotes == 0 || (quotes % 2 == 0 && !text.contains([',', '='])))
}
