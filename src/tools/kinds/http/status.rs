//! The statuses of an answer that are a success.

use crate::tools::fields::Fields;
use serde_json::Value;
use std::ops::RangeInclusive;

const FIELD: &str = "status";

/// Statuses, as ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statuses(Vec<RangeInclusive<u16>>);

impl Statuses {
    pub(super) fn has(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }

    /// The ranges as a catalog has them.
    pub(super) fn in_words(&self) -> Vec<String> {
        let range = |range: &RangeInclusive<u16>| format!("{}-{}", range.start(), range.end());
        self.0.iter().map(range).collect()
    }
}

/// Reads `status`: a status, or a list of statuses and of ranges such as `400-499`.
pub(super) fn statuses(fields: &mut Fields<'_>) -> Option<Statuses> {
    let given = match fields.take(FIELD)? {
        Value::Array(list) => list,
        one => vec![one],
    };
    let ranges: Option<Vec<_>> = given.iter().map(range).collect();
    let ranges = ranges.filter(|ranges| !ranges.is_empty());
    if ranges.is_none() {
        let wanted = "`status` must be a list of statuses (404) and ranges of them (\"400-499\"), from 100 to 599; redirects are followed";
        fields.fault(FIELD, wanted);
    }
    ranges.map(Statuses)
}

fn range(value: &Value) -> Option<RangeInclusive<u16>> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    let (from, to) = text.split_once('-').unwrap_or((&text, &text));
    let bound = |text: &str| -> Option<u16> {
        let status = text.trim().parse().ok()?;
        (100..600).contains(&status).then_some(status)
    };
    let (from, to) = (bound(from)?, bound(to)?);
    (from <= to).then_some(from..=to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(status: Value) -> Result<Statuses, String> {
        let mut object = serde_json::Map::new();
        object.insert(FIELD.to_owned(), status);
        let mut fields = Fields::new(object, None);
        statuses(&mut fields).ok_or_else(|| fields.faults[0].1.clone())
    }

    #[test]
    fn statuses_are_numbers_and_ranges() {
        let some = read(json!([201, "404", "500-503"])).unwrap();
        for (status, is_in) in [
            (200, false),
            (201, true),
            (404, true),
            (502, true),
            (504, false),
        ] {
            assert_eq!(some.has(status), is_in, "{status}");
        }
        assert!(read(json!(204)).unwrap().has(204));
        for wrong in [
            json!([]),
            json!([99]),
            json!("503-500"),
            json!([true]),
            json!("2xx"),
        ] {
            let fault = read(wrong.clone()).unwrap_err();
            assert!(fault.contains("400-499"), "{wrong}: {fault}");
        }
    }
}
