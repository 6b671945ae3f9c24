//! From the result of a call to an output.

use super::failure::named;
use crate::models::off_thread::off_thread;
use crate::run::LogStream;
use crate::text::json::{MAX_FOOTPRINT, footprint};
use crate::text::message::quote;
use crate::tools::kept_files::KeptFiles;
use crate::tools::{CallLog, ToolError, read_json_or_text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rmcp::model::{CallToolResult, ContentBlock, ResourceContents, ServerResult};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// How much of an error's text is quoted, in bytes.
const MAX_QUOTED: usize = 4 << 10;

/// The parts of a result.
struct Parts {
    blocks: Vec<Block>,
    structured: Option<Value>,
    is_error: bool,
}

/// One content.
enum Block {
    Known(Box<ContentBlock>),
    /// Of a later version of the protocol.
    Other(Value),
}

/// The output of a call: the structured content where there is one, else the contents: one as it is, several as a list,
/// none as `null`. Text is JSON where it is valid JSON. What is no text is kept as a file.
pub(super) async fn output(
    server: &str,
    tool: &str,
    result: ServerResult,
    files: &Arc<KeptFiles>,
    log: &CallLog,
) -> Result<Value, ToolError> {
    let what = || format!("{} answered the call of \"{tool}\" with", named(server));
    let Some(parts) = parts(result) else {
        return Err(ToolError::permanent(format!(
            "{} what is not the result of a call",
            what()
        )));
    };
    if parts.is_error {
        let text = quote(&said(&parts), MAX_QUOTED);
        let text = if text.is_empty() { "no message" } else { &text };
        // Only the server knows what its error means; the policy decides whether the call may be made again.
        return Err(ToolError::transient(format!(
            "\"{tool}\" of {} failed: {text}",
            named(server)
        )));
    }
    let (files, log) = (Arc::clone(files), Arc::clone(log));
    let output = off_thread(size(&parts), move || value(parts, &files, &log)).await;
    let output = output.map_err(|fault| ToolError::permanent(format!("{} {fault}", what())))?;
    if footprint(&output) > MAX_FOOTPRINT {
        return Err(ToolError::permanent(format!(
            "{} values that take more than {} MB of memory; let it give less",
            what(),
            MAX_FOOTPRINT >> 20
        )));
    }
    Ok(output)
}

fn parts(result: ServerResult) -> Option<Parts> {
    match result {
        ServerResult::CallToolResult(CallToolResult {
            content,
            structured_content,
            is_error,
            ..
        }) => Some(Parts {
            blocks: {
                let known = content.into_iter().map(Box::new);
                known.map(Block::Known).collect()
            },
            structured: structured_content,
            is_error: is_error == Some(true),
        }),
        ServerResult::EmptyResult(_) | ServerResult::TaskAckResult(_) => Some(Parts {
            blocks: Vec::new(),
            structured: None,
            is_error: false,
        }),
        ServerResult::CustomResult(custom) => of_custom(custom.0),
        _ => None,
    }
}

/// A result with contents that the library does not know.
fn of_custom(result: Value) -> Option<Parts> {
    let Value::Object(mut fields) = result else {
        return None;
    };
    let Some(Value::Array(contents)) = fields.remove("content") else {
        return None;
    };
    let block = |content: Value| match serde_json::from_value(content.clone()) {
        Ok(known) => Block::Known(known),
        Err(_) => Block::Other(content),
    };
    Some(Parts {
        blocks: contents.into_iter().map(block).collect(),
        structured: fields.remove("structuredContent"),
        is_error: fields.get("isError") == Some(&Value::Bool(true)),
    })
}

fn value(parts: Parts, files: &KeptFiles, log: &CallLog) -> Result<Value, String> {
    if let Some(structured) = parts.structured {
        // The text of a structured result repeats it; what else comes with it is in the log.
        for block in parts.blocks {
            if !matches!(&block, Block::Known(known) if known.as_text().is_some()) {
                let value = self::block(block, files)?;
                log(LogStream::Note, &format!("also given: {value}"));
            }
        }
        return Ok(structured);
    }
    let mut values = parts.blocks.into_iter().map(|one| block(one, files));
    let Some(first) = values.next() else {
        return Ok(Value::Null);
    };
    let first = first?;
    let mut all = vec![first];
    for value in values {
        all.push(value?);
    }
    Ok(match all.len() {
        1 => all.remove(0),
        _ => Value::Array(all),
    })
}

fn block(block: Block, files: &KeptFiles) -> Result<Value, String> {
    let known = match block {
        Block::Known(known) => *known,
        Block::Other(value) => return Ok(value),
    };
    Ok(match known {
        ContentBlock::Text(text) => read_json_or_text(text.text)?,
        ContentBlock::Image(image) => file(files, &image.data, Some(&image.mime_type))?,
        ContentBlock::Audio(audio) => file(files, &audio.data, Some(&audio.mime_type))?,
        ContentBlock::Resource(resource) => match resource.resource {
            ResourceContents::TextResourceContents {
                uri,
                mime_type,
                text,
                ..
            } => {
                let mut fields = Map::from_iter([("uri".to_owned(), uri.into())]);
                put(&mut fields, "mime_type", mime_type);
                fields.insert("text".to_owned(), text.into());
                Value::Object(fields)
            }
            ResourceContents::BlobResourceContents {
                uri,
                mime_type,
                blob,
                ..
            } => {
                let mut kept = file(files, &blob, mime_type.as_deref())?;
                kept["uri"] = uri.into();
                kept
            }
            _ => return Err("a resource of an unknown kind".to_owned()),
        },
        ContentBlock::ResourceLink(link) => {
            let mut fields = Map::from_iter([
                ("uri".to_owned(), link.uri.into()),
                ("name".to_owned(), link.name.into()),
            ]);
            put(&mut fields, "title", link.title);
            put(&mut fields, "description", link.description);
            put(&mut fields, "mime_type", link.mime_type);
            if let Some(size) = link.size {
                fields.insert("size".to_owned(), json!(size));
            }
            Value::Object(fields)
        }
        _ => return Err("a content of an unknown kind".to_owned()),
    })
}

fn put(fields: &mut Map<String, Value>, name: &str, text: Option<String>) {
    fields.extend(text.map(|text| (name.to_owned(), text.into())));
}

fn file(files: &KeptFiles, data: &str, mime_type: Option<&str>) -> Result<Value, String> {
    let content = STANDARD
        .decode(data.trim())
        .map_err(|error| format!("data that is not valid base64 ({error})"))?;
    let mime_type = mime_type.unwrap_or("application/octet-stream");
    files
        .keep(&content, &quote(mime_type, 100))
        .map_err(|error| format!("a file that cannot be kept: {error}"))
}

/// How many bytes there are to read.
fn size(parts: &Parts) -> usize {
    let known = |block: &ContentBlock| match block {
        ContentBlock::Text(text) => text.text.len(),
        ContentBlock::Image(image) => image.data.len(),
        ContentBlock::Audio(audio) => audio.data.len(),
        ContentBlock::Resource(resource) => match &resource.resource {
            ResourceContents::BlobResourceContents { blob, .. } => blob.len(),
            _ => 0,
        },
        _ => 0,
    };
    let block = |block: &Block| match block {
        Block::Known(block) => known(block),
        Block::Other(_) => 0,
    };
    parts.blocks.iter().map(block).sum()
}

/// The text of a result that is an error.
fn said(parts: &Parts) -> String {
    let texts = parts.blocks.iter().filter_map(|block| match block {
        Block::Known(known) => Some(known.as_text()?.text.as_str()),
        Block::Other(_) => None,
    });
    let text = texts.collect::<Vec<_>>().join("\n");
    match &parts.structured {
        Some(structured) if text.trim().is_empty() => structured.to_string(),
        _ => text,
    }
}
