//! Pictures of a run: they are well-formed, whole, and nothing in a run can become a part of them.

use crate::common::program::{code, command, folder};
use std::path::Path;
use std::process::{Command, Stdio};

const HOSTILE: &str = r"</pre><script>alert(1)</script>";

/// `one` → `each` ×3 → `sum`, and `wrong`, which fails; names, inputs and outputs try to be markup.
fn desk() -> tempfile::TempDir {
    let tools = r#"
tools:
  same: {type: jq, filter: '.of'}
  fails: {type: jq, filter: '"no <b>\"way\"</b>" | error'}
"#;
    let plan = format!(
        r#"
name: '<img src=x> "quoted"'
steps:
  - {{id: one, tool: same, parameters: {{of: '{HOSTILE}'}}}}
  - {{id: each, tool: same, for_each: [1, 2, 3], parameters: {{of: '{{{{item}}}}'}}}}
  - {{id: sum, tool: same, parameters: {{of: ['{{{{one}}}}', '{{{{each}}}}']}}}}
  - {{id: wrong, tool: fails, parameters: {{of: '{{{{one}}}}'}}}}
"#
    );
    folder("plan.yaml", &plan, tools)
}

fn export(folder: &Path, format: &str) -> String {
    let mut export = command();
    export
        .current_dir(folder)
        .env("PLANDECK_HOME", folder.join("home"))
        .args(["export", "last", "--format", format]);
    let output = export.output().unwrap();
    assert_eq!(code(&output), 0, "{format}");
    String::from_utf8(output.stdout).unwrap()
}

fn ran() -> tempfile::TempDir {
    let folder = desk();
    let mut run = command();
    run.current_dir(folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .args(["run", "plan.yaml", "--headless"]);
    assert_eq!(code(&run.output().unwrap()), 1);
    folder
}

/// What the program says of a text; it must be satisfied with it.
fn read_by(program: &[&str], text: &str) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let mut reads = Command::new(program[0]);
    let output = reads
        .args(&program[1..])
        .arg(file.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{text}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_image_is_well_formed_and_names_every_step() {
    let folder = ran();
    let script = "import sys, xml.etree.ElementTree as t; r = t.parse(sys.argv[1]).getroot(); \
                  print(sorted(e.text for e in r.iter('{http://www.w3.org/2000/svg}title')), \
                  len(list(r.iter('{http://www.w3.org/2000/svg}polyline'))))";
    let read = read_by(&["python3", "-c", script], &export(folder.path(), "svg"));
    assert_eq!(
        read.trim(),
        "['each ×3: succeeded', 'one: succeeded', 'sum: succeeded', 'wrong: failed'] 3"
    );
}

#[test]
fn a_page_stands_alone_and_holds_every_value_as_text() {
    let folder = ran();
    let page = export(folder.path(), "html");
    // Every tag, every address, and the texts of the parts.
    let script = r"
import sys, html.parser, collections
class Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(); self.tags = collections.Counter(); self.open = []; self.texts = []; self.links = []
    def handle_starttag(self, tag, attributes):
        self.tags[tag] += 1
        self.links += [value for name, value in attributes if name in ('src', 'href')]
        if tag not in ('meta', 'input', 'br', 'line', 'rect', 'path', 'polyline'): self.open.append(tag)
    def handle_endtag(self, tag):
        if tag not in ('line', 'rect', 'path', 'polyline') or self.open[-1:] == [tag]:
            assert self.open.pop() == tag, tag
    def handle_startendtag(self, tag, attributes):
        self.tags[tag] += 1
    def handle_data(self, text):
        if self.open[-1:] == ['pre']: self.texts.append(text)
page = Reader(); page.feed(open(sys.argv[1], encoding='utf-8').read()); page.close()
assert page.open == [], page.open
assert page.tags['script'] == 1 and page.tags['img'] == 0 and page.tags['b'] < 10, page.tags
assert all(link.startswith('#step-') for link in page.links), page.links
print(page.tags['details'], page.tags['svg'])
print('\n'.join(page.texts))
";
    let read = read_by(&["python3", "-c", script], &page);
    // Four steps and three elements; the graph and the steps over time.
    assert!(read.starts_with("7 2\n"), "{read}");
    assert!(read.contains(HOSTILE), "{read}");
    assert!(read.contains("no <b>\"way\"</b>"), "{read}");
    assert!(!page.contains("http://") || page.matches("http://www.w3.org/2000/svg").count() == 2);
}

#[test]
fn graphs_for_markdown_and_graphviz_keep_what_means_something_quoted() {
    let folder = ran();
    let mermaid = export(folder.path(), "mermaid");
    assert!(mermaid.starts_with("flowchart TD\n"), "{mermaid}");
    assert_eq!(mermaid.matches(" --> ").count(), 3, "{mermaid}");
    assert!(mermaid.contains("each ×3<br>same"), "{mermaid}");
    assert!(mermaid.contains(":::failed"), "{mermaid}");
    let dot = export(folder.path(), "dot");
    assert!(
        dot.starts_with("digraph \"<img src=x> \\\"quoted\\\"\" {"),
        "{dot}"
    );
    assert_eq!(dot.matches(" -> ").count(), 3, "{dot}");
}
