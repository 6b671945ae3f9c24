//! A plan as a file: with the tools that it needs, so that the file can be checked and run by itself.

use super::error::SessionError;
use super::load::beside;
use crate::plan::{ExecutionPlan, read_data};
use crate::planner::PlanningRecord;
use crate::store::home;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Fields of a tool whose texts are read from the catalog's folder where they begin with `@`.
const FILES: char = '@';

/// A plan as a file.
#[derive(Clone, Debug)]
pub(crate) struct PlanDocument {
    /// The plan, its tools included where the file has to bring them.
    pub value: Value,
    /// Why the tools are not in it although the file has no catalog beside it; `None` otherwise.
    pub needs_tools: Option<String>,
}

impl PlanDocument {
    pub(super) fn new(
        plan: &ExecutionPlan,
        task: &str,
        planning: Option<&PlanningRecord>,
        catalogs: &[PathBuf],
        file: Option<&Path>,
    ) -> Self {
        let mut value = plan.to_value();
        let Some(members) = value.as_object_mut() else {
            return Self {
                value,
                needs_tools: None,
            };
        };
        let steps = members.shift_remove("steps");
        if !task.trim().is_empty() {
            members.insert("description".to_owned(), task.trim().into());
        }
        if let Some(record) = planning {
            members.insert(
                "metadata".to_owned(),
                json!({"planning": {
                    "planner": record.planner,
                    "cost_usd": record.cost,
                    "tokens": record.tokens,
                    "attempts": record.attempts,
                    "latency_ms": (record.latency.as_secs_f64() * 1e6).round() / 1e3,
                }}),
            );
        }
        let needs_tools = match tools_of(plan, catalogs, file) {
            Ok(tools) => {
                members.extend(tools);
                None
            }
            Err(why) => Some(why),
        };
        members.extend(steps.map(|steps| ("steps".to_owned(), steps)));
        Self { value, needs_tools }
    }

    /// A plan that is a value already, with its own tools.
    pub(crate) fn of_value(value: Value) -> Self {
        Self {
            value,
            needs_tools: None,
        }
    }

    /// Whether its own tools use files in its folder.
    pub(crate) fn has_files(&self) -> bool {
        entries(&self.value)
            .iter()
            .any(|(_, tool)| needs_folder(tool))
    }

    /// A plan with the tools of these catalogs, for `file`.
    pub(crate) fn of(plan: &ExecutionPlan, catalogs: &[PathBuf], file: Option<&Path>) -> Self {
        Self::new(plan, "", None, catalogs, file)
    }

    /// The text of a file of this name: YAML for `.yaml` and `.yml`, else JSON.
    pub(crate) fn text(&self, file: Option<&Path>) -> String {
        let extension = file
            .and_then(Path::extension)
            .and_then(|one| one.to_str())
            .unwrap_or("json");
        let json = || serde_json::to_string_pretty(&self.value).unwrap_or_default() + "\n";
        if !matches!(extension.to_ascii_lowercase().as_str(), "yaml" | "yml") {
            return json();
        }
        // JSON is valid YAML, for values that would not come back as they were.
        let yaml = serde_saphyr::to_string(&self.value).ok();
        let yaml = yaml.filter(|yaml| read_data(yaml).is_ok_and(|back| back == self.value));
        yaml.unwrap_or_else(json)
    }

    /// Writes the file.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(crate) fn write(&self, file: &Path) -> Result<(), SessionError> {
        std::fs::write(file, self.text(Some(file)))
            .map_err(|error| SessionError::file(file.display().to_string(), error))
    }
}

/// Writes a plan that the user gives no file for to the folder of plans under `PLANDECK_HOME`, so that its run can be
/// resumed. The name has a digest of the content: the same plan is one file.
///
/// # Errors
/// Where it cannot be written.
pub(crate) fn keep_plan(document: &PlanDocument) -> Result<PathBuf, SessionError> {
    let folder = home()?.join("plans");
    std::fs::create_dir_all(&folder)
        .map_err(|error| SessionError::file(folder.display().to_string(), error))?;
    let text = document.text(None);
    let digest = blake3::hash(text.as_bytes()).to_hex();
    let name = document.value["name"].as_str().unwrap_or("plan");
    let name: String = name
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
        .take(40)
        .collect();
    let file = folder.join(format!("{name}-{}.json", &digest[..12]));
    document.write(&file)?;
    Ok(file)
}

