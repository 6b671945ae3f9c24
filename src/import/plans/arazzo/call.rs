//! A step that calls an operation: its tool, its parameters, and what its end is judged by.

use super::apis::Apis;
use super::criteria;
use super::expression::{OwnCall, Scope};
use super::reused;
use crate::import::plans::template::{Part, plain_name, pointer};
use crate::plan::Segment;
use crate::text::message::quote;
use crate::tools::catalog::open_api::{BodyAs, DescribedOperation};
use serde_json::{Map, Value, json};

/// The name of a tool, and the tool.
type NamedTool = (String, Map<String, Value>);

/// What is made of a step.
pub(super) struct Caller<'s> {
    pub root: &'s Value,
    pub workflow: &'s Value,
    pub step: &'s Value,
    pub is_last: bool,
    /// The field and what of it is not carried over.
    pub faults: Vec<(&'static str, String)>,
}

impl Caller<'_> {
    fn fault(&mut self, field: &'static str, what: impl Into<String>) {
        self.faults.push((field, what.into()));
    }

    fn values(&mut self, field: &'static str, value: &Value, scope: &Scope<'_>) -> Part {
        let mut faults = Vec::new();
        let part = scope.value(value, &mut faults);
        self.faults
            .extend(faults.into_iter().map(|fault| (field, fault)));
        part
    }

    /// The members of the step, its tool, and what its expressions can name.
    ///
    /// # Errors
    /// Why it cannot be called.
    pub(super) fn made(
        &mut self,
        id: &str,
        apis: &Apis,
        parameters: &[Value],
        scope: &Scope<'_>,
    ) -> Result<(Value, Option<NamedTool>, OwnCall), String> {
        if self.step.get("channelPath").is_some() || self.step.get("action").is_some() {
            return Err(
                "it sends or receives a message (AsyncAPI), which has no counterpart; \
                 put a tool for this step in its place"
                    .to_owned(),
            );
        }
        let request = self.step.get("requestBody").filter(|body| !body.is_null());
        let content_type = request.and_then(|body| body["contentType"].as_str());
        let body = match request {
            Some(_) => BodyAs::Whole(content_type),
            None => BodyAs::Nothing,
        };
        let described = apis.operation(self.step, body)?;
        let DescribedOperation {
            mut tool,
            names,
            body: body_name,
            warnings,
        } = described;
        for warning in warnings {
            self.fault("operationId", warning);
        }
        let name = tool.shift_remove("name");
        let name = name
            .as_ref()
            .and_then(Value::as_str)
            .unwrap_or("operation")
            .to_owned();
        let mut given = Map::new();
        let mut own = Vec::new();
        let mut called: Vec<String> = names.iter().map(|(.., alias)| alias.clone()).collect();
        called.extend(body_name.clone());
        for parameter in parameters {
            let name = parameter["name"].as_str().unwrap_or_default();
            let place = parameter["in"].as_str().unwrap_or_default();
            let part = self.values("parameters", &parameter["value"], scope);
            let is_header = place == "header";
            let known = names.iter().find(|(in_, known, _)| {
                *in_ == place && (known == name || is_header && known.eq_ignore_ascii_case(name))
            });
            let alias = match known {
                Some((.., alias)) => Some(alias.clone()),
                None => self.added(&mut tool, place, name, &mut called),
            };
            if let Some(alias) = alias {
                given.insert(alias, part.to_value());
            }
            own.push((place.to_owned(), name.to_owned(), part));
        }
        let missing = names
            .iter()
            .filter(|(place, _, alias)| *place == "path" && !given.contains_key(alias));
        let missing: Vec<String> = missing.map(|(_, name, _)| quote(name, 80)).collect();
        for name in missing {
            self.fault(
                "parameters",
                format!("the path parameter {name} is not given; the call fails without it"),
            );
        }
        let request_body = request.map(|request| self.payload(request, scope));
        if let (Some(body), Some(name)) = (&request_body, body_name) {
            given.insert(name, body.to_value());
        }
        let properties = called.iter().map(|name| (name.clone(), json!({})));
        let properties: Map<String, Value> = properties.collect();
        tool.insert(
            "input_schema".to_owned(),
            json!({"type": "object", "properties": properties}),
        );
        let output = format!("steps[{id}].output");
        let method = tool
            .get("method")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let mut own = OwnCall {
            body: String::new(),
            whole: None,
            method: method.to_owned(),
            parameters: own,
            request_body,
        };
        let judged = criteria::judged(self.root, self.step, scope, &mut own, &mut self.faults);
        if let Some(status) = &judged.status {
            tool.insert("status".to_owned(), status.clone());
        }
        if judged.is_whole {
            tool.insert("whole".to_owned(), true.into());
            tool.shift_remove("output_schema");
            own.body = format!("{output}.body");
            own.whole = Some(output);
        } else {
            own.body = output;
        }
        let retry = self.actions();
        let timeout = self.step["timeout"]
            .as_f64()
            .filter(|ms| *ms > 0.0)
            .map(|ms| ms / 1000.0);
        let step = json!({
            "parameters": given,
            "expect": judged.expect,
            "retry_policy": retry,
            "timeout_s": timeout,
        });
        Ok((step, Some((name, tool)), own))
    }

    /// Adds a parameter to a tool that the API does not describe; its name there.
    fn added(
        &mut self,
        tool: &mut Map<String, Value>,
        place: &str,
        name: &str,
        called: &mut Vec<String>,
    ) -> Option<String> {
        let field = match place {
            "header" => "headers",
            "query" => "query",
            _ => {
                let (name, place) = (quote(name, 80), quote(place, 40));
                self.fault(
                    "parameters",
                    format!("the API has no parameter {name} in {place}; it is not sent"),
                );
                return None;
            }
        };
        let plain = plain_name(name, false);
        let mut alias = plain.clone();
        let mut number = 2_usize;
        while called.contains(&alias) {
            alias = format!("{plain}_{number}");
            number += 1;
        }
        called.push(alias.clone());
        let members = tool.entry(field).or_insert_with(|| json!({}));
        if let Some(members) = members.as_object_mut() {
            // It takes the place of credentials from the environment.
            members.retain(|known, _| !known.eq_ignore_ascii_case(name));
            members.insert(name.to_owned(), format!("{{{{{alias}}}}}").into());
        }
        Some(alias)
    }

    /// The body of the request.
    fn payload(&mut self, request: &Value, scope: &Scope<'_>) -> Part {
        let raw = &request["payload"];
        let is_json = request["contentType"]
            .as_str()
            .is_none_or(|kind| kind.contains("json"));
        // A template of JSON is read as the value that it is a template of.
        let parsed = raw
            .as_str()
            .filter(|text| is_json && text.trim_start().starts_with(['{', '[']));
        let parsed = parsed.and_then(|text| serde_json::from_str::<Value>(text).ok());
        let raw = parsed.as_ref().unwrap_or(raw);
        let part = self.values("requestBody", raw, scope);
        let mut value = part.to_value();
        let Some(replacements) = request["replacements"]
            .as_array()
            .filter(|list| !list.is_empty())
        else {
            return part;
        };
        for replacement in replacements {
            let target = replacement["target"].as_str().unwrap_or_default();
            let kind = &replacement["targetSelectorType"];
            let kind = kind
                .get("type")
                .unwrap_or(kind)
                .as_str()
                .unwrap_or("jsonpointer");
            let new = self
                .values("requestBody", &replacement["value"], scope)
                .to_value();
            let is_set = kind == "jsonpointer" && set(&mut value, &pointer(target), new);
            if !is_set {
                let target = quote(target, 120);
                self.fault(
                    "requestBody",
                    format!("the replacement of {target} cannot be made in this payload"),
                );
            }
        }
        Part::Template(value)
    }

    /// The retry policy that follows from the actions; the others have no counterpart.
    fn actions(&mut self) -> Value {
        let mut retry = Value::Null;
        for (field, around) in [
            ("onFailure", "failureActions"),
            ("onSuccess", "successActions"),
        ] {
            let own = self.step[field].as_array();
            let of_workflow = self.workflow[around].as_array();
            let list: Vec<Value> = own
                .or(of_workflow)
                .into_iter()
                .flatten()
                .filter_map(|action| reused(self.root, action))
                .collect();
            for action in list {
                self.action(field, &action, &mut retry);
            }
        }
        retry
    }

    fn action(&mut self, field: &'static str, action: &Value, retry: &mut Value) {
        let name = quote(action["name"].as_str().unwrap_or_default(), 80);
        let has_criteria = action["criteria"]
            .as_array()
            .is_some_and(|list| !list.is_empty());
        let target = ["stepId", "workflowId"]
            .iter()
            .find_map(|key| action[*key].as_str());
        let to = target.map_or_else(String::new, |target| format!(" {}", quote(target, 80)));
        match action["type"].as_str().unwrap_or_default() {
            "retry" if retry.is_null() => {
                let limit = action["retryLimit"].as_u64().unwrap_or(1).min(1_000);
                let after = action["retryAfter"].as_f64().filter(|s| *s >= 0.0).unwrap_or(0.0);
                *retry = json!({"retries": limit + 1, "backoff_s": after.min(86_400.0)});
                if has_criteria {
                    self.fault(field, format!("the criteria of the retry {name} have no counterpart: time limits, lost connections, 408, 409, 429, 5xx and expectations that do not hold are retried"));
                }
                if !to.is_empty() {
                    self.fault(field, format!("the retry {name} calls{to} before; that has no counterpart"));
                }
            }
            // It ends there anyway.
            "end" if field == "onFailure" || self.is_last => {}
            "end" => self.fault(field, format!("the action {name} ends the workflow; the steps after it need a `run_if` for that")),
            kind => {
                let kind = quote(kind, 40);
                self.fault(field, format!("the action {name} ({kind}{to}) has no counterpart: steps run in their order; give them a `run_if`, or a `trigger`"));
            }
        }
    }
}

/// Sets the value at a place, whose parents there have to be.
fn set(value: &mut Value, path: &[Segment], new: Value) -> bool {
    let Some((end, parents)) = path.split_last() else {
        *value = new;
        return true;
    };
    let mut at = value;
    for segment in parents {
        let next = match (at, segment) {
            (Value::Object(members), Segment::Field(name)) => members.get_mut(&**name),
            (Value::Object(members), Segment::Index(index)) => members.get_mut(&index.to_string()),
            (Value::Array(list), Segment::Index(index)) => usize::try_from(*index)
                .ok()
                .and_then(|index| list.get_mut(index)),
            _ => None,
        };
        let Some(next) = next else { return false };
        at = next;
    }
    match (at, end) {
        (Value::Object(members), Segment::Field(name)) => {
            drop(members.insert(name.to_string(), new));
        }
        (Value::Object(members), Segment::Index(index)) => {
            drop(members.insert(index.to_string(), new));
        }
        (Value::Array(list), Segment::Index(index)) => {
            let found = usize::try_from(*index)
                .ok()
                .and_then(|index| list.get_mut(index));
            let Some(found) = found else { return false };
            *found = new;
        }
        _ => return false,
    }
    true
}
