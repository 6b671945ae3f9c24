//! The account of a batch against what has to hold whatever runs do: random runs ask, spend, wait, end and go on after a
//! crash.

use super::*;
use crate::session::item_server::wire::FundsVerdict;
use proptest::collection::vec;
use proptest::prelude::*;

fn dollars(cents: i64) -> Money {
    Money::from_pico(cents * 10_000_000_000)
}

fn ledger(budget: Option<i64>, calls: Option<u64>) -> Ledger {
    let mut ledger = Ledger::default();
    let limits = ResourceLimits {
        max_total_cost_usd: budget.map(dollars),
        max_tool_calls: calls,
        ..ResourceLimits::none()
    };
    ledger.begin(&limits, true, Money::ZERO);
    ledger
}

fn request(item: usize, spent: i64, held: i64, next: i64, made: u64) -> FundsRequest {
    FundsRequest {
        item: item.to_string().into(),
        total: dollars(held + next),
        held: dollars(held),
        spent: dollars(spent),
        calls: made + 1,
        more_calls: 2,
    }
}

/// A run as it knows itself: what it has spent and reserved, its calls, and what it was granted.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    spent: i64,
    running: Option<i64>,
    calls: u64,
    over: bool,
}

proptest! {
    /// What is spent and reserved by all runs never passes the budget, nor do calls pass theirs; and not all runs wait for
    /// each other for ever.
    #[test]
    fn runs_share_one_account(
        budget in 1i64..60,
        most_calls in proptest::option::of(1u64..20),
        story in vec((0usize..4, 1i64..20, 0i64..=100), 1..200),
    ) {
        let mut ledger = ledger(Some(budget), most_calls);
        let mut runs = [Run::default(); 4];
        for (who, bound, share) in story {
            let run = &mut runs[who];
            if run.over {
                continue;
            }
            if let Some(reserved) = run.running.take() {
                run.spent += reserved * share / 100;
                continue;
            }
            let answer = ledger.reserve(&request(who, run.spent, run.spent, bound, run.calls));
            match answer.verdict {
                FundsVerdict::Granted => {
                    prop_assert!(answer.total >= dollars(run.spent + bound));
                    prop_assert!(answer.calls > run.calls);
                    run.running = Some(bound);
                    run.calls += 1;
                }
                FundsVerdict::Wait => {
                    let holds = runs.iter().enumerate().any(|(other, run)| {
                        other != who && !run.over && (run.running.is_some() || run.calls < 20)
                    });
                    prop_assert!(holds, "it waits for nobody");
                }
                FundsVerdict::Refused { .. } => {
                    let settlement = Settlement {
                        item: who.to_string().into(),
                        spent: dollars(run.spent),
                        calls: run.calls,
                    };
                    run.over = true;
                    ledger.settle(&settlement);
                }
            }
            let held: i64 = runs.iter().map(|run| run.spent + run.running.unwrap_or(0)).sum();
            prop_assert!(held <= budget, "{held} of {budget}");
            let calls: u64 = runs.iter().map(|run| run.calls).sum();
            prop_assert!(most_calls.is_none_or(|most| calls <= most), "{calls} of {most_calls:?}");
        }
        // Where no call is running, whoever asks is told for certain, once each has asked.
        for (who, run) in runs.iter_mut().enumerate() {
            if let Some(reserved) = run.running.take() {
                run.spent += reserved;
            }
            if !run.over {
                ledger.reserve(&request(who, run.spent, run.spent, 1000, run.calls));
            }
        }
        if let Some((who, run)) = runs.iter().enumerate().find(|(_, run)| !run.over) {
            let answer = ledger.reserve(&request(who, run.spent, run.spent, 1, run.calls));
            prop_assert_ne!(answer.verdict, FundsVerdict::Wait, "run {} of {:?}", who, runs);
        }
    }
}

#[test]
fn what_is_asked_again_after_a_crash_is_granted_once() {
    let mut ledger = ledger(Some(10), None);
    let ask = request(1, 0, 0, 8, 0);
    let first = ledger.reserve(&ask);
    assert_eq!(first.verdict, FundsVerdict::Granted);
    assert_eq!(ledger.reserve(&ask), first);
    assert_eq!(
        ledger.reserve(&request(2, 0, 0, 8, 0)).verdict,
        FundsVerdict::Wait
    );
}

#[test]
fn a_budget_that_is_raised_lets_a_batch_go_on() {
    let mut ledger = ledger(Some(10), None);
    ledger.settle(&Settlement {
        item: "1".into(),
        spent: dollars(9),
        calls: 3,
    });
    let refused = ledger.reserve(&request(2, 0, 0, 5, 0)).verdict;
    let FundsVerdict::Refused { limit, message } = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(limit, Limit::MaxTotalCostUsd);
    assert!(
        message.contains("$0.05") && message.contains("$0.01"),
        "{message}"
    );
    let limits = ResourceLimits {
        max_total_cost_usd: Some(dollars(20)),
        ..ResourceLimits::none()
    };
    ledger.begin(&limits, true, dollars(9));
    assert_eq!(ledger.spent(), dollars(9));
    let granted = ledger.reserve(&request(2, 0, 0, 5, 0)).verdict;
    assert_eq!(granted, FundsVerdict::Granted);
}