/// The members of the plan that bring its tools: none where the catalog lies beside the file. The error says why they
/// cannot be brought.
fn tools_of(
    plan: &ExecutionPlan,
    catalogs: &[PathBuf],
    file: Option<&Path>,
) -> Result<Map<String, Value>, String> {
    let folder = file.and_then(Path::parent).unwrap_or(Path::new(""));
    let beside = beside(folder);
    let is_beside = match (catalogs, &beside) {
        ([], _) => true, // The tools are the plan's own.
        ([one], Some(beside)) => is_same(one, beside),
        _ => false,
    };
    let mut members = Map::new();
    if is_beside {
        return Ok(members);
    }
    let (mut tools, mut servers) = (Map::new(), Map::new());
    for catalog in catalogs {
        let text = std::fs::read_to_string(catalog)
            .map_err(|error| format!("{}: {error}", catalog.display()))?;
        let value = read_data(&text).map_err(|fault| fault.message)?;
        let is_same_folder = is_same(catalog.parent().unwrap_or(Path::new("")), folder);
        for (name, tool) in entries(&value) {
            if !plan.steps.iter().any(|step| *step.tool == name) {
                continue;
            }
            if !is_same_folder && needs_folder(&tool) {
                return Err(format!(
                    "the tool {name} uses files beside {}",
                    catalog.display()
                ));
            }
            let server = tool.get("server").and_then(Value::as_str);
            let server =
                server.and_then(|server| Some((server, value.get("mcpServers")?.get(server)?)));
            servers.extend(server.map(|(name, server)| (name.to_owned(), server.clone())));
            tools.insert(name, tool);
        }
    }
    members.insert("tools".to_owned(), Value::Object(tools));
    if !servers.is_empty() {
        members.insert("mcpServers".to_owned(), Value::Object(servers));
    }
    Ok(members)
}

/// The tools of a catalog by name, in all its notations.
fn entries(catalog: &Value) -> Vec<(String, Value)> {
    match catalog.get("tools").unwrap_or(catalog) {
        Value::Object(tools) => tools
            .iter()
            .map(|(name, tool)| (name.clone(), tool.clone()))
            .collect(),
        Value::Array(tools) => tools
            .iter()
            .filter_map(|tool| {
                let name = tool
                    .get("name")
                    .or_else(|| tool.get("function")?.get("name"))?;
                Some((name.as_str()?.to_owned(), tool.clone()))
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether a tool is carried out with files that are named from the catalog's folder.
fn needs_folder(tool: &Value) -> bool {
    let is_relative = |text: &str| text.contains('/') && !Path::new(text).is_absolute();
    let runs_there = tool.get("command").is_some();
    let settings = tool.as_object().into_iter().flatten();
    runs_there
        || settings.into_iter().any(|(name, value)| match value {
            Value::String(text) => text.starts_with(FILES) || (name == "cwd" && is_relative(text)),
            Value::Object(rules) if name == "offline" => rules
                .values()
                .any(|rule| rule.as_str().is_some_and(|text| text.starts_with(FILES))),
            _ => false,
        })
}

fn is_same(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| {
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        path.canonicalize().ok()
    };
    whole(one).is_some_and(|one| whole(other) == Some(one))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::parse;

    fn plan() -> ExecutionPlan {
        let steps = json!([{"id": "a", "tool": "look", "parameters": {"zip": "01234", "on": "yes", "n": 1.0, "x": "{{c}}", "t": "a: b\n\n # c\t"}}]);
        ExecutionPlan::from_value(json!({"name": "p", "steps": steps})).unwrap()
    }

    fn read(text: &str) -> ExecutionPlan {
        parse("p", text.as_bytes())
            .unwrap()
            .check(None, None)
            .unwrap()
    }

    #[test]
    fn yaml_and_json_hold_the_same_plan() {
        let document = PlanDocument::new(
            &plan(),
            "Find it: \"now\"",
            Some(&PlanningRecord::default()),
            &[],
            None,
        );
        for file in ["p.yaml", "p.json", "p.yml", "p"] {
            let text = document.text(Some(Path::new(file)));
            assert_eq!(read(&text).to_value(), plan().to_value(), "{text}");
            assert_eq!(text.starts_with('{'), !file.ends_with("ml"), "{text}");
        }
    }

    #[test]
    fn tools_come_along_unless_they_lie_beside_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = folder.path().join("out");
        std::fs::create_dir(&elsewhere).unwrap();
        let tools = folder.path().join("tools.yaml");
        let of = |file: PathBuf| {
            PlanDocument::new(
                &plan(),
                "x",
                None,
                std::slice::from_ref(&tools),
                Some(&file),
            )
        };
        std::fs::write(
            &tools,
            "tools: {look: {type: jq, filter: .}, other: {type: jq, filter: .}}",
        )
        .unwrap();
        assert!(
            of(folder.path().join("p.json"))
                .value
                .get("tools")
                .is_none()
        );
        let brought = of(elsewhere.join("p.json")).value;
        assert_eq!(
            brought["tools"],
            json!({"look": {"type": "jq", "filter": "."}})
        );
        for moved in [
            "{type: process, command: [./run]}",
            "{type: jq, filter: \"@f.jq\"}",
        ] {
            std::fs::write(&tools, format!("tools: {{look: {moved}}}")).unwrap();
            let document = of(elsewhere.join("p.json"));
            assert!(document.value.get("tools").is_none());
            assert!(document.needs_tools.unwrap().contains("look"));
        }
    }
}
