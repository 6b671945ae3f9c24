//! Exchanges with models in words.

use crate::run::Exchange;

/// `attempt 1, exchange 2: answered 200`.
pub(crate) fn exchange_in_words(exchange: &Exchange) -> String {
    let (attempt, number) = (exchange.attempt, exchange.exchange);
    let status = exchange.status.map_or_else(
        || "no response".to_owned(),
        |status| format!("answered {status}"),
    );
    format!("attempt {attempt}, exchange {number}: {status}")
}
