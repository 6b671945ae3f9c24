//! `plandeck bisect`: finds the differences that turn the result of one recorded run into that of another.

use super::args::run::ColorWhen;
use super::args::trials::BisectArgs;
use super::confirm::confirmed;
use super::failure::{Failure, OVER_LIMIT};
use super::output::{note_line, notes, out, out_json};
use super::terminal::signal_code;
use super::trust;
use crate::run::wilson;
use crate::session::{
    Bisect, BisectPrice, Cause, Difference, Question, SessionError, Set, Settings, Tested, TestedAs,
};
use crate::text::diff::{Pair, Piece, pairs};
use crate::text::format;
use crate::text::json::beginning;
use crate::text::value_diff::first_difference;
use crate::tui::EndingSignals;
use crate::units::Money;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Cells of a value.
const VALUE: usize = 100;

/// Finds the cause, and prints it.
pub(super) async fn bisect(args: BisectArgs) -> Result<u8, Failure> {
    let here = std::env::current_dir().unwrap_or_default();
    let settings = Settings::load(&here)?;
    let mut source = args.go_on.source.options();
    source.trust = trust::is_given(args.go_on.consent.trust);
    source.allow_unsandboxed = args.go_on.consent.allow_unsandboxed;
    let question = Question {
        step: args.step.clone(),
        expect: args.expect.clone(),
        repeats: args.repeats,
    };
    let bisect = Bisect::of([&args.good, &args.bad], &question, source, &settings).await?;
    notes(&bisect.notes(), ColorWhen::default());
    let limits = args.go_on.limits.over(settings.limits()?);
    let price = bisect.price(&limits);
    if args.dry_run {
        print_price(&args, &bisect, price)?;
        return Ok(0);
    }
    note_line(&in_words(&bisect, price));
    let is_free = price.cost.max == Some(Money::ZERO);
    if !is_free && !args.yes && !confirmed("test them?")? {
        return Ok(0);
    }
    let consent = bisect.consent()?.map_err(SessionError::NotTrusted)?;
    let mut number = 0;
    let mut on_test = |test: &Tested| {
        number += 1;
        note_line(&progress(&bisect, number, test));
    };
    let mut signals = EndingSignals::listen_in_background()
        .map_err(|error| Failure::usage(format!("signals: {error}")))?;
    let found = tokio::select! {
        found = Box::pin(bisect.run(&settings, limits, consent, &mut on_test)) => found?,
        // The fork that is running ends with it.
        number = signals.next() => return Ok(signal_code(number)),
    };
    if args.json {
        out_json(&to_json(&args, &bisect, &found))?;
    } else {
        out(&to_text(&args, &bisect, &found))?;
    }
    Ok(match (found.limited, &found.set) {
        (true, _) => OVER_LIMIT,
        (false, Some(_)) if undecided(&found).is_empty() => 0,
        (false, _) => 1,
    })
}

fn amount(cost: Option<Money>) -> String {
    cost.map_or_else(|| "unknown".to_owned(), |cost| cost.to_string())
}

fn in_words(bisect: &Bisect, price: BisectPrice) -> String {
    let count = format::count(bisect.differences.len(), "difference");
    if price.max_forks == 0 {
        return format!("{count}: nothing to test");
    }
    let forks = format!(
        "{count}: about {} forks, {} at most",
        price.forks, price.max_forks
    );
    if price.cost.max == Some(Money::ZERO) {
        return format!("{forks}: free");
    }
    format!(
        "{forks}; {} expected, {} at most",
        amount(price.cost.expected),
        amount(price.cost.max)
    )
}

fn print_price(args: &BisectArgs, bisect: &Bisect, price: BisectPrice) -> Result<(), Failure> {
    if args.json {
        return out_json(&json!({
            "good": bisect.runs()[0],
            "bad": bisect.runs()[1],
            "differences": bisect.differences.iter().map(named).collect::<Vec<_>>(),
            "forks": {"min": 0, "expected": price.forks, "max": price.max_forks},
            "cost_usd": {"min": price.cost.min, "expected": price.cost.expected, "max": price.cost.max},
        }));
    }
    let mut text = String::new();
    for one in &bisect.differences {
        let _ = writeln!(text, "{}", one.name());
    }
    let _ = writeln!(text, "{}", in_words(bisect, price));
    out(&text)
}

