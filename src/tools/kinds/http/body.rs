//! The body of a request: JSON, text, or a form where the catalog says so.

use super::query::add_query;
use crate::tools::fields::type_name;
use crate::tools::secrets::percent_encode;
use crate::tools::template::{TemplateError, TemplateRenderer, is_whole_reference};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;

/// The content type of a form.
const FORM: &str = "application/x-www-form-urlencoded";

/// Whether a content type is that of a form.
pub(super) fn is_form_type(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(FORM)
}

/// Whether headers say that the body is a form.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE);
    content_type.is_some_and(|value| value.to_str().is_ok_and(is_form_type))
}

/// Whether the body is JSON: headers say so, or nothing else.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    content_type.is_none_or(|content_type| {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json") || essence.ends_with("+json")
    })
}

/// The body with its parameters inserted. Inside the text of a form they are encoded, so that none adds a field.
pub(super) fn render(
    template: &Value,
    is_form: bool,
    renderer: &mut TemplateRenderer<'_>,
) -> Result<Value, TemplateError> {
    match template {
        Value::String(text) if is_form && !is_whole_reference(text) => {
            renderer.text(text, percent_encode).map(Value::String)
        }
        other => renderer.value(other),
    }
}

/// A JSON body, and its content type unless the headers have one.
pub(super) fn json(headers: &mut HeaderMap, content: &Value) -> String {
    headers
        .entry(CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/json"));
    content.to_string()
}

/// A form with the members of an object as its fields. As in a query, a list of plain values repeats its field, and
/// `null` is left out.
pub(super) fn form(content: &Value) -> Result<String, String> {
    let mut fields = Vec::new();
    match content {
        Value::Object(members) => {
            for (name, value) in members {
                add_query(&mut fields, name, value);
            }
        }
        Value::Null => {}
        other => {
            return Err(format!(
                "the body of a form must be an object or text, and this is {}",
                type_name(other)
            ));
        }
    }
    let mut form = form_urlencoded::Serializer::new(String::new());
    Ok(form.extend_pairs(fields).finish())
}
