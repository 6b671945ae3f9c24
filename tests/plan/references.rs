//! References and expressions: what they resolve to, and what they say where they have no value.

use plandeck::plan::{ExecutionPlan, Scope, StepIx, parse};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

struct Outputs {
    plan: ExecutionPlan,
    done: Vec<Option<Arc<Value>>>,
    context: Map<String, Value>,
    item: Option<(Arc<Value>, usize)>,
    /// The status of a step without an output.
    lost: &'static str,
}

impl Scope for Outputs {
    fn output(&self, step: StepIx) -> Option<&Arc<Value>> {
        self.done.get(step.at())?.as_ref()
    }
    fn status(&self, step: StepIx) -> &'static str {
        match self.output(step) {
            Some(_) => "succeeded",
            None => self.lost,
        }
    }
    fn id(&self, step: StepIx) -> &str {
        &self.plan.steps[step.at()].id
    }
    fn steps(&self) -> usize {
        self.plan.steps.len()
    }
    fn context(&self, name: &str) -> Option<&Value> {
        self.context.get(name)
    }
    fn item(&self) -> Option<(&Arc<Value>, usize)> {
        self.item.as_ref().map(|(item, at)| (item, *at))
    }
}

/// Steps `1`, `step-1`, `s1` and `lost` (which has no output), then `probe` with these members.
fn scope(probe: Value) -> Outputs {
    let mut step = json!({"id": "probe", "tool": "t", "depends_on": ["1", "step-1", "s1", "lost"]});
    if let (Value::Object(step), Value::Object(more)) = (&mut step, probe) {
        step.extend(more);
    }
    let plan = json!({"steps": [
        {"id": 1, "tool": "t"}, {"id": "step-1", "tool": "t"}, {"id": "s1", "tool": "t"},
        {"id": "lost", "tool": "t"}, step
    ]});
    let text = plan.to_string();
    let context = json!({"name": "Ada", "limit": 100, "user": {"mail": "a@b"}, "flagged": false, "my-key": 7, "rate": 2});
    let Value::Object(context) = context else {
        unreachable!()
    };
    let plan = parse("x.json", text.as_bytes())
        .and_then(|draft| draft.check(None, Some(&context)))
        .unwrap_or_else(|faults| panic!("{text}: {:#?}", faults.diagnostics));
    let outputs = vec![
        Some(
            json!({"merchant": "Shop", "total": 120.5, "items": [{"name": "tea", "n": 2}, {"name": "jam", "n": 1}], "ok": true, "unit-price": 3}),
        ),
        Some(json!("plain text")),
        Some(json!({"output": {"x": 5}, "success": true, "n": 4, "empty": [], "status": "field"})),
        None,
        None,
    ];
    Outputs {
        plan,
        done: outputs.into_iter().map(|one| one.map(Arc::new)).collect(),
        context,
        item: Some((Arc::new(json!({"id": 9, "tags": ["t"]})), 3)),
        lost: "skipped",
    }
}

fn resolved(text: &str) -> Result<Value, String> {
    let scope = scope(json!({"for_each": [1], "parameters": {"x": text}}));
    let step = &scope.plan.steps[4];
    step.parameters
        .resolve(&scope)
        .map(|value| value["x"].clone())
        .map_err(|error| error.message)
}

#[test]
fn what_is_named_as_a_whole_is_shared() {
    let text = json!({"steps": [
        {"id": "big", "tool": "t"},
        {"id": "all", "tool": "t", "for_each": "{{big}}"},
        {"id": "call", "tool": "function_call", "parameters": {"name": "t", "args": "{{big}}"}},
        {"id": "inside", "tool": "t", "parameters": {"whole": "{{big}}", "part": "{{big[0]}}"}}
    ]});
    let plan = ExecutionPlan::from_value(text).unwrap();
    let big = Arc::new(json!(["x".repeat(1 << 20)]));
    let scope = Outputs {
        plan,
        done: vec![Some(Arc::clone(&big))],
        context: Map::new(),
        item: None,
        lost: "skipped",
    };
    let steps = &scope.plan.steps;
    let list = steps[1].for_each.as_ref().unwrap();
    let uses: Vec<Arc<Value>> = (0..100)
        .flat_map(|_| [list.resolve(&scope), steps[2].parameters.resolve(&scope)])
        .map(Result::unwrap)
        .collect();
    assert!(uses.iter().all(|used| Arc::ptr_eq(used, &big)));
    // The scope has one, and there is ours.
    assert_eq!(Arc::strong_count(&big), uses.len() + 2);
    // JSON owns what is inside it, so within an object a value is copied.
    let inside = steps[3].parameters.resolve(&scope).unwrap();
    assert_eq!(inside["whole"], *big);
    assert_eq!(inside["part"], big[0]);
}

