//! Which tools code can call, and by which names: found in its text, so that what a plan reaches is known before it runs.

use std::collections::HashMap;
use std::sync::Arc;

/// The function that calls a tool by its name, whatever that is.
pub(super) const CALL_TOOL: &str = "call_tool";

/// What a tool is never called by, because code means something else by it.
const TAKEN: [&str; 105] = [
    "False",
    "None",
    "True",
    "and",
    "as",
    "assert",
    "async",
    "await",
    "break",
    "class",
    "continue",
    "def",
    "del",
    "elif",
    "else",
    "except",
    "finally",
    "for",
    "from",
    "global",
    "if",
    "import",
    "in",
    "is",
    "lambda",
    "nonlocal",
    "not",
    "or",
    "pass",
    "raise",
    "return",
    "try",
    "while",
    "with",
    "yield",
    "match",
    "case",
    "abs",
    "all",
    "any",
    "ascii",
    "bin",
    "bool",
    "bytes",
    "callable",
    "chr",
    "dict",
    "dir",
    "divmod",
    "enumerate",
    "eval",
    "exec",
    "filter",
    "float",
    "format",
    "frozenset",
    "getattr",
    "globals",
    "hasattr",
    "hash",
    "hex",
    "id",
    "input",
    "int",
    "isinstance",
    "issubclass",
    "iter",
    "len",
    "list",
    "locals",
    "map",
    "max",
    "min",
    "next",
    "object",
    "oct",
    "open",
    "ord",
    "pow",
    "print",
    "range",
    "repr",
    "reversed",
    "round",
    "set",
    "setattr",
    "slice",
    "sorted",
    "str",
    "sum",
    "super",
    "tuple",
    "type",
    "vars",
    "zip",
    "input_data",
    "output",
    "asyncio",
    "json",
    "math",
    "re",
    "datetime",
    "Exception",
    CALL_TOOL,
    "_",
];

/// The tools that code can call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Callable {
    /// By the name of the function in the code.
    pub functions: HashMap<String, Arc<str>>,
    /// Whether it can call any tool by its name.
    pub any: bool,
}

impl Callable {
    /// What `code` can call of `tools`: those whose names stand in it, and all where it has `call_tool`. Code that awaits
    /// nothing calls nothing.
    pub(crate) fn of<'a>(code: &str, tools: impl IntoIterator<Item = &'a Arc<str>>) -> Self {
        let words: std::collections::HashSet<&str> = words(code).collect();
        if !words.contains("await") {
            return Self::default();
        }
        let mut functions: HashMap<String, Option<Arc<str>>> = HashMap::new();
        for tool in tools {
            let name = identifier(tool);
            if !words.contains(&*name) || TAKEN.contains(&&*name) {
                continue;
            }
            // Two tools of one name have none; `call_tool` tells them apart.
            let is_own = *name == **tool;
            let known = functions
                .entry(name)
                .or_insert_with(|| Some(Arc::clone(tool)));
            if known.as_ref().is_none_or(|known| known != tool) {
                *known = is_own.then(|| Arc::clone(tool)).or_else(|| {
                    let known = known.take();
                    known.filter(|known| identifier(known) == **known)
                });
            }
        }
        let known = functions.into_iter();
        Self {
            functions: known
                .filter_map(|(name, tool)| Some((name, tool?)))
                .collect(),
            any: words.contains(CALL_TOOL),
        }
    }

    /// Whether it calls nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.functions.is_empty() && !self.any
    }
}

/// The words of a text that could be names in Python.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
}

/// What a tool is called in code: its name, with an underscore for what no identifier can have.
pub(super) fn identifier(tool: &str) -> String {
    let fits = |c: char| {
        if c.is_alphanumeric() || c == '_' {
            c
        } else {
            '_'
        }
    };
    let mut name: String = tool.chars().map(fits).collect();
    if name.starts_with(|c: char| c.is_numeric()) {
        name.insert(0, '_');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(code: &str, tools: &[&str]) -> (Vec<(String, String)>, bool) {
        let tools: Vec<Arc<str>> = tools.iter().map(|tool| Arc::from(*tool)).collect();
        let callable = Callable::of(code, &tools);
        let functions = callable.functions.into_iter();
        let mut functions: Vec<_> = functions
            .map(|(name, tool)| (name, tool.to_string()))
            .collect();
        functions.sort();
        (functions, callable.any)
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, tool)| ((*name).to_owned(), (*tool).to_owned()))
            .collect()
    }

    #[test]
    fn names_are_found_in_the_text() {
        let tools = ["fetch-page", "2nd", "weather", "sum", "unused"];
        let code =
            "a = await fetch_page(url='x')\nb = await _2nd()\noutput = sum([await weather()])";
        let expected = pairs(&[
            ("_2nd", "2nd"),
            ("fetch_page", "fetch-page"),
            ("weather", "weather"),
        ]);
        assert_eq!(called(code, &tools), (expected, false));
        assert_eq!(called("output = weather()", &tools), (Vec::new(), false));
        assert_eq!(
            called("output = await call_tool('sum')", &tools),
            (Vec::new(), true)
        );
    }

    #[test]
    fn the_tool_that_is_called_so_has_the_name() {
        let code = "output = await a_b()";
        assert_eq!(called(code, &["a-b", "a_b"]).0, pairs(&[("a_b", "a_b")]));
        assert_eq!(called(code, &["a_b", "a-b"]).0, pairs(&[("a_b", "a_b")]));
        assert_eq!(called(code, &["a.b", "a-b"]).0, Vec::new());
    }
}
