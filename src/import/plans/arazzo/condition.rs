//! Criteria of success: simple conditions as expressions, and the statuses that they let through.

use super::expression::Scope;
use crate::import::plans::template::{Part, quoted};
use crate::text::message::quote;
use std::collections::BTreeSet;

/// How deep conditions may nest.
const MOST_DEPTH: usize = 50;

/// A condition as it is written.
#[derive(Debug)]
pub(super) enum Condition {
    Any(Vec<Condition>),
    All(Vec<Condition>),
    Not(Box<Condition>),
    Compared(Box<Condition>, &'static str, Box<Condition>),
    Status,
    Expression(String),
    Text(String),
    Number(f64, String),
    /// `true`, `false` or `null`.
    Word(&'static str),
}

const OPERATORS: [&str; 6] = ["==", "!=", "<=", ">=", "<", ">"];

/// Reads a simple condition; `None` where it is none.
pub(super) fn read(text: &str) -> Option<Condition> {
    let mut reader = Reader {
        rest: text,
        depth: 0,
    };
    let condition = reader.any()?;
    reader.rest.trim().is_empty().then_some(condition)
}

struct Reader<'t> {
    rest: &'t str,
    depth: usize,
}

impl Reader<'_> {
    fn takes(&mut self, sign: &str) -> bool {
        let rest = self.rest.trim_start();
        let after = rest.strip_prefix(sign);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn any(&mut self) -> Option<Condition> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return None;
        }
        let mut all = vec![self.all()?];
        while self.takes("||") {
            all.push(self.all()?);
        }
        self.depth -= 1;
        Some(match all.len() {
            1 => all.swap_remove(0),
            _ => Condition::Any(all),
        })
    }

    fn all(&mut self) -> Option<Condition> {
        let mut all = vec![self.compared()?];
        while self.takes("&&") {
            all.push(self.compared()?);
        }
        Some(match all.len() {
            1 => all.swap_remove(0),
            _ => Condition::All(all),
        })
    }

    fn compared(&mut self) -> Option<Condition> {
        let left = self.one()?;
        let Some(operator) = OPERATORS.into_iter().find(|operator| self.takes(operator)) else {
            return Some(left);
        };
        let right = self.one()?;
        Some(Condition::Compared(
            Box::new(left),
            operator,
            Box::new(right),
        ))
    }

    fn one(&mut self) -> Option<Condition> {
        if !self.rest.trim_start().starts_with("!=") && self.takes("!") {
            self.depth += 1;
            if self.depth > MOST_DEPTH {
                return None;
            }
            let inner = self.one()?;
            self.depth -= 1;
            return Some(Condition::Not(Box::new(inner)));
        }
        if self.takes("(") {
            let inner = self.any()?;
            return self.takes(")").then_some(inner);
        }
        let rest = self.rest.trim_start();
        if let Some(mut inner) = rest.strip_prefix('\'') {
            let mut text = String::new();
            loop {
                let (before, after) = inner.split_once('\'')?;
                text.push_str(before);
                let Some(more) = after.strip_prefix('\'') else {
                    self.rest = after;
                    return Some(Condition::Text(text));
                };
                text.push('\'');
                inner = more;
            }
        }
        if let Some(inner) = rest.strip_prefix('"') {
            // Not of the specification, and common.
            let (text, after) = inner.split_once('"')?;
            self.rest = after;
            return Some(Condition::Text(text.to_owned()));
        }
        let is_end = |c: char| c.is_whitespace() || "=<>!&|()'\",".contains(c);
        let end = rest.find(is_end).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        self.rest = after;
        let words = ["true", "false", "null"];
        Some(match word {
            "" => return None,
            "$statusCode" => Condition::Status,
            _ if word.starts_with('$') => Condition::Expression(word.to_owned()),
            _ => {
                if let Some(known) = words.into_iter().find(|known| *known == word) {
                    return Some(Condition::Word(known));
                }
                let number = word.parse().ok().filter(|number: &f64| number.is_finite());
                let is_plain = word.starts_with(|c: char| c.is_ascii_digit() || c == '-');
                Condition::Number(number.filter(|_| is_plain)?, word.to_owned())
            }
        })
    }
}

