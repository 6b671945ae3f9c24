//! The tool of a step and what it is given: calls of functions, arguments by position, the catalog's schema.

use super::{CODE_EXEC, Check};
use crate::plan::diagnostic::{Diagnostic, Severity, shown};
use crate::plan::draft_plan::{DraftStep, first_byte};
use crate::plan::model::{FINAL_SYNTHESIS, FUNCTION_CALL};
use crate::plan::names::closest;
use crate::plan::node::{Kind, Member, Node};
use crate::plan::schema::{self, Checker, ToolSchemas};
use crate::plan::template::Template;
use std::ops::Range;
use std::sync::Arc;

impl Check<'_> {
    /// The tool that the step calls, which `function_call` names in its parameters. Arguments by position get names.
    pub(super) fn tool(&mut self, id: &Arc<str>, draft: &mut DraftStep) -> Arc<str> {
        let Some(given) = draft.tool.clone() else {
            // The fault of an agent step without an agent is reported already.
            self.collector.push(
                Diagnostic::new(
                    Severity::Error,
                    "missing_tool",
                    format!("step {} has no tool", shown(id)),
                )
                .at(draft.place())
                .step(Some(id)),
            );
            return "".into();
        };
        let mut tool = given.value;
        let mut place = given.span;
        if &*tool == FUNCTION_CALL {
            if let Some((called, span)) = self.function_call(id, draft, &place) {
                tool = called;
                place = span;
            } else {
                return tool;
            }
        }
        let is_known = matches!(&*tool, CODE_EXEC | FINAL_SYNTHESIS);
        if let Some(tools) = self.tools
            && !is_known
            && !tools.has(&tool)
        {
            self.unknown_tool(id, &tool, &place, tools);
        }
        self.name_arguments(id, &tool, draft);
        tool
    }

    fn unknown_tool(
        &mut self,
        id: &Arc<str>,
        tool: &str,
        place: &Range<usize>,
        tools: &dyn ToolSchemas,
    ) {
        let names = tools.names();
        let mut diagnostic = Diagnostic::new(
            Severity::Error,
            "unknown_tool",
            format!("the catalog has no tool {}", shown(tool)),
        )
        .at(place.clone())
        .step(Some(id));
        let near = self.guess(|| closest(tool, names.iter().copied()).map(shown));
        if let Some(near) = near {
            diagnostic = diagnostic.help(format!("did you mean {near}?"));
        } else if names.is_empty() {
            diagnostic = diagnostic.help(
                "there is no catalog: give one with `--tools FILE`, as `tools` in the plan, or as tools.yaml next to it",
            );
        } else if names.len() <= 12 {
            let list: Vec<String> = names.iter().map(|name| shown(name)).collect();
            diagnostic = diagnostic.help(format!("it has {}", list.join(", ")));
        }
        self.collector.push(diagnostic);
    }

    /// `{"name", "args"}`: a call of the catalog's tool of that name.
    fn function_call(
        &mut self,
        id: &Arc<str>,
        draft: &mut DraftStep,
        place: &Range<usize>,
    ) -> Option<(Arc<str>, Range<usize>)> {
        let Kind::Object(members) = &draft.parameters.kind else {
            return None;
        };
        let find = |keys: &[&str]| members.iter().find(|member| keys.contains(&&*member.key));
        let name = find(&["name"]).and_then(|member| {
            let name = member.value.as_text()?;
            let literal = !name.contains("{{") && !name.starts_with("step:");
            literal.then(|| (Arc::<str>::from(name), member.value.span.clone()))
        });
        let Some(name) = name else {
            let place =
                find(&["name"]).map_or_else(|| place.clone(), |member| member.value.span.clone());
            self.collector.push(
                Diagnostic::new(
                    Severity::Error,
                    "missing_parameter",
                    "`function_call` needs the `name` of a tool, as a text without references",
                )
                .at(place)
                .step(Some(id)),
            );
            return None;
        };
        let arguments =
            find(&["args", "arguments", "parameters"]).map(|member| member.value.clone());
        let span = draft.parameters.span.clone();
        draft.parameters = match arguments {
            None => Node::object(Vec::new(), span),
            Some(arguments) => match arguments.kind {
                Kind::Object(_) | Kind::Text(_) => arguments,
                Kind::Null => Node::object(Vec::new(), span),
                _ => {
                    self.collector.push(
                        Diagnostic::new(
                            Severity::Error,
                            "wrong_type",
                            format!(
                                "the `args` of `function_call` must be an object, not {}",
                                arguments.type_name()
                            ),
                        )
                        .at(first_byte(&arguments.span))
                        .step(Some(id)),
                    );
                    Node::object(Vec::new(), span)
                }
            },
        };
        Some(name)
    }

    /// Arguments by position are named after the catalog's parameters; without a catalog one is `input`, and
    /// more are the list `args`.
    fn name_arguments(&mut self, id: &Arc<str>, tool: &str, draft: &mut DraftStep) {
        if draft.positional.is_empty() {
            return;
        }
        let positional = std::mem::take(&mut draft.positional);
        let names: Vec<&str> = self
            .tools
            .and_then(|tools| tools.schema(tool))
            .map(schema::parameter_names)
            .unwrap_or_default();
        let Kind::Object(members) = &mut draft.parameters.kind else {
            return;
        };
        let mut given: Vec<Member> = Vec::new();
        let member = |key: &str, value: Node| Member {
            key: key.into(),
            key_span: value.span.clone(),
            value,
        };
        if names.is_empty() {
            let mut positional = positional;
            if positional.len() == 1 {
                given.extend(positional.pop().map(|value| member("input", value)));
            } else {
                let span = draft.span.clone();
                given.push(member("args", Node::new(Kind::List(positional), span)));
            }
        } else {
            for (at, value) in positional.into_iter().enumerate() {
                match names.get(at) {
                    Some(name) if !members.iter().any(|member| *member.key == **name) => {
                        given.push(member(name, value));
                    }
                    Some(name) => self.collector.push(
                        Diagnostic::new(
                            Severity::Error,
                            "duplicate_key",
                            format!("the parameter {} is given twice", shown(name)),
                        )
                        .at(value.span)
                        .step(Some(id)),
                    ),
                    None => self.collector.push(
                        Diagnostic::new(
                            Severity::Error,
                            "too_many_arguments",
                            format!("{} takes {} arguments", shown(tool), names.len()),
                        )
                        .at(value.span)
                        .step(Some(id)),
                    ),
                }
            }
        }
        given.append(members);
        *members = given;
    }

    pub(super) fn check_parameters(
        &mut self,
        tool: &str,
        id: &Arc<str>,
        draft: &DraftStep,
        template: &Template,
    ) {
        if tool == CODE_EXEC && self.tools.is_none_or(|tools| !tools.has(tool)) {
            if draft.parameters.as_object().is_some() && draft.parameters.get("code").is_none() {
                self.collector.push(
                    Diagnostic::new(
                        Severity::Error,
                        "missing_parameter",
                        "`code_exec` needs the parameter `code`",
                    )
                    .at(draft.place())
                    .step(Some(id)),
                );
            }
            return;
        }
        if let Some(schema) = self.tools.and_then(|tools| tools.schema(tool)) {
            let place = draft
                .tool
                .as_ref()
                .map_or_else(|| draft.place(), |tool| tool.span.clone());
            let mut checker = Checker {
                tool,
                step: id,
                place,
                collector: &mut self.collector,
                reported: Vec::new(),
            };
            checker.check(&draft.parameters, template, schema);
            let validator = self
                .validators
                .entry(tool.into())
                .or_insert_with(|| schema::keywords::compile(schema));
            if let Some(validator) = validator {
                checker.keywords(&draft.parameters, template, schema, validator);
            }
        }
    }
}
