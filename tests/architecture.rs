//! The rooms and files of `src/` compared with the table in ARCHITECTURE.md.
//!
//! Nothing is compiled for this: the sources are read as text. Comments, strings and test code are left out, and the
//! paths that remain (`crate::…`, `super::…`, `self::…`, in imports and in expressions) are followed to the file that
//! defines what they name, through the re-exports of `mod.rs` files.

#![allow(clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Files directly in `src/`, which belong to no room: they may use every room.
const ROOTLESS: [&str; 2] = ["lib.rs", "main.rs"];

/// Two files of one folder that import each other, with the reason.
const PAIRS: &[(&str, &str, &str)] = &[(
    "tui/dashboard/panes/graph/folds.rs",
    "tui/dashboard/panes/graph/topology.rs",
    "what is folded decides which nodes there are, and nodes are what can be folded",
)];

/// Folders in which files still import each other in circles; a circle within one of them is let through.
const UNTIDY: &[&str] = &[];

/// The files that write to standard output or standard error, with the reason.
const PRINTERS: &[(&str, &str)] = &[
    (
        "cli/output.rs",
        "prints for the command line, through the gate before a terminal",
    ),
    (
        "cli/run.rs",
        "hands standard output to the sink that writes events as JSON",
    ),
    ("tui/terminal/backend.rs", "draws on the terminal"),
    (
        "tui/terminal/guard.rs",
        "takes the terminal over and gives it back",
    ),
    (
        "tools/launch/mod.rs",
        "runs in a child before the program it starts, and says there why it could not",
    ),
    (
        "tools/sandbox/child.rs",
        "answers the parent that started it as the sandbox",
    ),
];

/// The most lines of a file, its tests not counted.
const MOST_LINES: usize = 500;

/// Files with more lines, with the reason.
const LONG: &[(&str, &str)] = &[];

