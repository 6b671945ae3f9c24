//! The tools of a large catalog that a task may need, ranked by BM25.

use super::words::Stems;
use crate::tools::{Catalog, ToolDefinition};
use bm25::{Document, SearchEngine, SearchEngineBuilder};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A catalog of this many tools is shown whole.
pub(super) const SHOWN_WHOLE: usize = 20;

/// The maximum of tools that are added because they make the inputs of those that were chosen.
const MAX_SUPPLIERS: usize = 20;

/// The maximum length of the text of one tool that is ranked, in bytes.
const MAX_TEXT: usize = 8_000;

/// How well each tool of a catalog fits a text.
pub(super) struct Ranking {
    engine: SearchEngine<u32, u32, Stems>,
}

impl Ranking {
    /// Ranks by names, descriptions and examples.
    pub(super) fn of(catalog: &Catalog) -> Self {
        let documents = catalog.tools().iter().enumerate().map(|(at, tool)| {
            // The name counts three times: it is short and chosen with care.
            let mut text = format!("{0} {0} {0} {1}", tool.name, tool.description);
            for example in &tool.examples {
                for field in ["scenario", "notes"] {
                    if let Some(words) = example.get(field).and_then(Value::as_str) {
                        text.push(' ');
                        text.push_str(words);
                    }
                }
            }
            text.truncate(text.floor_char_boundary(MAX_TEXT));
            Document::new(at as u32, text)
        });
        let documents: Vec<_> = documents.collect();
        let builder =
            SearchEngineBuilder::<u32, u32, Stems>::with_tokenizer_and_documents(Stems, documents);
        Self {
            engine: builder.build(),
        }
    }

    /// The positions of the tools that share a word with `text`, best first, with their scores.
    pub(super) fn rank(&self, text: &str) -> Vec<(usize, f32)> {
        let found = self.engine.search(text, None);
        let mut ranked: Vec<(usize, f32)> = found
            .into_iter()
            .map(|found| (found.document.id as usize, found.score))
            .collect();
        ranked.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
        ranked
    }
}

/// The tools that the prompt shows, in the catalog's order: all of a small catalog; of a large one those that fit the
/// task best, those that `keep` names, and those whose outputs have what these need.
pub(super) fn narrow<'c>(
    task: &str,
    catalog: &'c Catalog,
    keep: &[&str],
) -> Vec<&'c Arc<ToolDefinition>> {
    let tools = catalog.tools();
    if tools.len() <= SHOWN_WHOLE {
        return tools.iter().collect();
    }
    let ranked = Ranking::of(catalog).rank(task);
    let mut chosen: BTreeSet<usize> = ranked.iter().map(|(at, _)| *at).take(SHOWN_WHOLE).collect();
    // Where few tools share a word with the task, the first ones of the catalog are shown too.
    chosen.extend((0..tools.len()).take(SHOWN_WHOLE.saturating_sub(chosen.len())));
    chosen.extend((0..tools.len()).filter(|at| keep.contains(&&*tools[*at].name)));
    let by_output = suppliers(tools);
    let mut open: Vec<usize> = chosen.iter().copied().collect();
    let most = chosen.len() + MAX_SUPPLIERS;
    while let Some(at) = open.pop() {
        for name in required(&tools[at]) {
            for supplier in by_output.get(name).into_iter().flatten() {
                if chosen.len() < most && chosen.insert(*supplier) {
                    open.push(*supplier);
                }
            }
        }
    }
    chosen.into_iter().map(|at| &tools[at]).collect()
}

/// The names of the parameters that a tool needs.
pub(super) fn required(tool: &ToolDefinition) -> Vec<&str> {
    let schema = tool.input_schema.as_deref();
    let names = schema.and_then(|schema| schema.get("required")?.as_array());
    let properties = schema.and_then(|schema| schema.get("properties"));
    let has_default = |name: &str| {
        let property = properties.and_then(|properties| properties.get(name));
        property.is_some_and(|property| property.get("default").is_some())
    };
    let names = names.into_iter().flatten().filter_map(Value::as_str);
    names.filter(|name| !has_default(name)).collect()
}

/// The tools whose outputs have a member of each name.
fn suppliers(tools: &[Arc<ToolDefinition>]) -> HashMap<&str, Vec<usize>> {
    let mut suppliers: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, tool) in tools.iter().enumerate() {
        let schema = tool.output_schema.as_deref();
        let members = schema.and_then(|schema| schema.get("properties")?.as_object());
        for name in members.into_iter().flat_map(|members| members.keys()) {
            suppliers.entry(name).or_default().push(at);
        }
    }
    suppliers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Source;
    use serde_json::json;

    fn catalog(tools: &Value) -> Catalog {
        let source = Source {
            name: "tools".into(),
            text: "".into(),
        };
        Catalog::from_value(&json!({"tools": tools}), &source, None).unwrap()
    }

    #[test]
    fn a_large_catalog_is_narrowed_to_what_fits_and_what_that_needs() {
        let mut tools: Vec<Value> = (0..180)
            .map(|n| json!({"name": format!("valve_{n}"), "type": "model", "description": "Opens a valve of the plant."}))
            .collect();
        tools.push(json!({"name": "forecast_tide", "type": "model", "description": "Predicts the tide at a harbour.",
            "parameters": [{"name": "gauge_id", "type": "string", "required": true}]}));
        tools.push(json!({"name": "look_up", "type": "model", "description": "Finds an entry of the register.",
            "output_schema": {"type": "object", "properties": {"gauge_id": {"type": "string"}}}}));
        let catalog = catalog(&Value::from(tools));
        let shown = narrow(
            "When is the tide highest in the harbour?",
            &catalog,
            &["valve_99"],
        );
        let has = |name: &str| shown.iter().any(|tool| &*tool.name == name);
        assert!(has("forecast_tide") && has("look_up") && has("valve_99"));
        assert!(shown.len() <= SHOWN_WHOLE + 3, "{}", shown.len());
    }

    #[test]
    fn a_small_catalog_is_shown_whole() {
        let tools: Vec<Value> = (0..SHOWN_WHOLE)
            .map(|n| json!({"name": format!("t{n}"), "type": "model", "description": "x"}))
            .collect();
        let catalog = catalog(&Value::from(tools));
        assert_eq!(narrow("anything", &catalog, &[]).len(), SHOWN_WHOLE);
    }
}
