//! Plans in every dialect: read, checked, refused; and the geometry of their graphs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod dialects;
mod faults;
mod hostile;
mod layout_properties;
mod model_answers;
mod reading;
mod references;
mod values;
