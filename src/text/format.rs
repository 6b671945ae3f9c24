//! Times, money and shares as people read them.

use crate::units::{Micros, Money};

/// A time that is still counting, in at most six columns: tenths of a second, so that it does not flicker.
pub(crate) fn elapsed(span: Micros) -> String {
    let tenths = span.0 / 100_000;
    let seconds = tenths / 10;
    match seconds {
        0..60 => format!("{seconds}.{}s", tenths % 10),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..360_000 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}h", seconds / 3600),
    }
}

/// A time that is over, to about three digits, in at most six columns.
pub(crate) fn duration(span: Micros) -> String {
    match span.0 {
        0 => "0".to_owned(),
        1..1_000 => format!("{}µs", span.0),
        1_000..10_000 => format!("{:.1}ms", span.ms()),
        10_000..1_000_000 => format!("{:.0}ms", span.ms().min(999.0)),
        1_000_000..10_000_000 => format!("{:.2}s", span.seconds()),
        _ => elapsed(span),
    }
}

/// How old something is, in the largest unit that is exact enough.
pub(crate) fn age(span: Micros) -> String {
    let seconds = span.0 / 1_000_000;
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A limit of money: whole cents where it is that, `$10.00`.
pub(crate) fn budget(amount: Money) -> String {
    const CENT: i64 = 10_000_000_000;
    if amount.pico() % CENT == 0 {
        format!("${:.2}", amount.usd())
    } else {
        amount.to_string()
    }
}

/// An amount of money with every digit that it has, `$0.0000465`.
pub(crate) fn exact(amount: Money) -> String {
    const PICO: u64 = 1_000_000_000_000;
    let (sign, pico) = (
        if amount.pico() < 0 { "-" } else { "" },
        amount.pico().unsigned_abs(),
    );
    let fraction = format!("{:012}", pico % PICO);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}${}{point}{fraction}", pico / PICO)
}

/// At most nine columns for what a step costs: as money is written elsewhere, with fewer digits where it is much or next
/// to nothing.
pub(crate) fn cost(cost: Money) -> String {
    let usd = cost.usd();
    if usd >= 1_000.0 {
        format!("${usd:.0}")
    } else if usd >= 10.0 {
        format!("${usd:.2}")
    } else if usd >= 0.000_1 {
        cost.to_string()
    } else if usd >= 0.000_001 {
        format!("${usd:.6}")
    } else {
        "<$0.00001".to_owned()
    }
}

/// The same, `$0` for nothing.
pub(crate) fn cost_or_zero(amount: Money) -> String {
    if amount.is_zero() {
        "$0".to_owned()
    } else {
        cost(amount)
    }
}

/// A time that is an estimate: whole seconds, or minutes and seconds.
pub(crate) fn whole_seconds(span: Micros) -> String {
    let rounded = (span.0 + 500_000) / 1_000_000;
    match rounded {
        0..60 => format!("{rounded}s"),
        _ => elapsed(Micros(rounded * 1_000_000)),
    }
}

/// A share of one, in percent.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

/// A ratio, `2.3×`.
pub(crate) fn times(ratio: f64) -> String {
    format!("{ratio:.1}×")
}

/// A number with its noun: `1 step`, `3 steps`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(number as u64))
}

/// `12,345`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A size in bytes, `12.3 kB`.
pub(crate) fn bytes(size: usize) -> String {
    let size = size as f64;
    if size < 1e3 {
        format!("{size} B")
    } else if size < 1e6 {
        format!("{:.1} kB", size / 1e3)
    } else {
        format!("{:.1} MB", size / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_naturally() {
        assert_eq!(elapsed(Micros(2_449_999)), "2.4s");
        assert_eq!(elapsed(Micros(182_000_000)), "3m02s");
        assert_eq!(elapsed(Micros(3_720_000_000)), "1h02m");
        assert_eq!(age(Micros(90_000_000)), "90s");
        assert_eq!(age(Micros(7_200_000_000)), "2h");
        assert_eq!(age(Micros(300_000_000_000)), "3 days");
        assert_eq!(duration(Micros(0)), "0");
        assert_eq!(duration(Micros(830)), "830µs");
        assert_eq!(duration(Micros(4_200)), "4.2ms");
        assert_eq!(duration(Micros(999_900)), "999ms");
        assert_eq!(duration(Micros(1_240_000)), "1.24s");
        assert_eq!(duration(Micros(61_000_000)), "1m01s");
        assert_eq!(duration(Micros(450_420_000_000)), "125h");
    }

    #[test]
    fn numbers_read_naturally() {
        assert_eq!(budget(Money::from_usd(10.0)), "$10.00");
        assert_eq!(budget(Money::from_usd(0.0005)), "$0.0005");
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(count(1, "step"), "1 step");
        assert_eq!(bytes(12_345), "12.3 kB");
        assert_eq!(percent(0.944), "94%");
    }
}
