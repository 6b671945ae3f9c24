//! The tools that steps call: the catalog, and a file for each kind of tool, behind [`Tool`].
//!
//! To add a kind, add a file in `kinds` and its entry in the registry there.

mod asker;
mod call;
mod cancel;
pub mod catalog;
mod catalog_toolbox;
mod code_names;
mod code_port;
mod definition;
mod error;
mod executor;
mod fields;
mod file_inputs;
mod fingerprint;
mod fixed_price;
mod function;
mod function_call;
mod group;
mod handle;
mod jail;
mod kept_files;
mod kind;
mod kinds;
pub(crate) mod launch;
mod mcp;
mod model_price;
mod passed_on;
mod placed;
mod pricing;
mod reaches;
mod recover;
mod recovery;
pub(crate) mod sandbox;
mod secrets;
mod services;
mod simulated;
mod standing;
mod synthesis;
mod template;
mod tool;
mod toolbox;
mod trace_header;
mod unavailable;
mod warm_jail;
mod worker;

pub use crate::models::{AnswerListener, AnswerPart, CostBasis, Exchange, SpendAuthorizer};
pub(crate) use crate::text::message::quote;
pub use asker::Asker;
pub(crate) use asker::NOBODY;
pub(crate) use call::CallLog;
pub use call::{Call, CallReport, Unredacted};
pub use catalog::Catalog;
pub(crate) use catalog::edited::{EditedTool, EditedTools};
pub(crate) use catalog::parts::{CatalogPart, PartKind};
pub(crate) use catalog::record::{CatalogRecord, RecordedScript};
pub use catalog_toolbox::CatalogToolbox;
pub(crate) use catalog_toolbox::{BUILTINS, Listing, NO_EFFECTS};
pub use code_port::{CodeAnswer, CodePort, CodeRequest};
pub use definition::ToolDefinition;
pub(crate) use definition::written_tool;
pub use error::ToolError;
pub use executor::{Definition, Executor, Local, Work};
pub use file_inputs::{FileDigests, FileInputs};
pub use fingerprint::{Fingerprint, Values as EnvironmentValues};
pub use function::FnTool;
pub use handle::CallHandle;
pub use kind::{CallPolicy, FUNCTION, ToolKind};
pub(crate) use kinds::jq::filtered_by;
pub(crate) use kinds::recorded::{RecordedCall, RecordedError};
pub use placed::PlacedToolbox;
pub(crate) use placed::{definition, difference};
pub use pricing::{Estimate, Pricing, Quote, Reservation, Unseen};
pub use reaches::Reaches;
pub use recover::{ProbeSettings, Recover};
pub use recovery::{InterruptedCall, Probe, ProbeReport, Recovery};
pub use sandbox::Program;
pub use secrets::{REDACTED, Secrets, SharedSecrets};
pub(crate) use secrets::{Redactor, is_secret_header};
pub use services::ToolOptions;
pub use standing::Standing;
pub(crate) use template::variables;
pub use tool::Tool;
pub use toolbox::Toolbox;
pub use warm_jail::WarmJail;

use crate::text::beyond_64_bits;
use crate::text::json;
use serde_json::Value;

/// What some programs write before UTF-8 text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The output of a program or the answer of a server as a value: JSON where it is valid JSON, else text without its
/// last line feed; empty text is `null`. JSON that is nested too deep or too large is an error, since text would hide
/// that.
///
/// A byte order mark before it is not part of it, and JSON with an integer that a value cannot hold is an error too.
fn read_json_or_text(mut text: String) -> Result<Value, String> {
    if text.starts_with(BYTE_ORDER_MARK) {
        text.drain(..BYTE_ORDER_MARK.len_utf8());
    }
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    match json::read(text.as_bytes()) {
        Ok(value) => match beyond_64_bits(&text) {
            None => Ok(value),
            Some(integer) => Err(format!(
                "JSON with the integer {}, which is beyond 64 bits; as text, in quotes, it keeps its digits",
                quote(integer, 60)
            )),
        },
        Err(error) if error.is_refusal() => Err(error.to_string()),
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
