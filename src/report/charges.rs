//! The sum that makes the cost of an attempt, in words.

use crate::run::AttemptEnd;
use crate::text::format;
use crate::units::{Charge, ChargeClass, Money};

/// The sum: tokens times price for each class, then the cost. `None` where nothing was charged.
///
/// What the server does not say counts at its upper bound, and the sum says so.
pub(crate) fn sum_in_words(end: &AttemptEnd) -> Option<String> {
    let Some(cost) = end.cost else {
        let tokens = end.tokens.as_deref()?;
        return Some(format!(
            "{} input + {} output tokens × no known price",
            format::thousands(tokens.input),
            format::thousands(tokens.output)
        ));
    };
    if end.charges.is_empty() {
        return None;
    }
    let counted = || {
        let charges = end.charges.iter();
        charges.filter(|charge| charge.class != ChargeClass::Stated)
    };
    let is_alone = !counted().any(|charge| charge.class.is_of_tokens());
    let mut parts: Vec<String> = counted().map(|charge| part(charge, is_alone)).collect();
    if parts.is_empty() {
        parts.push("nothing".to_owned());
    }
    Some(format!(
        "{} = {}{}",
        parts.join(" + "),
        format::exact(cost),
        comparison(&end.charges)
    ))
}

/// What follows a sum where the provider states its bill.
fn comparison(charges: &[Charge]) -> String {
    let stated = charges
        .iter()
        .find(|charge| charge.class == ChargeClass::Stated);
    let Some(stated) = stated else {
        return String::new();
    };
    let bill = format::exact(stated.price);
    let counted = charges.iter().filter(|charge| charge.class.is_of_tokens());
    let own: Money = counted.map(Charge::cost).sum();
    let is_of_bill = charges
        .iter()
        .any(|charge| charge.class == ChargeClass::Billed);
    if is_of_bill {
        format!(" (the provider states {bill})")
    } else if own == stated.price {
        " (the provider states the same)".to_owned()
    } else {
        format!(" (the provider states {bill}; the higher amount counts)")
    }
}

/// What a bill adds to the other parts, or all of it.
fn bill(amount: Money, is_alone: bool) -> String {
    let more = if is_alone { "" } else { " more" };
    format!("{}{more} by the provider's bill", format::exact(amount))
}

fn part(charge: &Charge, is_alone: bool) -> String {
    let name = match charge.class {
        ChargeClass::Input => "input",
        ChargeClass::CachedInput => "cached input",
        ChargeClass::CacheWrite => "cache write",
        ChargeClass::CacheWrite1h => "cache write (1 h)",
        ChargeClass::Output => "output",
        ChargeClass::Reasoning => "reasoning",
        ChargeClass::Call => {
            let calls = format::count(usize::try_from(charge.count).unwrap_or(usize::MAX), "call");
            return format!("{calls} × {}", format::exact(charge.price));
        }
        ChargeClass::Billed => return bill(charge.price, is_alone),
        // It follows the sum.
        ChargeClass::Stated => return String::new(),
        ChargeClass::Reserved => {
            return format!(
                "{} reserved (the bill is not known)",
                format::exact(charge.cost())
            );
        }
    };
    let per_million = format::exact(charge.price.times(1_000_000));
    let count = format::thousands(charge.count);
    if charge.upper_bound {
        format!("at most {count} {name} (the server does not say) × {per_million}/M")
    } else {
        format!("{count} {name} × {per_million}/M")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::StepIx;
    use crate::run::{AttemptDetails, StepKey};
    use crate::units::{Micros, Tokens};

    fn end(cost: Option<Money>, charges: &[(ChargeClass, u64, i64, bool)]) -> AttemptEnd {
        let charges = charges
            .iter()
            .map(|(class, count, pico, upper_bound)| Charge {
                class: *class,
                count: *count,
                price: Money::from_pico(*pico),
                upper_bound: *upper_bound,
            });
        AttemptEnd {
            step: StepKey {
                ix: StepIx(0),
                id: "s".into(),
            },
            attempt: 1,
            service: Micros(1),
            cost,
            details: AttemptDetails {
                charges: charges.collect(),
                tokens: Some(Box::new(Tokens::plain(1_310, 45))),
                ..AttemptDetails::default()
            }
            .boxed(),
            cancelled: false,
        }
    }

    #[test]
    fn every_class_has_its_part() {
        let charges = [
            (ChargeClass::Input, 1_200, 3_000_000, false),
            (ChargeClass::CachedInput, 100, 300_000, false),
            (ChargeClass::CacheWrite, 10, 3_750_000, false),
            (ChargeClass::Reasoning, 45, 15_000_000, false),
            (ChargeClass::Call, 1, 20_000_000_000, false),
        ];
        let end = end(Some(Money::from_pico(24_342_500_000)), &charges);
        assert_eq!(
            sum_in_words(&end).unwrap(),
            "1,200 input × $3/M + 100 cached input × $0.3/M + 10 cache write × $3.75/M + 45 reasoning × $15/M + \
             1 call × $0.02 = $0.0243425"
        );
    }

    #[test]
    fn what_is_not_known_is_said() {
        let bound = end(
            Some(Money::from_pico(614_400_000)),
            &[(ChargeClass::Output, 1_024, 600_000, true)],
        );
        assert_eq!(
            sum_in_words(&bound).unwrap(),
            "at most 1,024 output (the server does not say) × $0.6/M = $0.0006144"
        );
        let reserved = end(
            Some(Money::from_pico(5)),
            &[(ChargeClass::Reserved, 1, 5, true)],
        );
        assert_eq!(
            sum_in_words(&reserved).unwrap(),
            "$0.000000000005 reserved (the bill is not known) = $0.000000000005"
        );
        assert_eq!(
            sum_in_words(&end(None, &[])).unwrap(),
            "1,310 input + 45 output tokens × no known price"
        );
        assert_eq!(sum_in_words(&end(Some(Money::ZERO), &[])), None);
    }
}
