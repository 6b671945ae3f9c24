//! One operation as an `http` tool.

use super::parameters::{Parameters, Place};
use super::{Document, add_sentence, plain_name, schemas, security};
use serde_json::{Map, Value, json};

/// The header by which a server recognizes a call that is made again.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The extension with which a document gives fields of the catalog.
const EXTENSION: &str = "x-plandeck";

/// Content types of bodies, the ones that say most first.
const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data";

/// An operation of a document.
pub(super) struct Operation<'a> {
    pub document: &'a Document<'a>,
    pub method: &'static str,
    pub path: &'a str,
    /// The item of the path that it belongs to.
    pub item: &'a Value,
    pub raw: &'a Value,
    pub body: BodyAs<'a>,
}

/// How the body of an operation is given.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BodyAs<'a> {
    /// As its fields where it has plain ones, else as the parameter `body`.
    Fields,
    /// As the parameter `body`, in this content type where one is named.
    Whole(Option<&'a str>),
    /// Not at all.
    Nothing,
}

/// The parameter that is a body as a whole.
const BODY: &str = "body";

/// A tool, as a catalog has it, and what its parameters are called there.
pub(super) struct Made {
    pub tool: Map<String, Value>,
    /// The place of each (`path`, `query`, `header`, `cookie`), its name in the document, and the one that the tool has.
    pub names: Vec<(&'static str, String, String)>,
    /// The name that the tool has for the body as a whole.
    pub body: Option<String>,
}

impl<'a> Operation<'a> {
    /// Its `operationId`, else its method and path.
    pub(super) fn name(&self) -> String {
        let given = self.raw["operationId"].as_str().map(str::trim);
        let given = given.filter(|id| !id.is_empty()).map(str::to_owned);
        given.unwrap_or_else(|| plain_name(&format!("{} {}", self.method, self.path)))
    }

    /// The tool, as a catalog has it.
    pub(super) fn tool(&self, warnings: &mut Vec<String>) -> Result<Made, String> {
        let mut parameters = Parameters::default();
        let mut names = Vec::new();
        let mut tool = Map::new();
        let mut headers = Map::new();
        let mut query = Map::new();
        let mut cookies = Vec::new();
        for parameter in self.parameters()? {
            let name = parameter["name"]
                .as_str()
                .ok_or("a parameter has no name")?;
            let place = Place::of(parameter).ok_or_else(|| {
                format!("the parameter \"{name}\" is `in` a place that is not known")
            })?;
            if place == Place::Header && name.eq_ignore_ascii_case(IDEMPOTENCY_KEY) {
                // Every call has a key, and this server looks at it.
                tool.insert("recover".to_owned(), json!({"key": true}));
                continue;
            }
            let of_the_request = ["accept", "content-type", "authorization"];
            if place == Place::Header && of_the_request.contains(&&*name.to_ascii_lowercase()) {
                continue;
            }
            let schema = match parameter.get("schema") {
                Some(schema) => schemas::copied(self.document, schema)?,
                None => schemas::Schema::default(),
            };
            if let Some(warning) = place.unsupported_style(parameter) {
                warnings.push(format!("the parameter \"{name}\" {warning}"));
            }
            let alias = parameters.add(name, parameter, schema, place == Place::Path);
            let reference = format!("{{{{{alias}}}}}");
            names.push((place.word(), name.to_owned(), alias));
            match place {
                Place::Path => parameters.in_path(name, &reference),
                Place::Query => drop(query.insert(name.to_owned(), reference.into())),
                Place::Header => drop(headers.insert(name.to_owned(), reference.into())),
                Place::Cookie => cookies.push(format!("{name}={reference}")),
            }
        }
        let body = self.body(&mut parameters, &mut tool, &mut headers)?;
        let schemes = security::schemes(self.document, self.raw, warnings);
        for (place, name, value) in schemes {
            match place {
                Place::Query => drop(query.insert(name, value.into())),
                Place::Cookie => cookies.push(format!("{name}={value}")),
                Place::Header | Place::Path => drop(headers.insert(name, value.into())),
            }
        }
        if !cookies.is_empty() {
            headers.insert("cookie".to_owned(), cookies.join("; ").into());
        }
        tool.insert("name".to_owned(), self.name().into());
        tool.insert("type".to_owned(), "http".into());
        tool.insert("description".to_owned(), self.description().into());
        tool.insert("method".to_owned(), self.method.to_ascii_uppercase().into());
        let path = parameters.path(self.path)?;
        tool.insert("url".to_owned(), format!("{}{path}", self.server()?).into());
        if matches!(self.method, "put" | "delete") {
            tool.insert("idempotent".to_owned(), true.into());
        }
        if !headers.is_empty() {
            tool.insert("headers".to_owned(), headers.into());
        }
        if !query.is_empty() {
            tool.insert("query".to_owned(), query.into());
        }
        tool.insert(
            "input_schema".to_owned(),
            parameters.schema(self.document, warnings)?,
        );
        if let Some(output) = self.output()? {
            match output.whole(self.document)? {
                Some(output) => drop(tool.insert("output_schema".to_owned(), output)),
                None => warnings.push(
                    "the schema of its answer is too large, or not valid, and is left out"
                        .to_owned(),
                ),
            }
        }
        if let Some(own) = self.raw.get(EXTENSION).and_then(Value::as_object) {
            tool.extend(own.clone());
        }
        Ok(Made { tool, names, body })
    }

