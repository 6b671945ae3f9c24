//! How often repeated calls give the same answer.

use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// The 97.5 % quantile of the normal distribution: both tails of a 95 % interval hold 2.5 %.
const Z: f64 = 1.959_963_984_540_054;

/// How far the answers of repeated calls agree.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Calls that ended, failed ones included.
    pub n: usize,
    /// Calls that failed; they agree with nothing.
    pub failed: usize,
    /// The share of the most frequent answer among all calls, from 0 to 1; 0 where there is none.
    pub agreement: f64,
    /// The 95 % interval of that share: Wilson's, which also holds for few calls and for shares near 0 and 1.
    pub interval: [f64; 2],
    /// The answers, the most frequent first; equally frequent ones in the order in which they came.
    pub answers: Vec<EqualAnswers>,
}

/// Equal answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EqualAnswers {
    /// The answer.
    pub output: Arc<Value>,
    /// How often it came.
    pub count: usize,
    /// Which calls gave it, counted from 0.
    #[serde(skip)]
    pub calls: Vec<usize>,
}

impl Agreement {
    /// Counts equal answers; `None` stands for a call that failed. Objects are equal whatever the order of their members.
    pub fn of(answers: impl IntoIterator<Item = Option<Arc<Value>>>) -> Self {
        let (mut n, mut failed) = (0, 0);
        let mut groups: Vec<EqualAnswers> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for answer in answers {
            let call = n;
            n += 1;
            let Some(output) = answer else {
                failed += 1;
                continue;
            };
            let at = *known.entry(sorted(&output).to_string()).or_insert_with(|| {
                groups.push(EqualAnswers {
                    output,
                    count: 0,
                    calls: Vec::new(),
                });
                groups.len() - 1
            });
            groups[at].count += 1;
            groups[at].calls.push(call);
        }
        // Stable: what came first stays first.
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        let most = groups.first().map_or(0, |group| group.count);
        Self {
            n,
            failed,
            agreement: share(most, n),
            interval: wilson(most, n),
            answers: groups,
        }
    }
}

/// The value with the members of its objects in the order of their names.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(list) => list.iter().map(sorted).collect(),
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let members = members.into_iter();
            members
                .map(|(name, value)| (name.clone(), sorted(value)))
                .collect()
        }
        other => other.clone(),
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of calls are small")]
fn share(part: usize, n: usize) -> f64 {
    if n == 0 { 0.0 } else { part as f64 / n as f64 }
}

/// Wilson's score interval of a share, rounded to 4 digits; everything is possible where there were no calls.
#[allow(clippy::cast_precision_loss, reason = "counts of calls are small")]
pub(crate) fn wilson(part: usize, n: usize) -> [f64; 2] {
    if n == 0 {
        return [0.0, 1.0];
    }
    let (share, n) = (share(part, n), n as f64);
    let square = Z * Z;
    let centre = share + square / (2.0 * n);
    let spread = Z * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    let bound = |at: f64| ((at / (1.0 + square / n)).clamp(0.0, 1.0) * 1e4).round() / 1e4;
    [bound(centre - spread), bound(centre + spread)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn of(answers: &[Value]) -> Agreement {
        Agreement::of(answers.iter().map(|one| {
            let failed = one.is_null();
            (!failed).then(|| Arc::new(one.clone()))
        }))
    }

    #[test]
    fn equal_answers_are_counted_and_failures_agree_with_nothing() {
        let found = of(&[
            json!({"a": 1, "b": [{"x": 1, "y": 2}]}),
            json!("other"),
            json!({"b": [{"y": 2, "x": 1}], "a": 1}),
            Value::Null,
        ]);
        assert_eq!((found.n, found.failed, found.answers.len()), (4, 1, 2));
        assert_eq!(found.answers[0].count, 2);
        assert_eq!(found.answers[0].calls, [0, 2]);
        assert!((found.agreement - 0.5).abs() < f64::EPSILON);
    }

    #[test]
    fn the_interval_is_wilson_s() {
        for (part, n, known) in [
            (20, 20, [0.8389, 1.0]),
            (19, 20, [0.7639, 0.9911]),
            (10, 20, [0.2993, 0.7007]),
            (0, 20, [0.0, 0.1611]),
            (0, 0, [0.0, 1.0]),
        ] {
            assert_eq!(format!("{:?}", wilson(part, n)), format!("{known:?}"));
        }
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_share_and_the_counts_add_up(answers in proptest::collection::vec(0..5_u32, 0..60)) {
            let values: Vec<Value> = answers.iter().map(|&one| if one == 4 { Value::Null } else { json!(one) }).collect();
            let found = of(&values);
            let counted: usize = found.answers.iter().map(|one| one.count).sum();
            prop_assert_eq!(counted + found.failed, answers.len());
            let most = (0..4).map(|one| answers.iter().filter(|&&it| it == one).count()).max().unwrap_or(0);
            prop_assert_eq!(found.answers.first().map_or(0, |one| one.count), most);
            prop_assert!(found.interval[0] <= found.agreement + 1e-4 && found.agreement <= found.interval[1] + 1e-4);
        }
    }
}