#[test]
fn every_form_takes_the_value_with_its_type() {
    for (text, value) in [
        ("step:step-1", json!("plain text")),
        (
            "step:1",
            Value::clone(scope(json!({})).done[0].as_ref().unwrap()),
        ),
        ("{{name}}", json!("Ada")),
        ("{{ name }}", json!("Ada")),
        ("{{user.mail}}", json!("a@b")),
        ("{{context.limit}}", json!(100)),
        ("{{my-key}}", json!(7)),
        ("{{steps[1].output.total}}", json!(120.5)),
        ("{{steps[1].output.items[0].name}}", json!("tea")),
        ("{{steps[1].output.items[-1].n}}", json!(1)),
        ("{{steps[1].output.items.1.n}}", json!(1)),
        ("{{steps[\"step-1\"].output}}", json!("plain text")),
        ("{{steps['s1'].output.n}}", json!(4)),
        ("{{steps.s1.output.n}}", json!(4)),
        ("{{steps[1].merchant}}", json!("Shop")),
        ("{{1.merchant}}", json!("Shop")),
        (
            "{{1}}",
            Value::clone(scope(json!({})).done[0].as_ref().unwrap()),
        ),
        ("{{step-1}}", json!("plain text")),
        ("{{s1.output}}", json!({"x": 5})),
        ("{{step-1.output}}", json!("plain text")),
        ("{{1.unit-price}}", json!(3)),
        ("{{1[\"unit-price\"]}}", json!(3)),
        ("${s1.n}", json!(4)),
        (
            "${s1}",
            Value::clone(scope(json!({})).done[2].as_ref().unwrap()),
        ),
        ("${HOME}", json!("${HOME}")),
        ("$1", json!("$1")),
        ("#E1", json!("#E1")),
        ("step: by step", json!("step: by step")),
        ("{{item}}", json!({"id": 9, "tags": ["t"]})),
        ("{{item.tags[0]}}", json!("t")),
        ("{{index}}", json!(3)),
        (
            "of {{steps[1].output.merchant}}: {{s1.n}}!",
            json!("of Shop: 4!"),
        ),
        (
            "{{1.items}} {{flagged}}",
            json!("[{\"name\":\"tea\",\"n\":2},{\"name\":\"jam\",\"n\":1}] false"),
        ),
        (" {{s1.n}}", json!(" 4")),
        ("{{ s1.n + 1 }}", json!(5)),
        ("{{ steps[1].output.total > limit }}", json!(true)),
        ("{{ s1.n - rate }}", json!(2)),
        ("{{s1.n-rate}}", json!(2)),
        ("{{ steps[1].output['items'] | length }}", json!(2)),
        ("{{ step-1 | upper }}", json!("PLAIN TEXT")),
        ("{{ steps[lost].status }}", json!("skipped")),
        ("{{ s1.status }}", json!("field")),
        (
            "{{ {'a': s1.n, 'b': [item.id]} }}",
            json!({"a": 4, "b": [9]}),
        ),
        ("{{ 'a}}b' }}", json!("a}}b")),
        ("{{ lost.x | default('none') }}", json!("none")),
        ("{% raw %}", json!("{% raw %}")),
        ("{{}}", json!("{{}}")),
        ("open {{ only", json!("open {{ only")),
    ] {
        assert_eq!(resolved(text), Ok(value), "{text}");
    }
}

