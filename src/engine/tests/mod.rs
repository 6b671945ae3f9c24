//! What the engine is trusted for.

mod driver;
