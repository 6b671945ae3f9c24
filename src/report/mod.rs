//! Everything a run is turned into for others.

mod summary;

pub use summary::summary;