#[test]
fn what_is_missing_is_named_with_what_there_is() {
    for (text, message) in [
        (
            "{{steps[1].output.merchnt}}",
            "{{steps[1].output.merchnt}}: the output of step 1 has no field \"merchnt\" (it has: merchant, total, items, ok, unit-price)",
        ),
        (
            "a {{1.items[5].name}}",
            "{{1.items[5].name}}: items in the output of step 1 has no element 5 (it has 2)",
        ),
        (
            "{{step-1.text}}",
            "{{step-1.text}}: the output of step step-1 has no field \"text\" (it is text)",
        ),
        (
            "{{user.phone}}",
            "{{user.phone}}: the context value user has no field \"phone\" (it has: mail)",
        ),
        (
            "{{ lost.x + '' if lost.x else lost.y }}",
            "{{ lost.x + '' if lost.x else lost.y }}: it has no value: something in it is undefined",
        ),
    ] {
        assert_eq!(resolved(text), Err(message.to_owned()), "{text}");
    }
    assert!(resolved("{{ 1 / 0 }}").is_err());
    let failed = Outputs {
        lost: "failed",
        ..scope(json!({"parameters": {"x": "{{lost.x}}"}}))
    };
    assert_eq!(
        failed.plan.steps[4]
            .parameters
            .resolve(&failed)
            .map_err(|error| error.message),
        Err("{{lost.x}}: step lost has no output (it is failed)".to_owned())
    );
}

#[test]
fn a_step_that_was_skipped_is_null() {
    for (text, value) in [
        ("{{lost}}", json!(null)),
        ("step:lost", json!(null)),
        ("{{steps[lost].output.deep[3].name}}", json!(null)),
        ("<{{lost}}|${lost.x}>", json!("<|>")),
        ("{{ lost or 'other' }}", json!("other")),
        ("{{ lost | default('other') }}", json!("other")),
    ] {
        assert_eq!(resolved(text), Ok(value), "{text}");
    }
}

#[test]
fn null_inside_a_text_is_nothing() {
    let text = r#"{"steps": [{"id": "a", "tool": "t", "parameters": {"x": "[{{none_given}}]{{ none_given if true }}."}}],
        "context": {"none_given": null}}"#;
    let plan = ExecutionPlan::from_json(text).unwrap();
    let scope = Outputs {
        done: vec![None],
        context: plan.context.clone(),
        item: None,
        lost: "pending",
        plan,
    };
    let parameters = scope.plan.steps[0].parameters.resolve(&scope).unwrap();
    assert_eq!(*parameters, json!({"x": "[]."}));
}

#[test]
fn blanks_go_where_the_braces_say_so() {
    for (text, value) in [
        ("to {{- name -}} !", json!("toAda!")),
        ("to \n\t{{- name}} !", json!("toAda !")),
        ("to {{name -}} \n !", json!("to Ada!")),
        ("{{- limit -}}", json!(100)),
        ("{{- limit + 1 -}}", json!(101)),
        ("{{name}} {{- limit -}} {{name}}", json!("Ada100Ada")),
        ("a {{- steps[1].output.merchant}}", json!("aShop")),
        ("{{ -limit }}", json!(-100)),
        ("{{ - limit }}", json!(-100)),
        ("{{ -s1.n + 1 }}", json!(-3)),
        ("{{ -steps[1].output.total }}", json!(-120.5)),
        ("{{-rate}}", json!(2)),
    ] {
        assert_eq!(resolved(text), Ok(value), "{text}");
    }
    let scope = scope(json!({"run_if": "{{- s1.n -}} == 4"}));
    let condition = scope.plan.steps[4].run_if.as_ref().unwrap();
    assert_eq!(condition.is_true(&scope), Ok(true));
}

