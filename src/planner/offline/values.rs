//! The values that a context or an output offers: the whole, its members, and the members of the elements of its lists.

use super::types::{properties, types};
use serde_json::Value;

/// The maximum depth of members that are offered.
const MAX_DEPTH: usize = 3;

/// A value that a parameter may take.
#[derive(Clone, Debug)]
pub(super) struct Offer<'s> {
    /// Its name: that of the member, else that of the whole.
    pub name: String,
    /// Whether it is a whole context value or a member; a whole output has only the name of its tool.
    pub is_named: bool,
    /// The path from the root, as `.items[0].name` without the element.
    pub path: String,
    /// Where it is a part of each element of a list: the path of that list. `path` then starts from the element.
    pub list: Option<String>,
    pub schema: &'s Value,
}

/// The values within `schema`.
pub(super) fn offers<'s>(name: &str, is_named: bool, schema: &'s Value) -> Vec<Offer<'s>> {
    let whole = Offer {
        name: name.to_owned(),
        is_named,
        path: String::new(),
        list: None,
        schema,
    };
    let mut all = vec![whole.clone()];
    members(&whole, 0, &mut all);
    all
}

fn members<'s>(of: &Offer<'s>, depth: usize, all: &mut Vec<Offer<'s>>) {
    if depth == MAX_DEPTH {
        return;
    }
    if types(of.schema).contains(&"array")
        && of.list.is_none()
        && let Some(items) = of.schema.get("items")
    {
        let element = Offer {
            path: String::new(),
            list: Some(of.path.clone()),
            schema: items,
            ..of.clone()
        };
        all.push(element.clone());
        members(&element, depth + 1, all);
        return;
    }
    for (name, schema) in properties(of.schema).into_iter().flatten() {
        // What a reference cannot spell is not offered.
        if !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let member = Offer {
            name: name.clone(),
            is_named: true,
            path: format!("{}.{name}", of.path),
            list: of.list.clone(),
            schema,
        };
        all.push(member.clone());
        members(&member, depth + 1, all);
    }
}

#[cfg(test)]
mod tests {
    use super::super::types::schema_of;
    use super::*;
    use serde_json::json;

    #[test]
    fn members_and_elements_are_offered_with_their_paths() {
        let schema = schema_of(&json!({"shop": {"name": "x"}, "lines": [{"price": 1}]}));
        let all = offers("receipt", true, &schema);
        let spelled: Vec<(&str, &str, Option<&str>)> = all
            .iter()
            .map(|one| (&*one.name, &*one.path, one.list.as_deref()))
            .collect();
        assert_eq!(
            spelled,
            [
                ("receipt", "", None),
                ("shop", ".shop", None),
                ("name", ".shop.name", None),
                ("lines", ".lines", None),
                ("lines", "", Some(".lines")),
                ("price", ".price", Some(".lines")),
            ]
        );
    }
}
