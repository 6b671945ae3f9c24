//! The descriptions of APIs that a document names, and the operations in them.

use crate::import::plans::place::Place;
use crate::import::plans::source::{Document, Source};
use crate::plan::read_data;
use crate::text::message::quote;
use crate::tools::catalog::open_api::{BodyAs, DescribedOperation, OperationName, described};
use serde_json::Value;

/// A source that a document names.
struct Api {
    name: String,
    is_arazzo: bool,
    /// The descriptions that it may be, or why there is none.
    documents: Result<Vec<Value>, String>,
}

/// The sources of a document.
pub(super) struct Apis(Vec<Api>);

impl Apis {
    /// Reads them: from the files that are given for them, else beside the document.
    pub(super) fn read(source: &Source<'_>, document: &Document) -> Self {
        let list = document.value["sourceDescriptions"].as_array();
        let all = list.into_iter().flatten().enumerate();
        Self(
            all.map(|(at, described)| {
                let place = Place::default().field("sourceDescriptions").item(at);
                api(source, described, &document.line(&place))
            })
            .collect(),
        )
    }

    /// The operation of a step, as a tool.
    ///
    /// # Errors
    /// Why there is none, and the remedy.
    pub(super) fn operation(
        &self,
        step: &Value,
        body: BodyAs<'_>,
    ) -> Result<DescribedOperation, String> {
        if let Some(id) = step["operationId"].as_str() {
            let named = id.strip_prefix("$sourceDescriptions.");
            let named = named.and_then(|rest| rest.split_once('.'));
            let id = named.map_or(id, |(_, id)| id);
            return self.found(named.map(|(name, _)| name), OperationName::Id(id), body, id);
        }
        let path = step["operationPath"].as_str().unwrap_or_default();
        let shown = || quote(path, 160);
        let wrong = || {
            format!(
                "the operation path {} is not \"{{$sourceDescriptions.NAME.url}}#/paths/~1PATH/METHOD\"",
                shown()
            )
        };
        let (api, pointer) = path.split_once('#').ok_or_else(wrong)?;
        let api = api.trim_matches(['{', '}', ' ']);
        let name = api.strip_prefix("$sourceDescriptions.");
        let name = name.map(|name| name.strip_suffix(".url").unwrap_or(name));
        let inner = pointer.strip_prefix("/paths/").ok_or_else(wrong)?;
        // The method may be left out where the path has only one.
        let (path, method) = inner.rsplit_once('/').unwrap_or((inner, ""));
        let path = path.replace("~1", "/").replace("~0", "~");
        let method = method.to_ascii_lowercase();
        let wanted = OperationName::At {
            path: &path,
            method: &method,
        };
        self.found(name, wanted, body, &format!("{method} {path}"))
    }

    fn found(
        &self,
        api: Option<&str>,
        wanted: OperationName<'_>,
        body: BodyAs<'_>,
        words: &str,
    ) -> Result<DescribedOperation, String> {
        let words = quote(words, 120);
        let mut why = Vec::new();
        let mut is_known = false;
        for one in &self.0 {
            if one.is_arazzo || api.is_some_and(|name| name != one.name) {
                continue;
            }
            is_known = true;
            match &one.documents {
                Err(fault) => why.push(fault.clone()),
                Ok(documents) => {
                    for document in documents {
                        match described(document, wanted, body) {
                            Ok(Some(found)) => return Ok(found),
                            Ok(None) => {}
                            Err(fault) => why.push(format!("the operation {words}: {fault}")),
                        }
                    }
                }
            }
        }
        if let Some(api) = api.filter(|_| !is_known) {
            return Err(format!(
                "no source description is called {}",
                quote(api, 80)
            ));
        }
        Err(if why.is_empty() {
            format!("no source description has the operation {words}")
        } else {
            why.join("; ")
        })
    }
}

fn api(source: &Source<'_>, described: &Value, line: &str) -> Api {
    let name = described["name"].as_str().unwrap_or_default().to_owned();
    let kind = described["type"].as_str().unwrap_or("openapi");
    let documents = match kind {
        "openapi" => documents(source, &name, described["url"].as_str().unwrap_or_default()),
        _ => Err(format!(
            "the source {} ({line}) is of the type {}, which cannot be called; \
             put a tool for this step in its place",
            quote(&name, 80),
            quote(kind, 40)
        )),
    };
    Api {
        name,
        is_arazzo: kind == "arazzo",
        documents,
    }
}

fn documents(source: &Source<'_>, name: &str, url: &str) -> Result<Vec<Value>, String> {
    let given = source.options.open_api;
    let read = |file: &str, text: &str| {
        read_data(text).map_err(|fault| format!("{}: {}", quote(file, 160), fault.message))
    };
    let own = given.iter().find(|(own, ..)| own.as_deref() == Some(name));
    if let Some((_, file, text)) = own {
        return Ok(vec![read(file, text)?]);
    }
    let shown = quote(url, 160);
    let is_remote = url.contains("://") || url.starts_with("//");
    let location = url.split('#').next().unwrap_or_default();
    let beside = if is_remote {
        Err("it lies elsewhere".to_owned())
    } else {
        (source.options.files)(location)
    };
    match beside {
        Ok(text) => Ok(vec![read(url, &text)?]),
        Err(why) => {
            let others = given.iter().filter(|(own, ..)| own.is_none());
            let others: Result<Vec<Value>, String> =
                others.map(|(_, file, text)| read(file, text)).collect();
            let others = others?;
            if others.is_empty() {
                let name = quote(name, 80);
                return Err(format!(
                    "the source {name} ({shown}) is not read: {why}; give its OpenAPI document with --openapi {name}=FILE"
                ));
            }
            Ok(others)
        }
    }
}