impl Condition {
    /// The conditions that hold together.
    pub(super) fn parts(self) -> Vec<Self> {
        match self {
            Self::All(all) => all.into_iter().flat_map(Self::parts).collect(),
            one => vec![one],
        }
    }

    /// Whether it says anything about the status.
    pub(super) fn has_status(&self) -> bool {
        match self {
            Self::Status => true,
            Self::Any(all) | Self::All(all) => all.iter().any(Self::has_status),
            Self::Not(inner) => inner.has_status(),
            Self::Compared(left, _, right) => left.has_status() || right.has_status(),
            _ => false,
        }
    }

    /// The statuses with which it holds; `None` where that depends on something else.
    pub(super) fn statuses(&self) -> Option<BTreeSet<u16>> {
        let all = 100..600_u16;
        let mut found = BTreeSet::new();
        for status in all {
            if self.holds(status)? {
                found.insert(status);
            }
        }
        Some(found)
    }

    fn holds(&self, status: u16) -> Option<bool> {
        Some(match self {
            Self::Any(all) => {
                let all: Option<Vec<bool>> = all.iter().map(|one| one.holds(status)).collect();
                all?.contains(&true)
            }
            Self::All(all) => {
                let all: Option<Vec<bool>> = all.iter().map(|one| one.holds(status)).collect();
                !all?.contains(&false)
            }
            Self::Not(inner) => !inner.holds(status)?,
            Self::Word("true") => true,
            Self::Word("false") => false,
            Self::Compared(left, operator, right) => {
                let (left, right) = (left.number(status)?, right.number(status)?);
                let order = left.partial_cmp(&right)?;
                match *operator {
                    "==" => order.is_eq(),
                    "!=" => order.is_ne(),
                    "<=" => order.is_le(),
                    ">=" => order.is_ge(),
                    "<" => order.is_lt(),
                    _ => order.is_gt(),
                }
            }
            _ => return None,
        })
    }

