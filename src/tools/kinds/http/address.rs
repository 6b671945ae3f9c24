//! The address of a request, with the parameters of the call in it.

use crate::text::message::quote;
use crate::tools::secrets::percent_encode;
use crate::tools::template::TemplateRenderer;

/// The address. Every parameter stays in its place: it is percent-encoded, and one that makes a segment of the path
/// `.` or `..`, which no encoding keeps from being resolved, is an error. A parameter at the beginning is the base
/// address itself and is inserted as it is.
pub(super) fn render(
    template: &str,
    renderer: &mut TemplateRenderer<'_>,
) -> Result<String, String> {
    let missing = |error| format!("in `url`: {error}");
    let (base, rest) = split_base(template);
    let base = renderer.text(base, str::to_owned).map_err(missing)?;
    // What the template, its base and the environment have of such segments by themselves is intended.
    let harmless = renderer.text(rest, |_| "x".to_owned()).map_err(missing)?;
    let rest = renderer.text(rest, percent_encode).map_err(missing)?;
    let address = format!("{base}{rest}");
    let intended = dot_segments(&format!("{base}{harmless}")).count();
    if let Some(segment) = dot_segments(&address).nth(intended) {
        return Err(format!(
            "in `url`: the parameters make the segment \"{}\" of the path, which leads out of its place",
            quote(segment, 20)
        ));
    }
    Ok(address)
}

/// The parameter at the beginning of a template, and the rest.
fn split_base(template: &str) -> (&str, &str) {
    let end = template.find("}}").filter(|_| template.starts_with("{{"));
    template.split_at(end.map_or(0, |end| end + 2))
}

/// The segments of an address's path that are resolved before it is requested.
fn dot_segments(address: &str) -> impl Iterator<Item = &str> {
    let (_, after_scheme) = address.split_once("://").unwrap_or(("", address));
    let end = after_scheme.find(['?', '#']).unwrap_or(after_scheme.len());
    let segments = after_scheme[..end].split(['/', '\\']).skip(1);
    segments.filter(|segment| {
        let segment = segment.to_ascii_lowercase().replace("%2e", ".");
        segment == "." || segment == ".."
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Environment;
    use crate::tools::template::Missing;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn rendered(template: &str, input: &Value) -> Result<String, String> {
        let environment: Environment =
            Arc::new(|name| (name == "ROOT").then(|| "http://h/v1/../v2".to_owned()));
        let input = input.as_object().unwrap();
        let mut renderer =
            TemplateRenderer::new(input, Missing::Error).with_environment(&environment);
        render(template, &mut renderer)
    }

    #[test]
    fn no_parameter_leaves_its_segment() {
        let template = "http://h/users/{{id}}/items";
        for (id, segment) in [
            ("a/b", "a%2Fb"),
            ("../x", "..%2Fx"),
            ("a?b#c", "a%3Fb%23c"),
            ("%2e%2e", "%252e%252e"),
            ("..\\..", "..%5C.."),
            ("...", "..."),
            ("a..b", "a..b"),
        ] {
            let address = rendered(template, &json!({"id": id})).unwrap();
            assert_eq!(address, format!("http://h/users/{segment}/items"));
            let parsed: reqwest::Url = address.parse().unwrap();
            assert_eq!(parsed.path().matches('/').count(), 3, "{address}");
        }
        for (template, id) in [
            (template, ".."),
            (template, "."),
            ("http://h/users/.{{id}}", "."),
            ("http://h/users/{{id}}%2e/x", "."),
            ("http://h/users/{{id}}{{id}}?all", "."),
            ("{{base}}/users/{{id}}", ".."),
            ("${ROOT}/users/{{id}}", ".."),
            ("http://h\\{{id}}\\x", ".."),
        ] {
            let input = json!({"id": id, "base": "http://h/a/../b"});
            let error = rendered(template, &input).unwrap_err();
            assert!(error.contains("out of its place"), "{template}: {error}");
        }
    }

    #[test]
    fn what_is_no_parameter_is_left_alone() {
        let input = json!({"id": "..", "base": "http://h/a/../b", "at": "x/y"});
        for (template, address) in [
            ("{{base}}/c/{{at}}", "http://h/a/../b/c/x%2Fy"),
            ("${ROOT}/c", "http://h/v1/../v2/c"),
            ("http://h/a?up={{id}}", "http://h/a?up=.."),
            ("http://h/a/v{{id}}", "http://h/a/v.."),
        ] {
            assert_eq!(rendered(template, &input).unwrap(), address);
        }
    }
}
