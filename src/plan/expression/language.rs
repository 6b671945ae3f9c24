//! The language of expressions: Jinja's filters, tests and functions, the string methods of Python that Jinja's
//! users know, and operators that compare only what can be compared.

use super::order;
use minijinja::value::{Kwargs, Rest, Value, ValueKind, from_args};
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior, filters, tests};
use minijinja_contrib::pycompat::unknown_method_callback;
use std::sync::LazyLock;

/// The maximum of virtual machine steps of one evaluation.
const FUEL: u64 = 200_000;

/// The longest text that `zfill` makes.
const MAX_ZEROS: usize = 10_000;

/// The function that comparisons for an order are compiled to: operands and signs in turn.
pub(super) const COMPARE: &str = "__compare";
/// The function that `in` is compiled to.
pub(super) const IN: &str = "__in";
/// The function that the call of a method is compiled to: the value, the name, the arguments.
pub(super) const METHOD: &str = "__method";

/// The methods that values have.
pub(super) const METHODS: &[&str] = &[
    "capitalize",
    "count",
    "endswith",
    "find",
    "format",
    "get",
    "isalnum",
    "isalpha",
    "isascii",
    "isdigit",
    "islower",
    "isnumeric",
    "isspace",
    "isupper",
    "items",
    "join",
    "keys",
    "lower",
    "lstrip",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "title",
    "upper",
    "values",
    "zfill",
];

/// The functions of the language.
pub(super) const FUNCTIONS: &[&str] = &["dict", "namespace", "range"];

/// The filters of the language.
pub(super) const FILTERS: &[&str] = &[
    "abs",
    "attr",
    "batch",
    "bool",
    "capitalize",
    "chain",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "first",
    "float",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "pprint",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
    "zip",
];

/// The tests of the language, after `is`.
pub(super) const TESTS: &[&str] = &[
    "boolean",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "equalto",
    "escaped",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "int",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "nothing",
    "number",
    "odd",
    "safe",
    "sameas",
    "sequence",
    "startingwith",
    "string",
    "test",
    "true",
    "undefined",
    "upper",
];

/// Filters, tests and functions of the language, and nothing else: no templates, no files, no environment.
pub(super) static LANGUAGE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(50);
    environment.remove_global("debug");
    environment.add_function(COMPARE, compare);
    environment.add_function(IN, is_in);
    environment.add_function(METHOD, method);
    // Jinja distinguishes undefined from `none`; `== null` means both.
    environment.add_test("nothing", |value: &Value| {
        value.is_none() || value.is_undefined()
    });
    for (sign, names) in [
        ("<", ["<", "lt", "lessthan"].as_slice()),
        ("<=", &["<=", "le"]),
        (">", &[">", "gt", "greaterthan"]),
        (">=", &[">=", "ge"]),
    ] {
        for name in names {
            environment.add_test(*name, move |a: &Value, b: &Value| order::holds(a, sign, b));
        }
    }
    environment.add_test("in", is_in);
    environment.add_filter("sort", |state: &State, value: Value, options: Kwargs| {
        check_order("sort", &value, &options)?;
        filters::sort(state, value, options)
    });
    environment.add_filter("min", |state: &State, value: Value, options: Kwargs| {
        check_order("min", &value, &options)?;
        filters::min(state, value, options)
    });
    environment.add_filter("max", |state: &State, value: Value, options: Kwargs| {
        check_order("max", &value, &options)?;
        filters::max(state, value, options)
    });
    environment.add_filter(
        "groupby",
        |value: Value, attribute: Option<String>, options: Kwargs| {
            let path = attribute
                .clone()
                .or_else(|| options.peek("attribute").ok())
                .unwrap_or_default();
            order::check_all("groupby", &parts(&value, &path))?;
            filters::groupby(value, attribute.as_deref(), options)
        },
    );
    environment.add_filter("dictsort", |value: &Value, options: Kwargs| {
        if options.peek("by").is_ok_and(|by: &str| by == "value")
            && let Some(object) = value.as_object()
        {
            let values: Vec<Value> = object
                .try_iter_pairs()
                .into_iter()
                .flatten()
                .map(|(_, value)| value)
                .collect();
            order::check_all("dictsort", &values)?;
        }
        filters::dictsort(value, options)
    });
    environment
});

