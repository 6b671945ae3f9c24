//! The tools that steps call: the catalog, and a file for each way to carry out a call, behind [`Tool`].

mod call;

pub use call::{Call, CallLog, CallReport, Quote, Tool, ToolError, Toolbox};
