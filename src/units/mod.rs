//! Quantities that every other room counts in: exact money, time spans and tokens.

mod charge;
mod micros;
mod money;
mod tokens;

pub use charge::{Charge, ChargeClass};
pub use micros::Micros;
pub use money::Money;
pub use tokens::Tokens;