#[test]
fn rooms_use_what_the_table_allows() {
    let sources = Sources::get();
    let table = table();
    let mut faults = String::new();
    for file in sources.files.values().filter(|file| !file.is_test) {
        let Some(room) = file.room() else { continue };
        let Some(allowed) = table.get(room) else {
            continue;
        };
        for used in sources.rooms_used(file) {
            if used != room && !allowed.contains(&used) && !allowed.contains("all") {
                let _ = writeln!(
                    faults,
                    "src/{} uses `{used}`; the row of `src/{room}/` does not say so",
                    file.path
                );
            }
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
}

#[test]
fn every_room_has_a_row_and_every_row_a_room() {
    let sources = Sources::get();
    let rooms: BTreeSet<&str> = sources.files.values().filter_map(File::room).collect();
    let table = table();
    let rows: BTreeSet<&str> = table.keys().map(String::as_str).collect();
    assert_eq!(
        rooms, rows,
        "folders of src/ on the left, rows of ARCHITECTURE.md on the right"
    );
    for file in sources.files.values().filter(|file| file.room().is_none()) {
        assert!(
            ROOTLESS.contains(&&*file.path),
            "src/{} stands in no room",
            file.path
        );
    }
}

#[test]
fn files_import_each_other_in_one_direction() {
    let sources = Sources::get();
    let mut graph = sources.imports();
    for (a, b, reason) in PAIRS {
        assert_eq!(folder(a), folder(b), "{a} and {b} are not of one folder");
        assert!(!reason.is_empty());
        for (from, to) in [(a, b), (b, a)] {
            let removed = graph
                .get_mut(*from)
                .is_some_and(|to_files| to_files.remove(*to));
            assert!(
                removed,
                "{from} no longer imports {to}: take the pair off the list"
            );
        }
    }
    let mut faults = String::new();
    for circle in circles(&graph) {
        let rooms: BTreeSet<&str> = circle
            .iter()
            .map(|path| path.split('/').next().unwrap_or_default())
            .collect();
        if rooms.len() == 1 && rooms.iter().all(|room| UNTIDY.contains(room)) {
            continue;
        }
        let _ = writeln!(faults, "a circle of {} files:", circle.len());
        for from in &circle {
            let to: Vec<&str> = graph[from]
                .iter()
                .filter(|to| circle.contains(*to))
                .map(String::as_str)
                .collect();
            let _ = writeln!(faults, "  {from} imports {}", to.join(", "));
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
}

#[test]
fn every_path_that_a_page_names_exists() {
    let docs = std::fs::read_dir(root().join("docs")).expect("docs");
    let docs = docs.map(|page| page.expect("a page").path());
    let pages = [
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "README.md",
        "SECURITY.md",
    ];
    let pages = pages.map(|page| root().join(page)).into_iter().chain(docs);
    let mut named = 0;
    for page in pages.filter(|page| page.extension().is_some_and(|end| end == "md")) {
        let text = std::fs::read_to_string(&page).expect("a page");
        for path in text.split('`').skip(1).step_by(2) {
            let rooms = [
                "src/", "tests/", "benches/", "docs/", "scripts/", "fuzz/", ".ci/",
            ];
            let is_path = rooms.iter().any(|room| path.starts_with(room));
            // A pattern or a command is no path, and one folder is there only after fuzzing has found something.
            let is_made = path == "fuzz/failures/";
            if !is_path || is_made || path.contains(['*', '{', '<', ' ']) {
                continue;
            }
            named += 1;
            assert!(root().join(path).exists(), "{page:?} names {path}");
        }
    }
    assert!(named > 20, "only {named} paths found");
}

#[test]
fn few_files_print_and_none_panics_where_nobody_reads() {
    let sources = Sources::get();
    for file in sources.code() {
        // They panic when the stream is closed or the disk is full.
        for name in ["print", "println", "eprint", "eprintln", "dbg"] {
            assert!(
                !has_macro(&file.code, name),
                "src/{} uses {name}!",
                file.path
            );
        }
        if PRINTERS.iter().any(|(path, _)| *path == file.path) {
            continue;
        }
        for stream in ["stdout", "stderr"] {
            let mut opened = words(&file.code, stream);
            let is_opened = opened.any(|at| {
                let before = file.code[..at].trim_end();
                file.code[at + stream.len()..].starts_with("()")
                    && (before.ends_with("io::") || !before.ends_with(['.', ':']))
                    && !file.code[at..].starts_with(&format!("{stream}().is_terminal()"))
            });
            assert!(!is_opened, "src/{} writes to {stream}", file.path);
        }
    }
}

#[test]
fn nothing_outside_tests_panics_on_what_is_missing() {
    for file in Sources::get().code() {
        for call in [".unwrap()", ".expect(\"", ".unwrap_err()", ".expect_err("] {
            assert!(!file.code.contains(call), "src/{} calls {call}", file.path);
        }
        for name in ["todo", "unimplemented"] {
            assert!(
                !has_macro(&file.code, name),
                "src/{} uses {name}!",
                file.path
            );
        }
    }
}

#[test]
fn every_file_says_why_it_exists() {
    let sources = Sources::get();
    let silent = sources
        .files
        .values()
        .filter(|file| !file.text.starts_with("//!"));
    let silent: Vec<&str> = silent.map(|file| &*file.path).collect();
    assert!(silent.is_empty(), "without `//!` at the top: {silent:?}");
}

#[test]
fn no_file_is_long_without_a_reason() {
    let sources = Sources::get();
    let mut faults = String::new();
    for file in sources.code() {
        let lines = file.lines;
        let is_listed = LONG.iter().any(|(path, _)| *path == file.path);
        if lines > MOST_LINES && !is_listed {
            let _ = writeln!(faults, "src/{} has {lines} lines", file.path);
        }
        if lines <= MOST_LINES && is_listed {
            let _ = writeln!(
                faults,
                "src/{} has {lines} lines: take it off the list",
                file.path
            );
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
}

#[test]
fn paths_are_read_from_imports_and_expressions() {
    let code = strip(
        "use crate::{a::{self, b as c}, d::*}; // use crate::no;\nfn f() { let s = \"crate::no\"; crate::e::g(super::h); }",
    );
    let uses = imports_in(&code);
    let said: Vec<String> = uses
        .iter()
        .map(|one| format!("{} {}", one.name, one.path.join("::")))
        .collect();
    assert_eq!(said, ["a crate::a", "c crate::a::b", "* crate::d"]);
    let paths: Vec<String> = paths_in(&code).iter().map(|path| path.join("::")).collect();
    assert_eq!(paths, ["crate::e::g", "super::h"]);
    let tested =
        "fn f() {}\n#[cfg(test)]\nmod tests { use crate::no; fn g() { } }\nuse crate::yes;";
    assert_eq!(
        imports_in(&without_tests(&strip(tested)).0)[0].path,
        ["crate", "yes"]
    );
}

/// What each room may use, by the table of ARCHITECTURE.md.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let mut table = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| `src/")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let room = cells[1]
            .trim_matches('`')
            .trim_start_matches("src/")
            .trim_end_matches('/');
        let mut allowed: BTreeSet<String> = cells[3]
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect();
        if cells[3] == "all" {
            allowed.insert("all".to_owned());
        }
        assert!(
            table.insert(room.to_owned(), allowed).is_none(),
            "two rows for {room}"
        );
    }
    assert!(table.len() > 5, "no table of rooms found");
    table
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A source file.
struct File {
    /// Its path in `src/`.
    path: String,
    /// Its path as a module, from the root of the crate.
    module: Vec<String>,
    /// The whole text.
    text: String,
    /// Without comments, strings and test code.
    code: String,
    /// Lines that are not of tests.
    lines: usize,
    /// Whether it is compiled for tests only.
    is_test: bool,
    imports: Vec<Import>,
    /// What it defines by name.
    defines: BTreeSet<String>,
}

/// One name that a `use` brings in, or `*`.
struct Import {
    name: String,
    path: Vec<String>,
}

impl File {
    fn room(&self) -> Option<&str> {
        self.path.split_once('/').map(|(room, _)| room)
    }

    /// Every path that it names, in imports and in expressions.
    fn paths(&self) -> Vec<Vec<String>> {
        let imported = self.imports.iter().map(|import| import.path.clone());
        imported.chain(paths_in(&self.code)).collect()
    }
}

struct Sources {
    /// By path.
    files: BTreeMap<String, File>,
    /// The path of the file of a module.
    modules: BTreeMap<Vec<String>, String>,
}

impl Sources {
    /// All of them, read once.
    fn get() -> &'static Self {
        static SOURCES: OnceLock<Sources> = OnceLock::new();
        SOURCES.get_or_init(Self::read)
    }

    fn read() -> Self {
        let mut found = Vec::new();
        walk(&root().join("src"), &mut found);
        let mut files = BTreeMap::new();
        let mut test_modules = Vec::new();
        for file in found {
            let src = root().join("src");
            let path = file
                .strip_prefix(&src)
                .expect("in src")
                .to_string_lossy()
                .replace('\\', "/");
            let text = std::fs::read_to_string(&file).expect("readable");
            let mut module: Vec<String> = path
                .trim_end_matches(".rs")
                .split('/')
                .map(str::to_owned)
                .collect();
            if module.last().is_some_and(|name| name == "mod") || path == "lib.rs" {
                module.pop();
            }
            let (code, tests) = without_tests(&strip(&text));
            for name in tests {
                let mut of_test = module.clone();
                of_test.push(name);
                test_modules.push(of_test);
            }
            let kept = code.lines().count();
            files.insert(
                path.clone(),
                File {
                    imports: imports_in(&code),
                    defines: defined_in(&code),
                    lines: kept,
                    is_test: false,
                    path,
                    module,
                    text,
                    code,
                },
            );
        }
        for file in files.values_mut() {
            file.is_test = test_modules
                .iter()
                .any(|test| file.module.starts_with(test));
        }
        let modules = files
            .values()
            .map(|file| (file.module.clone(), file.path.clone()))
            .collect();
        Self { files, modules }
    }

    /// The files that are no tests.
    fn code(&self) -> impl Iterator<Item = &File> {
        self.files.values().filter(|file| !file.is_test)
    }

    /// The rooms whose names stand in the paths of `file`; a re-export of the crate's root counts for its room.
    fn rooms_used(&self, file: &File) -> BTreeSet<String> {
        let mut rooms = BTreeSet::new();
        for path in file.paths() {
            let Some(path) = absolute(file, &path) else {
                continue;
            };
            let Some(first) = path.first() else { continue };
            if self.modules.contains_key(&path[..1]) {
                rooms.insert(first.clone());
            } else if let Some(target) = self.follow(&path, 0) {
                rooms.extend(self.files[&target].room().map(str::to_owned));
            }
        }
        rooms.retain(|room| self.files.values().any(|file| file.room() == Some(room)));
        rooms
    }

    /// The file that defines what an absolute path names.
    fn follow(&self, path: &[String], depth: usize) -> Option<String> {
        let known = (0..=path.len())
            .rev()
            .find(|&length| self.modules.contains_key(&path[..length]))?;
        let file = &self.files[&self.modules[&path[..known]]];
        let Some(name) = path.get(known) else {
            return Some(file.path.clone());
        };
        if depth > 8 || file.defines.contains(name) {
            return Some(file.path.clone());
        }
        let named = file.imports.iter().find(|import| import.name == *name);
        let target = named.and_then(|import| absolute(file, &import.path));
        if let Some(mut target) = target.filter(|target| target != path) {
            target.extend_from_slice(&path[known + 1..]);
            return self.follow(&target, depth + 1);
        }
        for glob in file.imports.iter().filter(|import| import.name == "*") {
            let Some(mut target) = absolute(file, &glob.path) else {
                continue;
            };
            let defines = self
                .modules
                .get(&target)
                .is_some_and(|path| self.files[path].defines.contains(name));
            if defines {
                target.extend_from_slice(&path[known..]);
                return self.follow(&target, depth + 1);
            }
        }
        Some(file.path.clone())
    }

    /// Which file imports from which. A module and the modules inside it count as one: a file may use what the
    /// `mod.rs` above it defines, and a `mod.rs` the files below it.
    fn imports(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for file in self.code() {
            let mut to = BTreeSet::new();
            for path in file.paths() {
                let Some(path) = absolute(file, &path) else {
                    continue;
                };
                let Some(target) = self.follow(&path, 0) else {
                    continue;
                };
                let other = &self.files[&target];
                let is_own = other.module.starts_with(&file.module)
                    || file.module.starts_with(&other.module);
                if !is_own && !other.is_test {
                    to.insert(target);
                }
            }
            graph.insert(file.path.clone(), to);
        }
        graph
    }
}

/// The path from the root of the crate; `None` where it names another crate.
fn absolute(file: &File, path: &[String]) -> Option<Vec<String>> {
    let mut base = file.module.clone();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => {
            base.clear();
            rest = &path[1..];
        }
        "self" => rest = &path[1..],
        "super" => {
            while let Some(("super", after)) = rest
                .split_first()
                .map(|(first, after)| (first.as_str(), after))
            {
                base.pop()?;
                rest = after;
            }
        }
        // A module below this one, imported without `self::`.
        name if file.defines.contains(&format!("mod {name}")) => {}
        _ => return None,
    }
    base.extend_from_slice(rest);
    Some(base)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
}

/// The text with spaces in the place of comments and of what stands in strings.
fn strip(text: &str) -> String {
    let bytes: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let starts = |at: usize, what: &str| {
        what.chars()
            .enumerate()
            .all(|(n, c)| bytes.get(at + n) == Some(&c))
    };
    while at < bytes.len() {
        if starts(at, "//") {
            while at < bytes.len() && bytes[at] != '\n' {
                at += 1;
            }
        } else if starts(at, "/*") {
            while at < bytes.len() && !starts(at, "*/") {
                at += 1;
            }
            at += 2;
        } else if bytes[at] == 'r' && raw_string(&bytes, at).is_some() {
            let (open, hashes) = raw_string(&bytes, at).unwrap_or_default();
            let close = format!("\"{}", "#".repeat(hashes));
            at += open;
            out.push('"');
            while at < bytes.len() && !starts(at, &close) {
                if bytes[at] == '\n' {
                    out.push('\n');
                }
                at += 1;
            }
            out.push('"');
            at += close.len();
        } else if bytes[at] == '"' {
            out.push('"');
            at += 1;
            while at < bytes.len() && bytes[at] != '"' {
                if bytes[at] == '\n' {
                    out.push('\n');
                }
                at += if bytes[at] == '\\' { 2 } else { 1 };
            }
            out.push('"');
            at += 1;
        } else if bytes[at] == '\'' && bytes.get(at + 1) == Some(&'\\') {
            at += 2;
            while at < bytes.len() && bytes[at] != '\''
                || at + 1 < bytes.len() && bytes[at + 1] == '\''
            {
                at += 1;
            }
            at += 1;
        } else if bytes[at] == '\'' && bytes.get(at + 2) == Some(&'\'') {
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

/// Where a raw string begins: the length of its opening and how many `#` it has.
fn raw_string(text: &[char], at: usize) -> Option<(usize, usize)> {
    let is_name = |c: &char| c.is_alphanumeric() || *c == '_';
    if at > 0 && is_name(&text[at - 1]) && text[at - 1] != 'b' {
        return None;
    }
    let hashes = text[at + 1..].iter().take_while(|c| **c == '#').count();
    (text.get(at + 1 + hashes) == Some(&'"')).then_some((hashes + 2, hashes))
}

/// The code without what `#[cfg(test)]` stands before, and the names of test modules that are files of their own.
fn without_tests(code: &str) -> (String, Vec<String>) {
    let mut out = String::new();
    let mut modules = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find("#[cfg(test)]") {
        out.push_str(&rest[..start]);
        let item = &rest[start + "#[cfg(test)]".len()..];
        let end = item.find([';', '{']).unwrap_or(item.len());
        let head = &item[..end];
        if item[end..].starts_with(';') {
            if let Some((_, name)) = head.rsplit_once("mod ") {
                modules.push(name.trim().to_owned());
            }
            rest = &item[end + 1..];
            continue;
        }
        let mut depth = 0;
        let close = item[end..].char_indices().find_map(|(at, c)| {
            depth += match c {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            (depth == 0).then_some(end + at + 1)
        });
        rest = &item[close.unwrap_or(item.len())..];
    }
    out.push_str(rest);
    (out, modules)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where the word `word` stands in `code`.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |&at| {
            let before = code[..at].chars().next_back().is_some_and(is_word);
            let after = code[at + word.len()..].chars().next().is_some_and(is_word);
            !before && !after
        })
}

fn has_macro(code: &str, name: &str) -> bool {
    words(code, name).any(|at| code[at + name.len()..].starts_with('!'))
}

/// What every `use` of the code brings in.
fn imports_in(code: &str) -> Vec<Import> {
    let mut imports = Vec::new();
    for at in words(code, "use") {
        // Not a `use<…>` of captured lifetimes.
        if let Some(end) = code[at..]
            .find(';')
            .filter(|_| !code[at..].starts_with("use<"))
        {
            tree(&[], &code[at + 3..at + end], &mut imports);
        }
    }
    imports
}

/// The names of a tree of imports, `a::{b, c as d}`, below `above`.
fn tree(above: &[String], text: &str, imports: &mut Vec<Import>) {
    let text = text.trim();
    if let Some(open) = text.find('{') {
        let mut path = above.to_vec();
        path.extend(segments(&text[..open]));
        let inner = text[open + 1..].trim_end().trim_end_matches('}');
        let (mut depth, mut start) = (0, 0);
        for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    tree(&path, &inner[start..at], imports);
                    start = at + 1;
                }
                _ => {}
            }
        }
        return;
    }
    let (text, alias) = match text.split_once(" as ") {
        Some((text, alias)) => (text, Some(alias.trim().to_owned())),
        None => (text, None),
    };
    let mut path = above.to_vec();
    path.extend(segments(text));
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    let is_glob = path.last().is_some_and(|last| last == "*");
    if is_glob {
        path.pop();
    }
    if let Some(last) = path.last() {
        let name = if is_glob {
            "*".to_owned()
        } else {
            alias.unwrap_or_else(|| last.clone())
        };
        imports.push(Import { name, path });
    }
}

fn segments(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split("::")
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
}

/// Paths that begin with `crate`, `super` or `self` and stand outside of imports.
fn paths_in(code: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut of_imports = Vec::new();
    for at in words(code, "use") {
        of_imports.push(at..at + code[at..].find(';').unwrap_or(0));
    }
    for root in ["crate", "super", "self"] {
        for at in words(code, root) {
            let is_path = code[at + root.len()..].starts_with("::") && !code[..at].ends_with("::");
            if !is_path || of_imports.iter().any(|range| range.contains(&at)) {
                continue;
            }
            let end = code[at..]
                .find(|c: char| !is_word(c) && c != ':')
                .unwrap_or(code.len() - at);
            paths.push(segments(code[at..at + end].trim_end_matches(':')).collect());
        }
    }
    paths
}

/// The names of items that the code defines at any depth; a module as `mod name` too.
fn defined_in(code: &str) -> BTreeSet<String> {
    let mut defined = BTreeSet::new();
    for kind in [
        "struct",
        "enum",
        "trait",
        "fn",
        "const",
        "static",
        "type",
        "union",
        "macro_rules!",
        "mod",
    ] {
        for (at, _) in code.match_indices(kind) {
            let starts = !code[..at].chars().next_back().is_some_and(is_word);
            let rest = &code[at + kind.len()..];
            if !starts || !rest.starts_with([' ', '\n']) {
                continue;
            }
            let rest = rest.trim_start().trim_start_matches("mut ");
            let name: String = rest.chars().take_while(|c| is_word(*c)).collect();
            if kind == "mod" {
                defined.insert(format!("mod {name}"));
            } else {
                defined.insert(name);
            }
        }
    }
    defined
}

/// The groups of more than one file that reach each other.
fn circles(graph: &BTreeMap<String, BTreeSet<String>>) -> Vec<BTreeSet<String>> {
    let reach = |from: &String| {
        let mut reached = BTreeSet::new();
        let mut open = vec![from];
        while let Some(file) = open.pop() {
            for to in graph.get(file).into_iter().flatten() {
                if reached.insert(to.clone()) {
                    open.push(to);
                }
            }
        }
        reached
    };
    let reached: BTreeMap<&String, BTreeSet<String>> =
        graph.keys().map(|file| (file, reach(file))).collect();
    let mut circles = BTreeSet::new();
    for (file, to) in &reached {
        if to.contains(*file) {
            let circle: BTreeSet<String> = to
                .iter()
                .filter(|other| reached[other].contains(*file))
                .cloned()
                .collect();
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}
