//! The credentials of operations: variables of the environment.

use super::parameters::Place;
use super::{Document, plain_name};
use serde_json::Value;

/// The name of a variable after a text.
pub(super) fn variable_of(text: &str) -> String {
    let mut name = String::new();
    let mut before = ' ';
    for letter in plain_name(text).chars() {
        if letter.is_ascii_uppercase() && before.is_ascii_lowercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
        before = letter;
    }
    name
}

/// What the credentials of an operation are, and where they stand: the first of the alternatives that is supported.
pub(super) fn schemes(
    document: &Document<'_>,
    operation: &Value,
    warnings: &mut Vec<String>,
) -> Vec<(Place, String, String)> {
    let own = operation
        .get("security")
        .or_else(|| document.root.get("security"));
    let alternatives: Vec<&Value> = own
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .collect();
    let is_optional = alternatives
        .iter()
        .any(|one| one.as_object().is_some_and(serde_json::Map::is_empty));
    if is_optional {
        return Vec::new();
    }
    for alternative in &alternatives {
        let names = alternative.as_object().into_iter().flatten();
        let all: Option<Vec<_>> = names.map(|(name, _)| scheme(document, name)).collect();
        if let Some(all) = all {
            return all;
        }
    }
    if !alternatives.is_empty() {
        warnings.push("how it is authorized is not supported; give the headers or `tls` in a catalog of your own".to_owned());
    }
    Vec::new()
}

fn scheme(document: &Document<'_>, name: &str) -> Option<(Place, String, String)> {
    let schemes = &document.root["components"]["securitySchemes"];
    let scheme = document.resolve(schemes.get(name)?).ok()?;
    let own = variable_of(name);
    let variable = match (&*document.prefix, &*own) {
        ("", own) => own.to_owned(),
        (prefix, own) => format!("{prefix}_{own}"),
    };
    let value = format!("${{{variable}}}");
    let authorization = |word: &str| {
        Some((
            Place::Header,
            "authorization".to_owned(),
            format!("{word} {value}"),
        ))
    };
    match scheme["type"].as_str()? {
        "http" => match &*scheme["scheme"].as_str()?.to_ascii_lowercase() {
            "bearer" => authorization("Bearer"),
            "basic" => authorization("Basic"),
            _ => None,
        },
        "oauth2" | "openIdConnect" => authorization("Bearer"),
        "apiKey" => {
            let place = Place::of(scheme).filter(|place| *place != Place::Path)?;
            Some((place, scheme["name"].as_str()?.to_owned(), value))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_named_after_the_document_and_the_scheme() {
        assert_eq!(
            variable_of("Swagger Petstore - 3.0"),
            "SWAGGER_PETSTORE_3_0"
        );
        assert_eq!(variable_of("bearerAuth"), "BEARER_AUTH");
        assert_eq!(variable_of("api_key"), "API_KEY");
        assert_eq!(variable_of("2nd"), "_2ND");
        assert_eq!(variable_of("…"), "");
    }
}