/// One test in a line.
fn progress(bisect: &Bisect, number: usize, test: &Tested) -> String {
    let what = match test.set.len() {
        0 => "none".to_owned(),
        all if all == bisect.differences.len() => format!("all {all}"),
        _ => {
            let names = test.set.iter().filter_map(|at| bisect.differences.get(*at));
            let names: Vec<String> = names.take(3).map(Difference::name).collect();
            let more = test.set.len() - names.len();
            let more = if more == 0 {
                String::new()
            } else {
                format!(" and {more} more")
            };
            names.join(", ") + &more
        }
    };
    format!("test {number}, with {what}: {}", outcome(test))
}

fn outcome(test: &Tested) -> String {
    let forks = |count: u32| {
        let [low, high] = wilson(count as usize, test.of as usize);
        format!(
            "{count} of {} (95 % interval {:.0} % to {:.0} %)",
            test.of,
            low * 100.0,
            high * 100.0
        )
    };
    let word = match test.what {
        TestedAs::Good => "good",
        TestedAs::Bad => "bad",
        TestedAs::Other => "another result",
        TestedAs::Invalid => "not a plan that can run",
        TestedAs::Effects => "not tested",
        TestedAs::Undecided => {
            return format!("not decidable: bad in {}", forks(test.count));
        }
    };
    match &test.why {
        Some(why) => format!("{word}: {}", crate::text::line(why)),
        None if test.of > 1 => format!("{word}, {}", forks(test.count)),
        None => word.to_owned(),
    }
}

/// The tests on which it depends whether something of the cause can be left out, and that did not say.
fn undecided(found: &Cause) -> Vec<&Tested> {
    let Some(set) = &found.set else {
        return Vec::new();
    };
    let is_part = |test: &&Tested| test.set.is_subset(set) && test.what == TestedAs::Undecided;
    found.tests.iter().filter(is_part).collect()
}

/// Differences that could not be told apart because a call may change something: as sets that were not tested, with why.
fn not_tested(found: &Cause) -> Vec<&Tested> {
    let is_effect = |test: &&Tested| test.what == TestedAs::Effects;
    found.tests.iter().filter(is_effect).collect()
}

fn named(one: &Difference) -> Value {
    json!({"kind": one.kind, "name": one.name(), "good": one.good, "bad": one.bad})
}

fn set_of(bisect: &Bisect, set: &Set) -> Vec<Value> {
    let all = set.iter().filter_map(|at| bisect.differences.get(*at));
    all.map(named).collect()
}

fn tested(bisect: &Bisect, test: &Tested) -> Value {
    let names = test.set.iter().filter_map(|at| bisect.differences.get(*at));
    let names: Vec<String> = names.map(Difference::name).collect();
    let interval = (test.of > 0).then(|| wilson(test.count as usize, test.of as usize));
    json!({
        "differences": names, "outcome": test.what, "count": test.count, "of": test.of, "interval": interval,
        "why": test.why,
    })
}

fn to_json(args: &BisectArgs, bisect: &Bisect, found: &Cause) -> Value {
    let list = |tests: Vec<&Tested>| {
        let tests = tests.into_iter().map(|test| tested(bisect, test));
        tests.collect::<Vec<_>>()
    };
    json!({
        "good": bisect.runs()[0],
        "bad": bisect.runs()[1],
        "step": args.step,
        "expect": args.expect,
        "seen": {"good": bisect.seen()[0], "bad": bisect.seen()[1]},
        "differences": bisect.differences.len(),
        "cause": found.set.as_ref().map(|set| set_of(bisect, set)),
        "smallest": found.is_smallest,
        "undecided": list(undecided(found)),
        "not_tested": list(not_tested(found)),
        "tests": list(found.tests.iter().collect()),
        "forks": found.forks,
        "cost": found.cost,
        "limited": found.limited,
    })
}

