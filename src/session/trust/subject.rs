//! What is trusted: the files whose content decides what a plan does.

use crate::plan::Source;
use crate::tools::{Catalog, CatalogPart, PartKind};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The plan, its catalogs, what they include, and the scripts that they name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    /// Its name, for the user.
    pub name: String,
    /// Whether it is a catalog alone, for any plan.
    pub is_catalog: bool,
    /// The plan first, where there is one.
    pub files: Vec<SubjectFile>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SubjectFile {
    /// Its name: what the user gave, or what the catalog names.
    pub name: Arc<str>,
    /// Where it lies, without links; `None` for standard input, and for what a catalog names.
    pub path: Option<PathBuf>,
    /// Whether it has a place of its own in which it must be trusted: plans and catalogs.
    pub is_placed: bool,
    /// The digest of its content, in hexadecimal digits.
    pub digest: String,
}

impl Subject {
    /// A plan with its catalog. `file` is where the plan was read from, if it was.
    pub(crate) fn of_plan(plan: &Source, file: Option<&Path>, catalog: &Catalog) -> Self {
        let plan_file = SubjectFile {
            name: plan.name.clone(),
            path: file.and_then(|file| file.canonicalize().ok()),
            is_placed: true,
            digest: blake3::hash(plan.text.as_bytes()).to_hex().to_string(),
        };
        let catalogs = catalog.contents().into_iter().map(SubjectFile::of);
        Self {
            name: plan.name.to_string(),
            is_catalog: false,
            files: std::iter::once(plan_file).chain(catalogs).collect(),
        }
    }

    /// A catalog alone, whatever plan uses it.
    pub(crate) fn of_catalog(catalog: &Catalog) -> Self {
        let files: Vec<SubjectFile> = catalog
            .contents()
            .into_iter()
            .map(SubjectFile::of)
            .collect();
        let name = files.first().map_or("the catalog", |file| &*file.name);
        Self {
            name: name.to_owned(),
            is_catalog: true,
            files,
        }
    }

    /// One digest of all contents; where the files lie, and what plans and catalogs are called, is no part of it.
    pub(crate) fn digest(&self) -> String {
        let mut parts: Vec<(&str, &str)> = self
            .files
            .iter()
            .map(|file| (if file.is_placed { "" } else { &*file.name }, &*file.digest))
            .collect();
        // The plan and the catalogs have an order.
        parts.sort_by_key(|(name, _)| *name);
        let mut all = blake3::Hasher::new();
        for (name, digest) in parts {
            for word in [name, digest] {
                all.update(&(word.len() as u64).to_le_bytes());
                all.update(word.as_bytes());
            }
        }
        all.finalize().to_hex().to_string()
    }

    /// Where the plan lies, or else the first catalog.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.files.first()?.path.as_deref()
    }

    /// The places of plans and catalogs; `None` where one has none.
    pub(crate) fn places(&self) -> Option<Vec<&Path>> {
        let mut with_place = self.files.iter().filter(|file| file.is_placed).peekable();
        with_place.peek()?;
        with_place.map(|file| file.path.as_deref()).collect()
    }

    /// The digests by name.
    pub(crate) fn digests(&self) -> BTreeMap<String, String> {
        let named = |file: &SubjectFile| {
            let name = Path::new(&*file.name).file_name();
            let name = name
                .filter(|_| file.is_placed)
                .map(|name| name.to_string_lossy());
            name.map_or_else(|| file.name.to_string(), std::borrow::Cow::into_owned)
        };
        let files = self.files.iter();
        files
            .map(|file| (named(file), file.digest.clone()))
            .collect()
    }
}

impl SubjectFile {
    fn of(part: CatalogPart) -> Self {
        Self {
            is_placed: matches!(part.kind, PartKind::Catalog | PartKind::Edited),
            path: part.path.and_then(|path| path.canonicalize().ok()),
            name: part.name,
            digest: part.digest,
        }
    }
}
