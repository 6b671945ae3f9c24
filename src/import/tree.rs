//! Spans as a tree, and which of them are steps: calls of models and tools; and groups that hold no call.

use super::span::{Span, SpanKind};
use std::collections::HashMap;
use std::sync::Arc;

/// Spans as a tree, and what becomes of them.
pub(super) struct Tree {
    pub(super) spans: Vec<Span>,
    /// The places of the spans by their ids.
    pub(super) by_id: HashMap<Arc<str>, usize>,
    pub(super) children: Vec<Vec<usize>>,
    pub(super) roots: Vec<usize>,
    /// Every span, parents before their children.
    pub(super) order: Vec<usize>,
    /// Whether a span is a step.
    pub(super) steps: Vec<bool>,
    pub(super) left_out: Vec<String>,
}

impl Tree {
    pub(super) fn of(spans: Vec<Span>) -> Self {
        let by_id: HashMap<Arc<str>, usize> = spans
            .iter()
            .map(|span| Arc::clone(&span.id))
            .zip(0..)
            .collect();
        let mut children = vec![Vec::new(); spans.len()];
        let mut roots = Vec::new();
        for (at, span) in spans.iter().enumerate() {
            let parent = span.parent.as_ref().and_then(|id| by_id.get(id));
            match parent.filter(|parent| **parent != at) {
                Some(parent) => children[*parent].push(at),
                None => roots.push(at),
            }
        }
        let mut tree = Self {
            steps: vec![false; spans.len()],
            order: Vec::with_capacity(spans.len()),
            spans,
            by_id,
            children,
            roots,
            left_out: Vec::new(),
        };
        tree.put_in_order();
        tree.choose_steps();
        tree
    }

    /// Parents before their children. Spans that are inside of each other are roots.
    fn put_in_order(&mut self) {
        let mut seen = vec![false; self.spans.len()];
        let mut left: Vec<usize> = self.roots.iter().rev().copied().collect();
        let mut next = 0;
        let mut circular = 0;
        loop {
            while let Some(at) = left.pop() {
                if std::mem::replace(&mut seen[at], true) {
                    continue;
                }
                self.order.push(at);
                left.extend(self.children[at].iter().rev());
            }
            while seen.get(next) == Some(&true) {
                next += 1;
            }
            if next == self.spans.len() {
                break;
            }
            circular += 1;
            for list in &mut self.children {
                list.retain(|child| *child != next);
            }
            self.roots.push(next);
            left.push(next);
        }
        if circular > 0 {
            self.left_out
                .push(format!("{circular} spans that are inside of themselves"));
        }
    }

    fn choose_steps(&mut self) {
        let is_call = |span: &Span| matches!(span.kind, SpanKind::Model | SpanKind::Tool);
        let is_plain = !self.spans.iter().any(|span| span.kind != SpanKind::Inner);
        // Whether there is a call below a span, and above it.
        let mut below = vec![false; self.spans.len()];
        for at in self.order.iter().rev() {
            let mut children = self.children[*at].iter();
            below[*at] = children.any(|child| below[*child] || is_call(&self.spans[*child]));
        }
        let mut above = vec![false; self.spans.len()];
        for at in &self.order {
            let inside = above[*at] || is_call(&self.spans[*at]) && !below[*at];
            for child in &self.children[*at] {
                above[*child] = inside;
            }
        }
        let mut inner = 0;
        for at in &self.order {
            let span = &self.spans[*at];
            let is_leaf = self.children[*at]
                .iter()
                .all(|child| self.spans[*child].kind == SpanKind::Inner && !is_plain);
            self.steps[*at] = match span.kind {
                SpanKind::Model | SpanKind::Tool => !below[*at] && !above[*at],
                SpanKind::Group => is_leaf && !above[*at],
                SpanKind::Inner => is_plain && self.children[*at].is_empty(),
            };
            inner += usize::from(span.kind == SpanKind::Inner && !is_plain && !below[*at]);
        }
        if inner > 0 {
            self.left_out.push(format!(
                "{inner} spans below the level of steps, as requests and queries"
            ));
        }
    }

    /// The groups that a span is in, the outermost first.
    pub(super) fn groups(&self, at: usize) -> String {
        let mut names = Vec::new();
        let mut parent = self.parent(at);
        while let Some(of) = parent {
            if names.len() == 8 {
                break;
            }
            names.push(&*self.spans[of].name);
            parent = self.parent(of);
        }
        names.reverse();
        names.join(" › ")
    }

    /// The place of the span inside of which a span happened.
    pub(super) fn parent(&self, at: usize) -> Option<usize> {
        let parent = self.spans[at].parent.as_ref()?;
        self.by_id.get(parent).copied()
    }
}