#[test]
fn every_form_of_an_expression_sees_the_context() {
    let Value::Object(context) = json!({"list": [1, 2, 3], "word": "Tee-Haus", "größe": 4, "range": [7, 8], "items": {"items": 1}})
    else {
        unreachable!()
    };
    for (text, value) in [
        ("{{list[:2]}}", json!([1, 2])),
        ("{{list[1:]}}", json!([2, 3])),
        ("{{ list[::2] }}", json!([1, 3])),
        ("{{ list[größe - 3:] }}", json!([2, 3])),
        ("{{ range[:1] + list[:1] }}", json!([7, 1])),
        ("{{ range(2) | list + range }}", json!([0, 1, 7, 8])),
        ("{{ word.upper().split('-') }}", json!(["TEE", "HAUS"])),
        ("{{ word[::-1] }}", json!("suaH-eeT")),
        ("{{ items.items() | list }}", json!([["items", 1]])),
        ("{{ dict(a=word[:3]).a }}", json!("Tee")),
        ("{{ [list[:1], word[:1]] }}", json!([[1], "T"])),
        ("{{ {'k': list[2:]}['k'] }}", json!([3])),
        (
            "{{ list | map('string') | join(word[3:4]) }}",
            json!("1-2-3"),
        ),
        ("{{ 1 if list[3:] else größe }}", json!(4)),
        ("{{ größe is divisibleby(list[1]) }}", json!(true)),
        (
            "{{ word.removeprefix('Tee-') ~ '7'.zfill(3) }}",
            json!("Haus007"),
        ),
    ] {
        let plan = json!({"steps": [{"id": "a", "tool": "t", "parameters": {"x": text}}]});
        let parsed = parse("x.json", plan.to_string().as_bytes()).unwrap();
        let plan = parsed.check(None, Some(&context)).unwrap();
        let scope = Outputs {
            plan,
            done: vec![None],
            context: context.clone(),
            item: None,
            lost: "pending",
        };
        let parameters = scope.plan.steps[0].parameters.resolve(&scope);
        assert_eq!(
            parameters.map(|value| value["x"].clone()),
            Ok(value),
            "{text}"
        );
        let names = &scope.plan.context_names;
        assert!(!names.is_empty() && names.iter().all(|name| context.contains_key(&**name)));
    }
    let text = r#"{"steps": [{"id": "a", "tool": "t", "parameters": {"x": "{{nobody[1:]}}"}}]}"#;
    let faults = parse("x.json", text.as_bytes())
        .unwrap()
        .check(None, Some(&context))
        .unwrap_err();
    assert_eq!(faults.diagnostics[0].code, "missing_context");
}

#[test]
fn only_what_has_an_order_is_compared() {
    for (text, says) in [
        ("{{ '9' < limit }}", "text with a number"),
        ("{{ null >= 0 }}", "null with a number"),
        ("{{ 1 < limit < 'x' }}", "a number with text"),
        ("{{ [2] > 1 }}", "a list with a number"),
        ("{{ flagged < 1 }}", "true or false with a number"),
        ("{{ user <= user }}", "an object with an object"),
        ("{{ [1, 'b'] < [1, 2] }}", "text with a number"),
        ("{{ limit is gt('5') }}", "a number with text"),
        (
            "{{ ['5', 6] | select('>', 3) | list }}",
            "text with a number",
        ),
        ("{{ [name, limit] | sort }}", "text with a number"),
        ("{{ [1, null] | max }}", "a number with null"),
        (
            "{{ {'a': 1, 'b': 'x'} | dictsort(by='value') }}",
            "a number with text",
        ),
        (
            "{{ [{'k': 1}, {'k': 'x'}] | groupby('k') }}",
            "a number with text",
        ),
        (
            "{{ [{'k': [1]}, {'k': ['x']}] | sort(attribute='k') }}",
            "a number with text",
        ),
        ("{{ 5 in '50' }}", "a number in text"),
    ] {
        let error = resolved(text).unwrap_err();
        assert!(error.contains(says), "{text}: {error}");
    }
    for (text, holds) in [
        ("{{ 'a' < 'b' and 2 < 2.5 and false < true }}", true),
        ("{{ [1, 2] < [1, 2, 0] and [1, 'x'] < [2, 3] }}", true),
        ("{{ 1 < rate <= 2 != 3 }}", true),
        ("{{ 3 > rate > 2 }}", false),
        ("{{ lost.x > 0 or lost.x <= 0 or s1.nothing < 'a' }}", false),
        ("{{ '50' == 50 }}", false),
        (
            "{{ 'da' in name and limit not in [1, '100'] and 'mail' in user }}",
            true,
        ),
    ] {
        assert_eq!(resolved(text), Ok(json!(holds)), "{text}");
    }
}

