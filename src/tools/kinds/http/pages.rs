//! Answers in pages: where the next one is, and what they come to together.

use crate::tools::fields::Fields;
use crate::tools::fields::type_name;
use crate::tools::kinds::jq::{JqRule, check_filter};
use crate::tools::template::plain;
use reqwest::Url;
use reqwest::header::{HeaderMap, LINK};
use serde_json::{Map, Value};
use std::sync::Arc;

const FIELD: &str = "pages";

/// How many pages are asked for where the catalog does not say.
const DEFAULT_MAX: u32 = 100;

/// The word that stands for the header `Link`.
const LINK_WORD: &str = "link";

/// The pages of an answer, as the catalog says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pages {
    /// A jq filter over an answer that gives the next page, or `link`.
    pub next: Arc<str>,
    /// The most pages of one call.
    pub max: u32,
}

/// Reads the field.
pub(super) fn pages(fields: &mut Fields<'_>) -> Option<Pages> {
    let mut members = fields.object(FIELD)?;
    let max = match members.shift_remove("max") {
        None => DEFAULT_MAX,
        Some(max) => match max.as_u64().and_then(|max| u32::try_from(max).ok()) {
            Some(max) if max > 0 => max,
            _ => {
                fields.fault(FIELD, "`pages.max` must be a whole number from 1");
                return None;
            }
        },
    };
    let Some(Value::String(next)) = members.shift_remove("next") else {
        fields.fault(
            FIELD,
            "`pages` needs `next`: a jq filter over the answer that gives the address of the next page, an object of its \
             query parameters, or null; or `link` for the header Link",
        );
        return None;
    };
    if let Some(other) = members.keys().next() {
        let other = crate::text::message::quote(other, 60);
        fields.fault(
            FIELD,
            format!("`pages` has no \"{other}\", only `next` and `max`"),
        );
    }
    if next != LINK_WORD {
        check_filter(fields, "pages.next", &next);
    }
    Some(Pages {
        next: next.into(),
        max,
    })
}

/// How the next page is found.
pub(super) enum Next {
    /// By the header `Link`.
    Link,
    /// By a filter over the answer.
    Filter(JqRule),
}

impl Next {
    pub(super) fn of(pages: &Pages) -> Result<Self, crate::tools::definition::BuildError> {
        if &*pages.next == LINK_WORD {
            return Ok(Self::Link);
        }
        Ok(Self::Filter(JqRule::new(&pages.next)?))
    }
}

/// The address of the next page by the header `Link`, after the page at `current`.
pub(super) fn linked(headers: &HeaderMap, current: &Url) -> Result<Option<Url>, String> {
    let links = headers.get_all(LINK).iter();
    let texts = links.filter_map(|link| link.to_str().ok());
    let next = texts.flat_map(split_links).find(|link| is_next(link));
    let address = next.and_then(|link| link.trim().strip_prefix('<')?.split_once('>'));
    address.map_or(Ok(None), |(address, _)| {
        same_host(current, address).map(Some)
    })
}