/// `a < b`, and `a < b <= c` as far as it holds.
fn compare(state: &State, Rest(parts): Rest<Value>) -> Result<bool, Error> {
    let mut parts = parts.iter();
    let mut left = parts.next();
    while let (Some(a), Some(sign), Some(b)) = (left, parts.next(), parts.next()) {
        let holds = match sign.as_str().unwrap_or_default() {
            "==" => a == b,
            "!=" => a != b,
            "in" => is_in(state, a, b)?,
            "not in" => !is_in(state, a, b)?,
            sign => order::holds(a, sign, b)?,
        };
        if !holds {
            return Ok(false);
        }
        left = Some(b);
    }
    Ok(true)
}

/// Whether a text contains another, a list an element, an object a name.
fn is_in(state: &State, value: &Value, container: &Value) -> Result<bool, Error> {
    match (container.kind(), value.kind()) {
        (ValueKind::String, ValueKind::String) => {}
        (ValueKind::String, ValueKind::Undefined) => return Ok(false),
        (ValueKind::String, other) => {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                format!(
                    "`in` looks for {} in text; convert it with `|string`",
                    order::name(other)
                ),
            ));
        }
        (ValueKind::Map | ValueKind::Seq | ValueKind::Iterable | ValueKind::Undefined, _) => {}
        (other, _) => {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                format!(
                    "`in` needs text, a list or an object, not {}",
                    order::name(other)
                ),
            ));
        }
    }
    tests::is_in(state, value, container)
}

/// A method of a value. It is called past the value's own members, so that an object with the member `items` still
/// has the method.
fn method(
    state: &mut State,
    value: &Value,
    name: &str,
    Rest(arguments): Rest<Value>,
) -> Result<Value, Error> {
    if let Some(all) = value.as_str() {
        match name {
            "removeprefix" => {
                let (prefix,): (&str,) = from_args(&arguments)?;
                return Ok(Value::from(all.strip_prefix(prefix).unwrap_or(all)));
            }
            "removesuffix" => {
                let (suffix,): (&str,) = from_args(&arguments)?;
                return Ok(Value::from(all.strip_suffix(suffix).unwrap_or(all)));
            }
            "zfill" => {
                let (width,): (usize,) = from_args(&arguments)?;
                return Ok(Value::from(zero_filled(all, width.min(MAX_ZEROS))));
            }
            _ => {}
        }
    }
    unknown_method_callback(state, value, name, &arguments).map_err(|error| {
        if error.kind() == ErrorKind::UnknownMethod {
            let what = order::name(value.kind());
            Error::new(
                ErrorKind::UnknownMethod,
                format!("{what} has no method `{name}`"),
            )
        } else {
            error
        }
    })
}

fn zero_filled(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.chars().count());
    let sign = text.len() - text.strip_prefix(['-', '+']).unwrap_or(text).len();
    format!("{}{}{}", &text[..sign], "0".repeat(missing), &text[sign..])
}

/// Refuses to order elements of kinds that have no order, by the option `attribute` where it is given.
fn check_order(filter: &str, value: &Value, options: &Kwargs) -> Result<(), Error> {
    let attribute: Option<&str> = options.peek("attribute").ok();
    for path in attribute.unwrap_or_default().split(',') {
        order::check_all(filter, &parts(value, path.trim()))?;
    }
    Ok(())
}

/// The part of each element of a list at a dotted path.
fn parts(value: &Value, path: &str) -> Vec<Value> {
    let elements = value.try_iter().into_iter().flatten();
    elements.map(|element| part(element, path)).collect()
}

/// The part of a value at a dotted path.
fn part(value: Value, path: &str) -> Value {
    if path.is_empty() {
        return value;
    }
    path.split('.').fold(value, |value, name| {
        let part = match name.parse::<usize>() {
            Ok(index) => value.get_item(&Value::from(index)),
            Err(_) => value.get_attr(name),
        };
        part.unwrap_or(Value::UNDEFINED)
    })
}