#[test]
fn what_the_language_lacks_is_a_fault_of_the_plan() {
    for (expression, says) in [
        (
            "name.uppper()",
            "there is no method `uppper`; did you mean `upper`?",
        ),
        (
            "name | capitalise",
            "there is no filter `capitalise`; did you mean `capitalize`?",
        ),
        (
            "name is definde",
            "there is no test `definde`; did you mean `defined`?",
        ),
        ("lenght(name)", "there is no function `lenght`"),
        ("name()()", "only a function or a method can be called"),
        ("1e999 > rate", "out of range"),
    ] {
        let plan = json!({"steps": [{"id": "a", "tool": "t", "run_if": expression}],
            "context": {"name": "x", "rate": 1}});
        let draft = parse("x.json", plan.to_string().as_bytes()).unwrap();
        let faults = draft.check(None, None).unwrap_err();
        assert_eq!(faults.diagnostics[0].code, "bad_expression");
        assert!(
            faults.diagnostics[0].message.contains(says),
            "{expression}: {}",
            faults.diagnostics[0].message
        );
    }
}

#[test]
fn no_number_is_rounded() {
    for text in [
        "{{ 18446744073709551615 + 1 }}",
        "{{ -9223372036854775808 - 1 }}",
        "{{ [limit * 10 ** 20] }}",
        "{{ 1e308 * limit }}",
    ] {
        assert!(resolved(text).is_err(), "{text}");
    }
    assert_eq!(
        resolved("{{ 9223372036854775807 + 1 }}"),
        Ok(json!(9_223_372_036_854_775_808_u64))
    );
}

#[test]
fn conditions_in_every_dress() {
    for (condition, holds) in [
        ("steps[1].output.total > 100", true),
        ("{{steps[1].output.total > 100 and not flagged}}", true),
        ("{{s1.success}} == true", true),
        ("{{s1.success}} == true and {{s1.n}} < 3", false),
        ("'{{1.merchant}}' == 'Shop'", true),
        ("\"{{s1.n}}\" == \"4\"", true),
        ("${s1.n} == 4", true),
        ("{{1.unit-price}} > 2 and {{1.items.0.n}} == 2", true),
        ("{{1}}", true),
        ("{{context.limit}} == 100", true),
        (
            "{{s1.output.x}} == 5 and {{steps[s1].output.status}} == 'field'",
            true,
        ),
        ("s1.n == 4 && !flagged", true),
        ("s1.nothing == null || flagged", true),
        ("s1.n != null and {{s1.nothing}} === None", true),
        ("{{s1.empty}}", false),
        ("{{s1.nothing.at.all}}", false),
        ("{{lost.x}}", false),
        ("lost.x > 3", false),
        ("steps[lost].status == 'skipped'", true),
        ("steps['step-1'].status == 'succeeded'", true),
        ("step:step-1", true),
        ("true", true),
        ("False", false),
        ("{{name}}", true),
        ("'plain' in step-1", true),
        ("s1.n is number", true),
        ("my-key == 7", true),
        ("name.startswith('A') or name|first == 'A'", true),
    ] {
        let scope = scope(json!({"run_if": condition}));
        let expression = scope.plan.steps[4].run_if.as_ref().unwrap();
        assert_eq!(expression.is_true(&scope), Ok(holds), "{condition}");
    }
    let scope = scope(json!({"run_if": false}));
    assert_eq!(
        scope.plan.steps[4].run_if.as_ref().unwrap().is_true(&scope),
        Ok(false)
    );
}

#[test]
fn expressions_are_bounded_and_closed() {
    for text in [
        "{{ range(100000) | map('string') | join | length }}",
        "{{ [1]|list * 99999999999 }}",
        "{{ 'x' * 99999999999 }}",
    ] {
        if let Ok(value) = resolved(text) {
            assert!(value.to_string().len() < 1_000_000, "{text}");
        }
    }
}

#[test]
fn references_are_dependencies() {
    let text = r#"{"steps": [
        {"id": "a", "tool": "t"}, {"id": "b", "tool": "t"}, {"id": "c", "tool": "t"}, {"id": "d", "tool": "t"},
        {"id": "e", "tool": "t", "run_if": "a.ok", "for_each": "{{b.list}}",
         "parameters": {"x": ["{{ c.n + 1 }}", {"y": "see ${d.z}"}]}}]}"#;
    let plan = ExecutionPlan::from_json(text).unwrap();
    let waits: Vec<u32> = plan.steps[4].depends_on.iter().map(|ix| ix.0).collect();
    assert_eq!(waits, [0, 1, 2, 3]);
    let warned = plan
        .warnings
        .iter()
        .filter(|warning| warning.code == "undeclared_dependency");
    assert_eq!(warned.count(), 4);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(|number: f64| json!(number)),
        "[a-zA-Z0-9 .,:_\\-\"\\\\\néß→]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("[a-z]{1,4}", inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A value in which some strings refer to the context value `v` or to step `s`.
