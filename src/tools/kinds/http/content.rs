//! What a request carries: text, a file, or the parts of a form with files.

use crate::tools::fields::type_name;
use crate::tools::kept_files::KeptFiles;
use crate::tools::template::plain;
use base64::Engine;
use reqwest::RequestBuilder;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::multipart::{Form, Part as FormPart};
use serde_json::{Map, Value};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The content type of a form with files.
const MULTIPART: &str = "multipart/form-data";

/// The most bytes of a request's files together.
const MAX_BYTES: usize = 32 << 20;

/// The body of a request.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Text(String),
    File(Blob),
    Parts(Vec<Part>),
}

/// A part of a form.
#[derive(Clone, Debug)]
pub(super) struct Part {
    name: String,
    value: PartValue,
}

#[derive(Clone, Debug)]
enum PartValue {
    Text(String),
    Json(String),
    Blob(Blob),
}

/// Bytes that are sent as they are.
#[derive(Clone, Debug)]
pub(super) struct Blob {
    bytes: Arc<[u8]>,
    name: Option<String>,
    mime_type: Option<String>,
}

/// Where files that are sent may lie.
pub(super) struct Folders<'a> {
    /// The folder of the catalog.
    pub catalog: Option<&'a Path>,
    /// What earlier steps gave.
    pub kept: &'a KeptFiles,
}

/// Whether headers say that the body is a form with files.
pub(super) fn is_multipart(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    content_type.is_some_and(is_multipart_type)
}

/// Whether a content type is that of a form with files.
pub(super) fn is_multipart_type(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(MULTIPART)
}

/// The parts of a form: the members of an object; a list repeats its part, null is left out. An object with `file` or
/// `base64` is a file.
pub(super) fn parts(content: &Value, folders: &Folders<'_>) -> Result<Vec<Part>, String> {
    let Some(members) = content.as_object() else {
        return Err(format!(
            "the body of a form with files must be an object, and this is {}",
            type_name(content)
        ));
    };
    let mut parts = Vec::new();
    let mut left = MAX_BYTES;
    for (name, value) in members {
        let items = match value {
            Value::Array(items) => &items[..],
            value => std::slice::from_ref(value),
        };
        for item in items.iter().filter(|item| !item.is_null()) {
            let value = match (item, blob(item, folders, &mut left)?) {
                (_, Some(blob)) => PartValue::Blob(blob),
                (Value::Object(_) | Value::Array(_), None) => PartValue::Json(item.to_string()),
                (item, None) => PartValue::Text(plain(item)),
            };
            parts.push(Part {
                name: name.clone(),
                value,
            });
        }
    }
    Ok(parts)
}

/// The file that a value stands for as the whole body; `None` where it stands for none.
pub(super) fn file(content: &Value, folders: &Folders<'_>) -> Result<Option<Blob>, String> {
    blob(content, folders, &mut MAX_BYTES.clone())
}

fn blob(value: &Value, folders: &Folders<'_>, left: &mut usize) -> Result<Option<Blob>, String> {
    let Some(object) = value.as_object() else {
        return Ok(None);
    };
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let (bytes, own_name) = match (text("file"), text("base64")) {
        (Some(path), _) if has_only(object, &["file", "name", "mime_type", "size"]) => {
            read(path, folders, *left)?
        }
        (None, Some(encoded)) if has_only(object, &["base64", "name", "mime_type"]) => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(encoded.trim());
            (
                bytes.map_err(|_| "`base64` in the body is not valid")?,
                None,
            )
        }
        _ => return Ok(None),
    };
    *left = left.checked_sub(bytes.len()).ok_or_else(too_large)?;
    Ok(Some(Blob {
        bytes: bytes.into(),
        name: text("name").map(str::to_owned).or(own_name),
        mime_type: text("mime_type").map(str::to_owned),
    }))
}

fn has_only(object: &Map<String, Value>, names: &[&str]) -> bool {
    object.keys().all(|key| names.contains(&&**key))
}

fn too_large() -> String {
    format!("its files have more than {} MB together", MAX_BYTES >> 20)
}

/// The bytes of a file and its name. Where the path may come from another step, only some folders are open.
fn read(
    path: &str,
    folders: &Folders<'_>,
    left: usize,
) -> Result<(Vec<u8>, Option<String>), String> {
    let quoted = || crate::text::message::quote(path, 200);
    let failed =
        |error: std::io::Error| format!("the file \"{}\" cannot be read: {error}", quoted());
    let path = folders
        .catalog
        .map_or_else(|| PathBuf::from(path), |folder| folder.join(path));
    let whole = path.canonicalize().map_err(failed)?;
    let folder = folders.catalog.and_then(|folder| match folder {
        folder if folder.as_os_str().is_empty() => Path::new(".").canonicalize().ok(),
        folder => folder.canonicalize().ok(),
    });
    let is_own = folder.is_some_and(|folder| whole.starts_with(folder));
    if !is_own && !folders.kept.holds(&whole) {
        return Err(format!(
            "the file \"{}\" is not sent: only files in the folder of the catalog, and those that steps give, are",
            quoted()
        ));
    }
    let metadata = std::fs::metadata(&whole).map_err(failed)?;
    if metadata.len() > left as u64 {
        return Err(too_large());
    }
    let bytes = std::fs::read(&whole).map_err(failed)?;
    let name = whole
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    Ok((bytes, name))
}

impl Content {
    /// Adds it to a request.
    pub(super) fn add_to(&self, request: RequestBuilder) -> Result<RequestBuilder, String> {
        Ok(match self {
            Self::Text(text) => request.body(text.clone()),
            Self::File(blob) => request.body(blob.bytes.to_vec()),
            Self::Parts(parts) => {
                let mut form = Form::new();
                for part in parts {
                    form = form.part(part.name.clone(), part.in_form()?);
                }
                request.multipart(form)
            }
        })
    }

    /// How it is shown.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::File(blob) => blob.shown(),
            Self::Parts(parts) => parts.iter().fold(String::new(), |mut text, part| {
                let value = match &part.value {
                    PartValue::Text(value) | PartValue::Json(value) => value.clone(),
                    PartValue::Blob(blob) => blob.shown(),
                };
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{}={value}", part.name);
                text
            }),
        }
    }

    /// Whether its content type is made with it, since that has the boundary of the parts.
    pub(super) const fn has_own_type(&self) -> bool {
        matches!(self, Self::Parts(_))
    }
}

impl Part {
    fn in_form(&self) -> Result<FormPart, String> {
        let typed = |part: FormPart, mime_type: &str| {
            let typed = part.mime_str(mime_type);
            typed.map_err(|_| {
                let mime_type = crate::text::message::quote(mime_type, 60);
                format!("\"{mime_type}\" is not a valid content type")
            })
        };
        match &self.value {
            PartValue::Text(text) => Ok(FormPart::text(text.clone())),
            PartValue::Json(text) => typed(FormPart::text(text.clone()), "application/json"),
            PartValue::Blob(blob) => {
                let part = FormPart::bytes(blob.bytes.to_vec());
                // Without a name it is no file to most servers.
                let part = part.file_name(blob.name.clone().unwrap_or_else(|| self.name.clone()));
                typed(
                    part,
                    blob.mime_type
                        .as_deref()
                        .unwrap_or("application/octet-stream"),
                )
            }
        }
    }
}

impl Blob {
    fn shown(&self) -> String {
        let name = self.name.as_deref().unwrap_or("file");
        let mime_type = self
            .mime_type
            .as_deref()
            .unwrap_or("application/octet-stream");
        format!("[{name}, {mime_type}, {} bytes]", self.bytes.len())
    }
}