fn to_text(args: &BisectArgs, bisect: &Bisect, found: &Cause) -> String {
    let mut text = String::new();
    let [good, bad] = bisect.runs();
    let all = format::count(bisect.differences.len(), "difference");
    match &found.set {
        None => {
            let _ = writeln!(
                text,
                "a limit ended the search; of {all}, these are tested:"
            );
            for (at, test) in found.tests.iter().enumerate() {
                let _ = writeln!(text, "  {}", progress(bisect, at + 1, test));
            }
        }
        Some(set) => {
            let what = match (&args.step, &args.expect) {
                (Some(step), _) => format!("step {}", crate::text::line(step)),
                (None, Some(_)) => "what is expected".to_owned(),
                (None, None) => "the result".to_owned(),
            };
            let count = match set.len() {
                1 => "one".to_owned(),
                count => count.to_string(),
            };
            let _ = writeln!(
                text,
                "{count} of {all} turns {what} of run {good} into that of run {bad}:"
            );
            for at in set {
                if let Some(one) = bisect.differences.get(*at) {
                    write_difference(&mut text, one);
                }
            }
            if set.len() > 1 {
                let smallest = if found.is_smallest {
                    "no smaller set does"
                } else {
                    "none of them can be left out"
                };
                let _ = writeln!(text, "{smallest}");
            }
            for test in undecided(found) {
                let _ = writeln!(text, "{}", without(bisect, set, test));
            }
        }
    }
    for test in not_tested(found) {
        let why = test.why.as_deref().unwrap_or_default();
        let _ = writeln!(text, "not tested: {}", crate::text::line(why));
    }
    let cost = match found.cost {
        Some(cost) if cost.is_zero() => "free".to_owned(),
        cost => amount(cost),
    };
    let _ = writeln!(
        text,
        "{}, {cost}; they stand below run {good} in `plandeck runs --tree`",
        format::count(found.forks, "fork")
    );
    text
}

/// That it is not known whether part of the cause can be left out.
fn without(bisect: &Bisect, set: &Set, test: &Tested) -> String {
    let left_out = set.difference(&test.set);
    let left_out = left_out.filter_map(|at| bisect.differences.get(*at));
    let names: Vec<String> = left_out.map(Difference::name).collect();
    format!("without {}: {}", names.join(" and "), outcome(test))
}

fn write_difference(text: &mut String, one: &Difference) {
    let _ = writeln!(text, "  {}", one.name());
    let shown = |value: &Option<Value>| {
        value.as_ref().map_or_else(
            || "nothing".to_owned(),
            |value| {
                let value = one_text(value).map_or_else(|| beginning(value, VALUE), str::to_owned);
                crate::text::fit(&crate::text::line(&value), VALUE)
            },
        )
    };
    let text_of = |value: &Option<Value>| value.as_ref().and_then(one_text).map(str::to_owned);
    if let (Some(good), Some(bad)) = (text_of(&one.good), text_of(&one.bad)) {
        write_lines(text, &good, &bad);
        return;
    }
    let _ = writeln!(text, "    - {}", shown(&one.good));
    let _ = writeln!(text, "    + {}", shown(&one.bad));
    if let (Some(good), Some(bad)) = (&one.good, &one.bad) {
        let place = first_difference(bad, good);
        if let Some(place) = place.filter(|place| place.path != ".") {
            let _ = writeln!(text, "      {place}");
        }
    }
}

/// A text, or the text of a script.
fn one_text(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("text")?.as_str())
}

/// Two texts line by line.
fn write_lines(text: &mut String, good: &str, bad: &str) {
    let whole = |pieces: &[Piece]| {
        let pieces: String = pieces.iter().map(|piece| &*piece.text).collect();
        crate::text::fit(&crate::text::line(&pieces), VALUE)
    };
    for pair in pairs(good, bad) {
        let _ = match pair {
            Pair::Alike(line) => {
                let line = crate::text::fit(&crate::text::line(&line), VALUE);
                writeln!(text, "      {line}")
            }
            Pair::Apart(before, after) => {
                let before =
                    before.map_or_else(String::new, |one| format!("    - {}\n", whole(&one)));
                let after =
                    after.map_or_else(String::new, |one| format!("    + {}\n", whole(&one)));
                write!(text, "{before}{after}")
            }
            Pair::Skipped(count) => writeln!(text, "      … {}", format::count(count, "line")),
            Pair::Cut => writeln!(text, "      …"),
        };
    }
}
