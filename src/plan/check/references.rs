//! Reads the references of a step, and counts them as dependencies.

use super::{CODE_EXEC, Check, Uses, is_numbered_alike};
use crate::plan::diagnostic::{Diagnostic, Severity, shown};
use crate::plan::expression::Expression;
use crate::plan::names::{closest, likeness_to};
use crate::plan::node::{Kind, Member, Node};
use crate::plan::reference::Root;
use crate::plan::reference_syntax::{self, Fault, Piece, Vocabulary};
use crate::plan::template::{Part, Template};
use crate::text::visible;
use serde_json::Map;
use std::ops::Range;
use std::sync::Arc;

impl Check<'_> {
    pub(super) fn for_each(&mut self, node: &Node, uses: &mut Uses) -> Option<Template> {
        let template = self.template(node, uses);
        let is_text = match &template {
            Some(Template::Text(_)) => true,
            None => node.as_text().is_some(),
            _ => false,
        };
        if is_text {
            self.collector.push(
                Diagnostic::new(
                    Severity::Error,
                    "bad_field",
                    "`for_each` must be a list or exactly one reference to one",
                )
                .at(node.span.clone())
                .step(Some(self.ids.id(uses.step))),
            );
            return None;
        }
        Some(template.unwrap_or_else(|| literal(node)))
    }

    pub(super) fn run_if(&mut self, node: &Node, uses: &mut Uses) -> Option<Expression> {
        let text = match &node.kind {
            Kind::Text(text) if text.trim().is_empty() => return None,
            Kind::Text(text) => Arc::clone(text),
            Kind::Bool(truth) => truth.to_string().into(),
            _ => return None,
        };
        self.condition(&text, &node.span, uses)
    }

    /// Reads a condition, and counts what it refers to.
    pub(super) fn condition(
        &mut self,
        text: &str,
        span: &Range<usize>,
        uses: &mut Uses,
    ) -> Option<Expression> {
        let condition = self.vocabulary(uses, |vocabulary| vocabulary.condition(text));
        match condition {
            Ok(expression) => {
                self.note_roots(&expression.roots, &expression.source, true, span, uses);
                Some(expression)
            }
            Err(fault) => {
                self.reference_fault(fault, text, span.clone(), uses);
                None
            }
        }
    }

    pub(super) fn parameters(&mut self, tool: &str, node: &Node, uses: &mut Uses) -> Template {
        let Kind::Object(members) = &node.kind else {
            return self.template(node, uses).unwrap_or_else(|| literal(node));
        };
        let is_program = tool == CODE_EXEC;
        let parts: Vec<Option<Template>> = members
            .iter()
            .map(|member| {
                uses.in_code = is_program && *member.key == *"code";
                self.template(&member.value, uses)
            })
            .collect();
        uses.in_code = false;
        object(members, parts).unwrap_or_else(|| literal(node))
    }

    /// The template of a value, or `None` where it is literal.
    fn template(&mut self, node: &Node, uses: &mut Uses) -> Option<Template> {
        match &node.kind {
            Kind::Text(text) => self.text(text, &node.span, uses),
            Kind::List(list) => {
                let parts: Vec<Option<Template>> = list
                    .iter()
                    .map(|element| self.template(element, uses))
                    .collect();
                if parts.iter().all(Option::is_none) {
                    return None;
                }
                let elements = parts
                    .into_iter()
                    .zip(list)
                    .map(|(part, node)| part.unwrap_or_else(|| literal(node)));
                Some(Template::List(elements.collect()))
            }
            Kind::Object(members) => {
                let parts = members
                    .iter()
                    .map(|member| self.template(&member.value, uses))
                    .collect();
                object(members, parts)
            }
            _ => None,
        }
    }

    fn text(&mut self, text: &Arc<str>, span: &Range<usize>, uses: &mut Uses) -> Option<Template> {
        if let Some(piece) = self.vocabulary(uses, |vocabulary| vocabulary.whole(text)) {
            return alone(self.part(piece, text, span, uses));
        }
        let pieces = self.vocabulary(uses, |vocabulary| vocabulary.pieces(text))?;
        let mut parts = Vec::with_capacity(pieces.len());
        for piece in pieces {
            parts.push(self.part(piece, text, span, uses));
        }
        if parts.len() == 1 {
            return alone(parts.pop()?);
        }
        if parts.iter().all(|part| matches!(part, Part::Text(_))) {
            return None;
        }
        Some(Template::Text(parts.into()))
    }

    fn part(&mut self, piece: Piece, text: &str, span: &Range<usize>, uses: &mut Uses) -> Part {
        match piece {
            Piece::Text(range) => Part::Text(text[range].into()),
            Piece::Reference(range, reference) => {
                let place = inside(span, text, &range);
                self.note_root(
                    &reference.root,
                    &reference.source,
                    !reference.path.is_empty(),
                    &place,
                    uses,
                );
                Part::Reference(reference)
            }
            Piece::Expression(range, expression) => {
                let place = inside(span, text, &range);
                self.note_roots(&expression.roots, &expression.source, false, &place, uses);
                Part::Expression(expression)
            }
            Piece::Fault(range, fault) => {
                let place = inside(span, text, &range);
                let source = &text[range];
                self.reference_fault(fault, source, place, uses);
                Part::Text(source.into())
            }
        }
    }

    fn vocabulary<T>(&self, uses: &Uses, read: impl FnOnce(&Vocabulary<'_>) -> T) -> T {
        let known = |name: &str| reference_syntax::knows(self.own, self.given, name);
        read(&Vocabulary {
            ids: &self.ids,
            syntax: self.syntax,
            context: &known,
            in_for_each: uses.in_for_each,
            own: uses.own,
            in_code: uses.in_code,
        })
    }

    fn reference_fault(&mut self, fault: Fault, source: &str, place: Range<usize>, uses: &Uses) {
        let id = Arc::clone(self.ids.id(uses.step));
        let diagnostic = match fault {
            Fault::UnknownStep(wanted) => {
                let near = self.guess_step(&wanted);
                let diagnostic = Diagnostic::new(
                    Severity::Error,
                    "unknown_reference",
                    format!("{}: the plan has no step {}", shown(source), shown(&wanted)),
                );
                match near {
                    Some(near) => diagnostic.help(format!("did you mean {near}?")),
                    None => diagnostic,
                }
            }
            Fault::BadExpression(why) => Diagnostic::new(
                Severity::Error,
                "bad_expression",
                format!(
                    "{} is neither a reference nor an expression: {why}",
                    shown(source)
                ),
            ),
            Fault::Text(wanted) => Diagnostic::new(
                Severity::Warning,
                "not_a_reference",
                format!(
                    "the plan has no step {}, so {} stays text",
                    shown(&wanted),
                    shown(source)
                ),
            ),
            Fault::Amount(step) => Diagnostic::new(
                Severity::Warning,
                "not_a_reference",
                format!("{} begins an amount of money and stays text", shown(source)),
            )
            .help(format!("`${{{step}}}` names the output of step {step}")),
            Fault::Index => Diagnostic::new(
                Severity::Warning,
                "not_a_reference",
                format!(
                    "{} after a reference inside a longer text stays text",
                    shown(source)
                ),
            )
            .help("`${1[0]}` names an element of the output of step 1"),
            Fault::Placeholder => Diagnostic::new(
                Severity::Warning,
                "not_a_reference",
                format!("{} names no task and stays text", shown(source)),
            )
            .help("`<GENERATED>-0` names what task 0 made"),
        };
        self.collector.push(diagnostic.at(place).step(Some(&id)));
    }

    fn note_roots(
        &mut self,
        roots: &[Root],
        source: &str,
        dotted: bool,
        place: &Range<usize>,
        uses: &mut Uses,
    ) {
        for root in roots {
            self.note_root(root, source, dotted, place, uses);
        }
    }

    fn note_root(
        &mut self,
        root: &Root,
        source: &str,
        dotted: bool,
        place: &Range<usize>,
        uses: &mut Uses,
    ) {
        match root {
            Root::Step(step) => {
                if !uses.steps.iter().any(|(known, _)| known == step) {
                    uses.steps.push((*step, place.clone()));
                }
            }
            Root::Context(name) => self.note_context(name, source, dotted, place, uses),
            Root::Outputs if !uses.synthesis => {
                let id = Arc::clone(self.ids.id(uses.step));
                self.collector.push(
                    Diagnostic::new(
                        Severity::Error,
                        "unknown_reference",
                        format!(
                            "{}: all outputs together are only known in `final_synthesis`",
                            shown(source)
                        ),
                    )
                    .at(place.clone())
                    .step(Some(&id))
                    .help("name the step, as in `{{steps[ID].output}}`"),
                );
            }
            Root::Outputs | Root::Item | Root::Index | Root::Own(_) => {}
        }
    }

    fn note_context(
        &mut self,
        name: &Arc<str>,
        source: &str,
        dotted: bool,
        place: &Range<usize>,
        uses: &Uses,
    ) {
        if !self.seen_context.insert(Arc::clone(name)) {
            return;
        }
        self.context_names.push(Arc::clone(name));
        if reference_syntax::knows(self.own, self.given, name) {
            return;
        }
        let id = Arc::clone(self.ids.id(uses.step));
        let near = self.guess_step(name);
        if self.given.is_some() {
            let diagnostic = if let Some(near) = near {
                Diagnostic::new(
                    Severity::Error,
                    "unknown_reference",
                    format!(
                        "{}: {} is neither a step nor a context value that was given",
                        shown(source),
                        shown(name)
                    ),
                )
                .help(format!("did you mean {near}?"))
            } else {
                Diagnostic::new(
                    Severity::Error,
                    "missing_context",
                    format!(
                        "the context value {} is referred to and not given",
                        shown(name)
                    ),
                )
                .help(self.missing_context_help(name))
            };
            self.collector
                .push(diagnostic.at(place.clone()).step(Some(&id)));
            return;
        }
        // The values of the context are not known, so a name that is almost a step's may still be right.
        let Some(near) = near else { return };
        let surely = dotted
            && (likeness_to(name, self.ids.all()) >= 0.8 || is_numbered_alike(&self.ids, name));
        let severity = if surely {
            Severity::Error
        } else {
            Severity::Warning
        };
        self.collector.push(
            Diagnostic::new(
                severity,
                "unknown_reference",
                format!("{}: the plan has no step {}", shown(source), shown(name)),
            )
            .at(place.clone())
            .step(Some(&id))
            .help(format!("did you mean {near}?")),
        );
    }

    fn missing_context_help(&self, name: &str) -> String {
        let known = self
            .given
            .into_iter()
            .flat_map(Map::keys)
            .chain(self.own.keys())
            .map(String::as_str);
        match closest(name, known) {
            Some(near) => format!("did you mean {}?", shown(near)),
            None if matches!(name, "item" | "index") => {
                "`item` and `index` are only known inside a step with `for_each`".to_owned()
            }
            None => format!(
                "give it, for instance with `--context {}=VALUE`",
                visible(name, 80)
            ),
        }
    }
}

/// The template of a text that is this part and nothing else.
fn alone(part: Part) -> Option<Template> {
    match part {
        Part::Reference(reference) => Some(Template::Reference(Box::new(reference))),
        Part::Expression(expression) => Some(Template::Expression(Box::new(expression))),
        Part::Text(_) => None,
    }
}

fn literal(node: &Node) -> Template {
    Template::Literal(Arc::new(node.to_value()))
}

fn object(members: &[Member], parts: Vec<Option<Template>>) -> Option<Template> {
    if parts.iter().all(Option::is_none) {
        return None;
    }
    let members = parts.into_iter().zip(members).map(|(part, member)| {
        (
            Arc::clone(&member.key),
            part.unwrap_or_else(|| literal(&member.value)),
        )
    });
    Some(Template::Object(members.collect()))
}

/// The place of a piece of a text; the whole text where escapes or folding moved its characters.
fn inside(span: &Range<usize>, text: &str, piece: &Range<usize>) -> Range<usize> {
    let quotes = match span.len().checked_sub(text.len()) {
        Some(0) => 0,
        Some(2) => 1,
        _ => return span.clone(),
    };
    span.start + quotes + piece.start..span.start + quotes + piece.end
}