/// The links of one header: a comma inside of an address separates none.
fn split_links(text: &str) -> Vec<&str> {
    let mut links = Vec::new();
    let (mut start, mut inside) = (0, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '<' => inside = true,
            '>' => inside = false,
            ',' if !inside => {
                links.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    links.push(&text[start..]);
    links
}

fn is_next(link: &str) -> bool {
    let parameters = link.split_once('>').map_or("", |(_, rest)| rest);
    parameters.split(';').any(|parameter| {
        let Some((name, value)) = parameter.split_once('=') else {
            return false;
        };
        let value = value.trim().trim_matches('"');
        let mut relations = value.split_whitespace();
        name.trim().eq_ignore_ascii_case("rel")
            && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
    })
}

/// The address of the next page by what the filter gives, after the page at `current`.
pub(super) fn found(next: &Value, current: &Url) -> Result<Option<Url>, String> {
    match next {
        Value::Null | Value::Bool(false) => Ok(None),
        Value::String(address) if address.is_empty() => Ok(None),
        Value::String(address) => same_host(current, address).map(Some),
        Value::Object(query) => Ok(Some(with_query(current, query))),
        other => Err(format!(
            "`pages.next` gives {}; it must give an address, an object of query parameters, or null",
            type_name(other)
        )),
    }
}

/// What was meant for one host does not go to another.
fn same_host(current: &Url, address: &str) -> Result<Url, String> {
    let quoted = || crate::text::message::quote(address, 200);
    let next = current.join(address).map_err(|_| {
        format!(
            "the address of the next page, \"{}\", is not valid",
            quoted()
        )
    })?;
    if next.origin() == current.origin() {
        Ok(next)
    } else {
        Err(format!(
            "the next page is on another host (\"{}\"), where the request must not go",
            quoted()
        ))
    }
}

/// The address with these parameters in place of those of the same names.
fn with_query(current: &Url, query: &Map<String, Value>) -> Url {
    let kept = current.query_pairs();
    let kept: Vec<(String, String)> = kept
        .filter(|(name, _)| !query.contains_key(&**name))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let given = query.iter().filter(|(_, value)| !value.is_null());
    let given = given.map(|(name, value)| (name.clone(), plain(value)));
    let mut next = current.clone();
    next.query_pairs_mut()
        .clear()
        .extend_pairs(kept.into_iter().chain(given));
    next
}

/// What pages come to: one list where each is a list, else a list of the pages.
pub(super) fn joined(pages: Vec<Value>) -> Value {
    if !pages.iter().all(Value::is_array) {
        return Value::Array(pages);
    }
    let items = pages.into_iter().flat_map(|page| match page {
        Value::Array(items) => items,
        _ => Vec::new(),
    });
    Value::Array(items.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;
    use serde_json::json;

    fn current() -> Url {
        "http://h:1/a/list?page=1&q=x%20y".parse().unwrap()
    }

    #[test]
    fn the_next_page_is_an_address_or_its_parameters() {
        let next = |value: Value| found(&value, &current()).map(|url| url.map(String::from));
        assert_eq!(next(json!(null)), Ok(None));
        assert_eq!(next(json!("")), Ok(None));
        assert_eq!(
            next(json!("?page=2")),
            Ok(Some("http://h:1/a/list?page=2".into()))
        );
        assert_eq!(next(json!("/b")), Ok(Some("http://h:1/b".into())));
        let given = next(json!({"page": 2, "gone": null}));
        assert_eq!(given, Ok(Some("http://h:1/a/list?q=x+y&page=2".into())));
        for elsewhere in [
            "http://other/b",
            "//other/b",
            "https://h:1/b",
            "http://h:2/",
        ] {
            let refused = next(json!(elsewhere)).unwrap_err();
            assert!(refused.contains("another host"), "{refused}");
        }
        assert!(next(json!(3)).unwrap_err().contains("gives a number"));
    }

    #[test]
    fn the_header_link_names_the_next_page() {
        let next = |link: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(LINK, HeaderValue::from_str(link).unwrap());
            linked(&headers, &current()).unwrap().map(String::from)
        };
        let both =
            r#"<http://h:1/a?p=1,2>; rel="prev", <http://h:1/a?p=3>; title="x"; rel="last next""#;
        assert_eq!(next(both), Some("http://h:1/a?p=3".into()));
        assert_eq!(next("</a?p=9>; REL=next"), Some("http://h:1/a?p=9".into()));
        assert_eq!(next(r#"<http://h:1/a>; rel="nextish""#), None);
        assert_eq!(next("nonsense"), None);
    }

    #[test]
    fn lists_become_one() {
        assert_eq!(
            joined(vec![json!([1]), json!([]), json!([2])]),
            json!([1, 2])
        );
        assert_eq!(joined(vec![json!([1]), json!({})]), json!([[1], {}]));
    }
}
