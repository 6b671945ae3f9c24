//! The tools that steps call: the catalog, and a file for each way to carry out a call, behind [`Tool`].
//!
//! A further way to carry out a call is a new file with a [`Tool`], a variant of
//! [`Implementation`](catalog::Implementation) for its settings, and a line in the toolbox.

mod call;
pub mod catalog;
mod code_exec;
mod function;
mod group;
mod http;
pub mod jq;
pub mod launch;
mod model;
mod placeholder;
mod process;
pub mod recipe;
pub mod sandbox;
mod secrets;
mod services;
mod simulated;
mod toolbox;

pub use crate::models::Funds;
pub use crate::text::message::{clean, quote, quote_end};
pub use call::{
    Call, CallLog, CallReport, Estimate, Quote, Reservation, Tool, ToolError, Toolbox, Unseen,
};
pub use catalog::{Catalog, ToolDefinition};
pub use function::FnTool;
pub use recipe::Recipe;
pub use sandbox::Program;
pub use services::ToolOptions;
pub use toolbox::{BUILTINS, CatalogToolbox};

use serde_json::Value;

/// What a program printed or a server answered: JSON where it is JSON, else text without one line feed at its end;
/// nothing at all is `null`. JSON that nests too deep is an error, since reading it as text would hide that.
fn read_json_or_text(mut text: String) -> Result<Value, String> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    match serde_json::from_str(&text) {
        Ok(value) => Ok(value),
        Err(error) if error.to_string().contains("recursion limit") => {
            Err("JSON that is nested deeper than 127 levels".to_owned())
        }
        Err(_) => {
            if text.ends_with('\n') {
                text.truncate(text.len() - 1);
                if text.ends_with('\r') {
                    text.truncate(text.len() - 1);
                }
            }
            Ok(Value::String(text))
        }
    }
}
