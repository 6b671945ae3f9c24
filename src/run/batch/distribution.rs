//! Quantiles of a figure, in memory that does not grow with the number of its values.

use serde::Serialize;
use std::collections::BTreeMap;

/// How much wider a bucket is than the one before it: quantiles are exact to a percent.
const GROWTH: f64 = 1.02;

/// Quantiles of a figure over the items that were run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Quantiles {
    /// Half of the items are below.
    pub p50: f64,
    /// Nine of ten items are below.
    pub p90: f64,
    /// 99 of 100 items are below.
    pub p99: f64,
    /// The highest.
    pub max: f64,
}

/// Values counted in buckets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Distribution {
    buckets: BTreeMap<i32, u64>,
    count: u64,
    max: f64,
}

fn bucket_of(value: f64) -> i32 {
    if value > 0.0 {
        (value.ln() / GROWTH.ln()).floor() as i32
    } else {
        i32::MIN
    }
}

fn middle_of(bucket: i32) -> f64 {
    match bucket {
        i32::MIN => 0.0,
        bucket => GROWTH.powf(f64::from(bucket) + 0.5),
    }
}

impl Distribution {
    /// Counts a value.
    pub(crate) fn add(&mut self, value: f64) {
        *self.buckets.entry(bucket_of(value)).or_default() += 1;
        self.count += 1;
        self.max = self.max.max(value);
    }

    /// Counts a value no more that was counted before.
    pub(crate) fn remove(&mut self, value: f64) {
        let bucket = bucket_of(value);
        let Some(count) = self.buckets.get_mut(&bucket) else {
            return;
        };
        *count -= 1;
        self.count -= 1;
        if *count == 0 {
            self.buckets.remove(&bucket);
        }
        if value >= self.max {
            let highest = self.buckets.keys().next_back();
            self.max = highest.map_or(0.0, |bucket| middle_of(*bucket));
        }
    }

    /// Whether nothing is counted.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn quantile(&self, share: f64) -> f64 {
        let rank = (share * self.count as f64).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in &self.buckets {
            seen += count;
            if seen >= rank {
                return middle_of(*bucket).min(self.max);
            }
        }
        self.max
    }

    /// Its quantiles; zeros where nothing is counted.
    pub(crate) fn quantiles(&self) -> Quantiles {
        Quantiles {
            p50: self.quantile(0.5),
            p90: self.quantile(0.9),
            p99: self.quantile(0.99),
            max: self.max,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_removed_leaves_what_was_there_before() {
        let mut values = Distribution::default();
        for value in 1..=100 {
            values.add(f64::from(value));
        }
        let before = values.quantiles();
        for value in 1000..1200 {
            values.add(f64::from(value));
        }
        assert!(values.quantiles().p50 > 1000.0);
        for value in 1000..1200 {
            values.remove(f64::from(value));
        }
        let after = values.quantiles();
        assert_eq!(
            (before.p50, before.p90, before.p99),
            (after.p50, after.p90, after.p99)
        );
        assert!((after.max / 100.0 - 1.0).abs() < 0.02);
        values.remove(5000.0);
        assert!((after.max - values.quantiles().max).abs() < f64::EPSILON);
    }
}