    fn description(&self) -> String {
        let mut text = String::new();
        if self.raw["deprecated"] == true {
            add_sentence(&mut text, "Deprecated");
        }
        for field in ["summary", "description"] {
            let sentence = self.raw[field].as_str().unwrap_or_default();
            if !text.contains(sentence) {
                add_sentence(&mut text, sentence);
            }
        }
        text
    }

    /// The parameters of the path's item, and its own in place of those.
    fn parameters(&self) -> Result<Vec<&'a Value>, String> {
        let mut all: Vec<&Value> = Vec::new();
        for list in [self.item, self.raw] {
            for parameter in list["parameters"].as_array().into_iter().flatten() {
                let parameter = self.document.resolve(parameter)?;
                let is_same = |other: &&Value| {
                    other["name"] == parameter["name"] && other["in"] == parameter["in"]
                };
                match all.iter().position(is_same) {
                    Some(at) => all[at] = parameter,
                    None => all.push(parameter),
                }
            }
        }
        Ok(all)
    }

    /// The address that the path follows.
    fn server(&self) -> Result<String, String> {
        let places = [self.raw, self.item, self.document.root];
        let server = places
            .iter()
            .find_map(|place| place["servers"].as_array()?.first());
        let address = server.and_then(|server| {
            let mut address = server["url"].as_str()?.to_owned();
            for (name, variable) in server["variables"].as_object().into_iter().flatten() {
                let value = variable["default"].as_str().unwrap_or_default();
                address = address.replace(&format!("{{{name}}}"), value);
            }
            Some(address)
        });
        let is_absolute = |address: &String| {
            address.starts_with("http://")
                || address.starts_with("https://")
                || address.starts_with("${")
        };
        let address = address.filter(is_absolute).ok_or(
            "the document does not say where its server is: give `servers` an address that begins with https://",
        )?;
        Ok(address.trim_end_matches('/').to_owned())
    }

    /// Adds what the body needs.
    fn body(
        &self,
        parameters: &mut Parameters,
        tool: &mut Map<String, Value>,
        headers: &mut Map<String, Value>,
    ) -> Result<Option<String>, String> {
        let none = Map::new();
        let body = match (self.raw.get("requestBody"), self.body) {
            (_, BodyAs::Nothing) | (None, BodyAs::Fields) => return Ok(None),
            (Some(body), _) => self.document.resolve(body)?,
            (None, BodyAs::Whole(_)) => &Value::Null,
        };
        let content = body["content"].as_object().unwrap_or(&none);
        if content.is_empty() && matches!(self.body, BodyAs::Fields) {
            return Ok(None);
        }
        let find = |wanted: &dyn Fn(&str) -> bool| {
            let mut types = content.iter();
            types.find(|(name, _)| wanted(essence(name)))
        };
        let chosen = find(&is_json)
            .or_else(|| find(&|name| name == FORM))
            .or_else(|| find(&|name| name == MULTIPART))
            .or_else(|| content.iter().next());
        let named = match self.body {
            BodyAs::Whole(Some(named)) => {
                let described = find(&|name| name == essence(named));
                Some(described.map_or((named, &Value::Null), |(name, media)| (&**name, media)))
            }
            _ => None,
        };
        let chosen = named.or_else(|| chosen.map(|(name, media)| (&**name, media)));
        let (content_type, media) = chosen.unwrap_or(("application/json", &Value::Null));
        let is_required = body["required"] == true;
        let schema = match media.get("schema") {
            Some(schema) => schemas::copied(self.document, schema)?,
            None => schemas::Schema::default(),
        };
        let content_type = essence(content_type);
        if content_type != "application/json" {
            headers.insert("content-type".to_owned(), content_type.into());
        }
        let has_fields = is_json(content_type) || [FORM, MULTIPART].contains(&content_type);
        let carries_the_rest = matches!(self.method, "post" | "put" | "patch");
        let may_have_fields = matches!(self.body, BodyAs::Fields);
        if may_have_fields
            && has_fields
            && carries_the_rest
            && parameters.take_fields(&schema, is_required)
        {
            return Ok(None);
        }
        let alias = parameters.add(BODY, body, schema, is_required);
        tool.insert(BODY.to_owned(), format!("{{{{{alias}}}}}").into());
        Ok(Some(alias))
    }

    /// The schema of the JSON that it answers with.
    fn output(&self) -> Result<Option<schemas::Schema>, String> {
        let responses = self.raw["responses"].as_object().into_iter().flatten();
        let success = responses.filter(|(status, _)| status.starts_with('2'));
        for (_, response) in success {
            let response = self.document.resolve(response)?;
            let content = response["content"].as_object().into_iter().flatten();
            let mut json = content.filter(|(name, _)| is_json(essence(name)));
            let schema = json.find_map(|(_, media)| media.get("schema"));
            if let Some(schema) = schema {
                return schemas::copied(self.document, schema).map(Some);
            }
        }
        Ok(None)
    }
}

/// A content type without its parameters.
fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

fn is_json(content_type: &str) -> bool {
    content_type == "application/json" || content_type.ends_with("+json")
}