    fn number(&self, status: u16) -> Option<f64> {
        match self {
            Self::Status => Some(f64::from(status)),
            Self::Number(number, _) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// As an expression of a plan.
    ///
    /// # Errors
    /// What of it has no counterpart.
    pub(super) fn expression(&self, scope: &Scope<'_>) -> Result<String, String> {
        let joined = |all: &[Self], word: &str| {
            let all: Result<Vec<String>, String> = all
                .iter()
                .map(|one| one.expression(scope).map(|one| format!("({one})")))
                .collect();
            all.map(|all| all.join(word))
        };
        Ok(match self {
            Self::Any(all) => joined(all, " or ")?,
            Self::All(all) => joined(all, " and ")?,
            Self::Not(inner) => format!("not ({})", inner.expression(scope)?),
            Self::Status => named(scope, "$statusCode")?,
            Self::Expression(text) => named(scope, text)?,
            Self::Text(text) => quoted(text),
            Self::Number(_, written) => written.clone(),
            Self::Word(word) => (*word).to_owned(),
            Self::Compared(left, operator, right) => {
                let side = |one: &Self, other: &Self| {
                    let text = one.expression(scope)?;
                    let is_named = matches!(one, Self::Status | Self::Expression(_));
                    let is_order = !matches!(*operator, "==" | "!=");
                    Ok::<_, String>(match other {
                        // Texts are compared without regard to their case, numbers as numbers.
                        Self::Text(_) if is_named => format!("({text} | string | lower)"),
                        Self::Number(..) if is_named && is_order => format!("({text} | float)"),
                        _ => match one {
                            Self::Text(text) => quoted(&text.to_lowercase()),
                            _ => text,
                        },
                    })
                };
                format!("{} {operator} {}", side(left, right)?, side(right, left)?)
            }
        })
    }
}

fn named(scope: &Scope<'_>, text: &str) -> Result<String, String> {
    let part = scope.expression(text)?;
    part.to_expression().ok_or_else(|| {
        let text = quote(text, 120);
        format!("{text} is put together from several values")
    })
}

/// Statuses as the `status` of a tool: single ones and ranges.
pub(super) fn ranges(statuses: &BTreeSet<u16>) -> Vec<serde_json::Value> {
    let mut found: Vec<(u16, u16)> = Vec::new();
    for status in statuses {
        match found.last_mut() {
            Some((_, last)) if *last + 1 == *status => *last = *status,
            _ => found.push((*status, *status)),
        }
    }
    let range = |(from, to): (u16, u16)| {
        if from == to {
            from.into()
        } else {
            format!("{from}-{to}").into()
        }
    };
    found.into_iter().map(range).collect()
}

/// The statuses that a pattern matches, where it is a plain one: `^200$`, `^2\d{2}$`, `^(200|201)$`.
pub(super) fn matched(pattern: &str) -> Option<BTreeSet<u16>> {
    let inner = pattern.strip_prefix('^')?.strip_suffix('$')?;
    let inner = match inner
        .strip_prefix('(')
        .and_then(|inner| inner.strip_suffix(')'))
    {
        Some(inner) => inner.strip_prefix("?:").unwrap_or(inner),
        None if inner.contains('|') => return None,
        None => inner,
    };
    let mut found = BTreeSet::new();
    for one in inner.split('|') {
        let digits = one.replace(r"\d{2}", "??").replace(r"\d", "?");
        let digits = digits.replace("[0-9]", "?").replace('.', "?");
        let digits: Vec<char> = digits.chars().collect();
        if digits.len() != 3 || !digits.iter().all(|c| c.is_ascii_digit() || *c == '?') {
            return None;
        }
        found.extend((100..600_u16).filter(|status| {
            let written = status.to_string();
            written
                .chars()
                .zip(&digits)
                .all(|(c, wanted)| *wanted == '?' || c == *wanted)
        }));
    }
    Some(found)
}

/// A condition that a path of the value is there: of a `JSONPath` that names one place, or all elements of one.
pub(super) fn exists(path: &str, of: &Part) -> Option<String> {
    let path = path.trim().strip_prefix('$')?;
    let (path, is_list) = match path.strip_suffix("[*]").or_else(|| path.strip_suffix(".*")) {
        Some(path) => (path, true),
        None => (path, false),
    };
    let part = of.at(&crate::import::plans::template::dotted(path)?);
    let text = part.to_expression()?;
    Some(if is_list {
        format!("({text} | length) > 0")
    } else {
        format!("{text} is defined")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statuses(text: &str) -> Option<Vec<serde_json::Value>> {
        Some(ranges(&read(text)?.statuses()?))
    }

    #[test]
    fn statuses_follow_from_conditions() {
        for (text, found) in [
            ("$statusCode == 200", "[200]"),
            (
                "$statusCode == 200 || $statusCode == '201'",
                "[\"200-201\"]",
            ),
            ("$statusCode >= 200 && $statusCode < 300", "[\"200-299\"]"),
            (
                "!($statusCode >= 201) && ($statusCode != 100)",
                "[\"101-200\"]",
            ),
        ] {
            let got = serde_json::Value::from(statuses(text).unwrap());
            assert_eq!(got.to_string(), found, "{text}");
        }
        assert!(statuses("$statusCode == 200 && $response.body#/a == 1").is_none());
        for wrong in [
            "",
            "$statusCode ==",
            "(1",
            "1 == 2 3",
            "'open",
            "abc == 1",
            "1 = 2",
        ] {
            assert!(read(wrong).is_none(), "{wrong}");
        }
        assert!(read(&"(".repeat(100_000)).is_none());
        assert!(read(&"!".repeat(100_000)).is_none());
    }

    #[test]
    fn patterns_of_statuses_are_listed() {
        let all = |pattern: &str| matched(pattern).map(|found| ranges(&found));
        assert_eq!(all("^200$"), Some(vec![200.into()]));
        assert_eq!(all(r"^2\d{2}$"), Some(vec!["200-299".into()]));
        assert_eq!(all("^(200|404)$"), Some(vec![200.into(), 404.into()]));
        assert_eq!(all("200"), None);
        assert_eq!(all("^2.*$"), None);
    }
}
