//! Plandeck runs execution plans that large language models wrote, and shows the run live.

pub mod cli;
pub mod engine;
pub mod layout;
pub mod models;
pub mod plan;
pub mod report;
pub mod run;
pub mod text;
pub mod tools;
pub mod tui;
