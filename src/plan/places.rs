//! Where the credentials of a catalog stand in the text of the plan that it is part of.

use super::diagnostic::Collector;
use super::dialects;
use super::node::{Kind, Node};
use super::read;
use super::written::Written;
use std::ops::Range;

/// The members of a plan that hold a catalog.
const CATALOGS: [&str; 2] = ["tools", "mcpServers"];
/// The members of a tool whose values people put credentials into.
const CREDENTIALS: [&str; 2] = ["headers", "env"];
/// The members of a tool that describe values and hold none.
const SCHEMAS: [&str; 3] = ["input_schema", "output_schema", "parameters"];

/// The value of a header or of a variable, and where it stands, in bytes.
pub(crate) struct Credential {
    /// What it is.
    pub value: String,
    /// The place of it, with its quotes where it has some.
    pub span: Range<usize>,
}

/// The values of headers and environments in the catalog inside the plan `text`, in the order of their places;
/// none where the text is not JSON or YAML.
pub(crate) fn credentials(text: &str) -> Vec<Credential> {
    let mut notices = Collector::default();
    let text = read::without_thoughts(text, &mut notices);
    let read = read::read(&text, &dialects::is_planners_text, &mut notices);
    let Ok(Written::Value(root)) = read else {
        return Vec::new();
    };
    let mut found = Vec::new();
    // Nodes, whether they are part of a catalog, and whether their texts are credentials.
    let mut open = vec![(&root, false, false)];
    while let Some((node, in_catalog, secret)) = open.pop() {
        match &node.kind {
            Kind::Object(members) => {
                for member in members {
                    let key = &*member.key;
                    if in_catalog && !secret && SCHEMAS.contains(&key) {
                        continue;
                    }
                    let secret = secret || in_catalog && CREDENTIALS.contains(&key);
                    let in_catalog = in_catalog || CATALOGS.contains(&key);
                    open.push((&member.value, in_catalog, secret));
                }
            }
            Kind::List(items) => open.extend(items.iter().map(|item| (item, in_catalog, secret))),
            Kind::Text(_) | Kind::Number(_) if secret => found.push(credential(node)),
            _ => {}
        }
    }
    found.sort_by_key(|credential| credential.span.start);
    found
}

fn credential(node: &Node) -> Credential {
    Credential {
        value: match node.to_value() {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        },
        span: node.span.clone(),
    }
}
