//! Quantities that every other room counts in: exact money, time spans, tokens and the options of models.

mod charge;
mod micros;
mod model_options;
mod money;
mod tokens;

pub use charge::{Charge, ChargeClass};
pub use micros::Micros;
pub use model_options::{ModelOptions, NoTemperature, Temperature};
pub use money::Money;
pub use tokens::Tokens;