fn template() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        value(),
        Just(json!("{{v}}")),
        Just(json!("{{steps[s].output}}")),
        Just(json!("step:s")),
        "[a-z ]{0,5}".prop_map(|text| json!(format!("{text}{{{{v}}}}-${{s}}{text}"))),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-z]{1,4}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The meaning of a template, computed the slow way.
fn oracle(template: &Value, v: &Value, s: &Value) -> Value {
    let inserted = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string(other).unwrap(),
    };
    match template {
        Value::String(text) if text == "{{v}}" => v.clone(),
        Value::String(text) if text == "{{steps[s].output}}" || text == "step:s" => s.clone(),
        Value::String(text) => {
            let pieces: Vec<String> = text
                .split("{{v}}")
                .map(|piece| piece.split("${s}").collect::<Vec<_>>().join(&inserted(s)))
                .collect();
            Value::String(pieces.join(&inserted(v)))
        }
        Value::Array(list) => list.iter().map(|element| oracle(element, v, s)).collect(),
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, member)| (key.clone(), oracle(member, v, s)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Whether a graph has a cycle, by walking from every node.
fn has_cycle(edges: &BTreeMap<usize, BTreeSet<usize>>) -> bool {
    fn reaches(
        edges: &BTreeMap<usize, BTreeSet<usize>>,
        from: usize,
        to: usize,
        seen: &mut BTreeSet<usize>,
    ) -> bool {
        edges.get(&from).is_some_and(|next| {
            next.iter()
                .any(|next| *next == to || (seen.insert(*next) && reaches(edges, *next, to, seen)))
        })
    }
    edges
        .keys()
        .any(|node| reaches(edges, *node, *node, &mut BTreeSet::new()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn templates_mean_what_the_slow_way_says(template in template(), v in value(), s in value()) {
        let plan = json!({"steps": [
            {"id": "s", "tool": "t"},
            {"id": "probe", "tool": "t", "parameters": {"x": template.clone()}}
        ]});
        let plan = ExecutionPlan::from_json(&plan.to_string()).unwrap();
        let mut context = Map::new();
        context.insert("v".to_owned(), v.clone());
        let scope = Outputs { plan, done: vec![Some(Arc::new(s.clone())), None], context, item: None, lost: "skipped" };
        let resolved = scope.plan.steps[1].parameters.resolve(&scope).unwrap();
        prop_assert_eq!(&resolved["x"], &oracle(&template, &v, &s));
        // What was written and read again is the same plan.
        let again = ExecutionPlan::from_value(scope.plan.to_value()).unwrap();
        prop_assert_eq!(again.steps[1].parameters.source(), scope.plan.steps[1].parameters.source());
    }

    #[test]
    fn cycles_are_found_where_there_are_any(
        edges in prop::collection::vec((0_usize..8, 0_usize..8), 0..14)
    ) {
        let mut waits: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for (step, dependency) in edges {
            waits.entry(step).or_default().insert(dependency);
        }
        let steps: Vec<Value> = (0..8)
            .map(|step| json!({"id": step, "tool": "t", "depends_on": waits.get(&step)}))
            .collect();
        match ExecutionPlan::from_value(json!({"steps": steps})) {
            Ok(_) => prop_assert!(!has_cycle(&waits)),
            Err(faults) => {
                prop_assert!(has_cycle(&waits));
                for fault in faults.errors() {
                    prop_assert_eq!(fault.code, "cycle");
                    let named = fault.message.rsplit(": ").next().unwrap();
                    let cycle: Vec<usize> = named.split(" → ").map(|id| id.parse().unwrap()).collect();
                    prop_assert_eq!(cycle.first(), cycle.last());
                    for pair in cycle.windows(2) {
                        prop_assert!(waits[&pair[1]].contains(&pair[0]), "{:?}", cycle);
                    }
                }
            }
        }
    }
}
