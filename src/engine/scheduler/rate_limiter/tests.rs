//! Rates by themselves, without a run around them.

use super::*;
use proptest::prelude::*;

fn limiter(rate: Rate) -> RateLimiter {
    RateLimiter::new(&Rates([("m".into(), rate)].into()))
}

fn demand(tokens: u64) -> Demand {
    Demand {
        names: vec!["m".into()],
        tokens,
    }
}

/// Until when a call has to wait, where it has to.
#[allow(
    clippy::option_option,
    reason = "it may have to wait, and the moment may be known"
)]
fn refused(
    limiter: &mut RateLimiter,
    now: Micros,
    row: u32,
    tokens: u64,
) -> Option<Option<Micros>> {
    let refusal = limiter.refuse(now, StepIx(row), &demand(tokens), false);
    refusal.map(|refusal| refusal.until)
}

fn wait(limiter: &mut RateLimiter, row: u32, until: Option<Micros>, tokens: u64) -> Standing {
    let id = LimitId(0);
    limiter.wait(StepIx(row), Refusal { limit: id, until }, tokens)
}

#[test]
fn a_call_that_takes_more_than_a_minute_has_goes_alone() {
    let mut limiter = limiter(Rate {
        tokens_per_minute: Some(100),
        ..Rate::default()
    });
    assert_eq!(refused(&mut limiter, Micros(0), 0, 500), None);
    limiter.start(Micros(0), StepIx(0), &demand(500));
    assert_eq!(refused(&mut limiter, Micros(1), 1, 1), Some(Some(MINUTE)));
    assert_eq!(refused(&mut limiter, MINUTE, 1, 1), None);
}

#[test]
fn a_pool_lets_the_next_in_when_one_ends() {
    let mut limiter = limiter(Rate {
        max_concurrent: Some(1),
        ..Rate::default()
    });
    limiter.start(Micros(0), StepIx(0), &demand(0));
    assert_eq!(refused(&mut limiter, Micros(1), 1, 0), Some(None));
    wait(&mut limiter, 1, None, 0);
    assert_eq!(limiter.next_to_try(), None);
    limiter.end(StepIx(0));
    assert_eq!(limiter.next_to_try(), Some(StepIx(1)));
    assert_eq!(refused(&mut limiter, Micros(2), 1, 0), None);
    // A row that comes in between waits for the one that was asked to try.
    assert_eq!(refused(&mut limiter, Micros(2), 2, 0), Some(None));
}

#[test]
fn who_came_first_while_another_tried_gets_its_try() {
    let rate = Rate {
        max_concurrent: Some(1),
        ..Rate::default()
    };
    let mut limiter = RateLimiter::new(&Rates([("m".into(), rate), ("p".into(), rate)].into()));
    let at = |limit| Refusal { limit, until: None };
    let [m, p] = [LimitId(0), LimitId(1)];
    // The first waits for one name, the second for another, for which it is asked to try.
    limiter.wait(StepIx(1), at(p), 0);
    limiter.wait(StepIx(2), at(m), 0);
    limiter.to_recheck.push(m);
    assert_eq!(limiter.next_to_try(), Some(StepIx(2)));
    // Meanwhile the first comes to wait there as well, and what it waits for ends.
    limiter.wait(StepIx(1), at(m), 0);
    limiter.to_recheck.clear();
    limiter.to_recheck.push(m);
    assert_eq!(limiter.next_to_try(), None, "one at a time");
    limiter.wait(StepIx(2), at(m), 0);
    assert_eq!(limiter.next_to_try(), Some(StepIx(1)));
}

#[test]
fn a_later_call_goes_ahead_only_where_the_first_starts_no_later_for_it() {
    let mut limiter = limiter(Rate {
        tokens_per_minute: Some(100),
        ..Rate::default()
    });
    let second = Micros(1_000_000);
    limiter.start(Micros(0), StepIx(0), &demand(60));
    limiter.start(second, StepIx(1), &demand(20));
    // It needs the 60 to be gone, and then has 20 to spare.
    let until = Some(MINUTE);
    assert_eq!(refused(&mut limiter, second, 2, 60), Some(until));
    assert_eq!(wait(&mut limiter, 2, until, 60).timer, until);
    assert_eq!(refused(&mut limiter, second, 3, 20), None);
    limiter.start(second, StepIx(3), &demand(20));
    // One token more in that minute, and the first would have to wait for the 20.
    assert_eq!(refused(&mut limiter, second + second, 4, 1), Some(until));
    assert!(
        limiter
            .refuse(second + second, StepIx(4), &demand(1), true)
            .is_some()
    );
}

#[test]
fn whoever_steps_aside_keeps_its_turn_and_lets_the_next_try() {
    let mut limiter = limiter(Rate {
        max_concurrent: Some(1),
        ..Rate::default()
    });
    limiter.start(Micros(0), StepIx(0), &demand(0));
    for row in [1, 2] {
        assert!(wait(&mut limiter, row, None, 0).is_new);
    }
    assert!(
        !wait(&mut limiter, 2, None, 0).is_new,
        "nothing else than before"
    );
    limiter.end(StepIx(0));
    assert_eq!(limiter.next_to_try(), Some(StepIx(1)));
    assert_eq!(limiter.next_to_try(), None, "one at a time");
    limiter.step_aside(StepIx(1));
    assert_eq!(limiter.next_to_try(), Some(StepIx(2)));
    wait(&mut limiter, 1, None, 0);
    assert_eq!(
        refused(&mut limiter, Micros(1), 2, 0),
        Some(None),
        "1 came first"
    );
}

proptest! {
    /// A row that comes as soon as it may never makes more than the rate in any minute, and never waits
    /// longer than that takes.
    #[test]
    fn no_minute_has_more_than_the_rate(
        requests in 1u64..6,
        per_minute in 50u64..200,
        calls in prop::collection::vec((1u64..50, 0u64..20_000_000), 1..60),
    ) {
        let rate = Rate {
            requests_per_minute: Some(requests),
            tokens_per_minute: Some(per_minute),
            ..Rate::default()
        };
        let mut limiter = limiter(rate);
        let mut now = Micros(0);
        let mut starts: Vec<(Micros, u64)> = Vec::new();
        let fits = |starts: &[(Micros, u64)], at: Micros, tokens: u64| {
            let recent: Vec<_> = starts.iter().filter(|(then, _)| at - *then < MINUTE).collect();
            let used: u64 = recent.iter().map(|(_, tokens)| tokens).sum();
            (recent.len() as u64) < requests && used + tokens <= per_minute
        };
        for (row, (tokens, pause)) in calls.into_iter().enumerate() {
            now += Micros(pause);
            while let Some(until) = refused(&mut limiter, now, row as u32, tokens) {
                let at = until.expect("there is no such limit");
                prop_assert!(at > now);
                prop_assert!(!fits(&starts, at - Micros(1), tokens), "it waited too long");
                now = at;
            }
            prop_assert!(fits(&starts, now, tokens));
            starts.push((now, tokens));
            limiter.start(now, StepIx(row as u32), &demand(tokens));
            limiter.end(StepIx(row as u32));
        }
    }
}
