//! The question to the user: everything that a plan would start, reach and run, and what is new in it.

use super::consent::{Consent, TrustedBy, TrustedOnce};
use super::memory::{Memory, MemoryError, TrustedPlan, check_folder};
use super::subject::Subject;
use crate::tools::Reaches;
use std::fmt;
use std::path::PathBuf;

/// How many things a message lists.
const MAX_LISTED: usize = 60;

/// A plan that is not trusted, with what it would do.
#[derive(Clone, Debug)]
pub struct TrustRequest {
    subject: Subject,
    reaches: Reaches,
    /// What was trusted before of a plan in the same place.
    before: Option<TrustedPlan>,
    /// The command line that trusts it, where there is one.
    command: Option<String>,
}

/// Whether a thing is new since a plan was trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ItemMark {
    /// It was trusted, or nothing was trusted before.
    Known,
    /// It is new.
    New,
    /// It is gone.
    Gone,
}

/// What the user answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrustAnswer {
    /// This content may run, now and later.
    Content,
    /// Everything in these folders may run.
    Folders,
    /// It may run until this program ends.
    Once,
}

impl TrustRequest {
    pub(super) fn new(subject: Subject, reaches: Reaches, before: Option<&TrustedPlan>) -> Self {
        Self {
            before: before.cloned(),
            subject,
            reaches,
            command: None,
        }
    }

    /// A plan of this name that the caller of the library refuses.
    pub(crate) fn refused(name: &str, reaches: Reaches) -> Self {
        let subject = Subject {
            name: name.to_owned(),
            is_catalog: false,
            files: Vec::new(),
        };
        Self::new(subject, reaches, None)
    }

    /// The same with the command line that trusts it.
    #[must_use]
    pub(crate) fn trusted_by(mut self, command: Option<String>) -> Self {
        self.command = command;
        self
    }

    /// How the user can let it run.
    pub(crate) fn remedy(&self) -> String {
        let once = "for this run: --trust (or PLANDECK_TRUST=1)";
        match &self.command {
            Some(command) => format!("to trust it: {command}\n{once}"),
            None => once.to_owned(),
        }
    }

    /// The plan, or the catalog, as the caller named it.
    pub fn name(&self) -> &str {
        &self.subject.name
    }

    /// What it would start, reach and read.
    pub fn reaches(&self) -> &Reaches {
        &self.reaches
    }

    /// Whether an earlier content of it was trusted.
    pub fn is_change(&self) -> bool {
        self.before.is_some()
    }

    /// Everything it would do, one thing each: whether that is new, the verb, and what.
    pub(crate) fn items(&self) -> Vec<(ItemMark, &'static str, String)> {
        let before = self.before.as_ref().map(|plan| plan.reaches.lists());
        let mut items = Vec::new();
        for (at, (_, verb, list)) in self.reaches.lists().into_iter().enumerate() {
            let known = before.as_ref().and_then(|lists| Some(&lists.get(at)?.2));
            let mark = |one: &String| match known {
                Some(known) if !known.contains(one) => ItemMark::New,
                _ => ItemMark::Known,
            };
            items.extend(list.iter().map(|one| (mark(one), verb, one.clone())));
            let gone = known
                .into_iter()
                .flatten()
                .filter(|one| !list.contains(one));
            items.extend(gone.map(|one| (ItemMark::Gone, verb, one.clone())));
        }
        items
    }

    /// The files whose content is new, changed or gone since it was trusted, by name.
    pub(crate) fn changed_files(&self) -> Vec<(ItemMark, String)> {
        let Some(before) = &self.before else {
            return Vec::new();
        };
        let now = self.subject.digests();
        let mut changed: Vec<(ItemMark, String)> = now
            .iter()
            .filter_map(|(name, digest)| match before.files.get(name) {
                Some(known) if known == digest => None,
                Some(_) => Some((ItemMark::Known, name.clone())),
                None => Some((ItemMark::New, name.clone())),
            })
            .collect();
        let gone = before.files.keys().filter(|name| !now.contains_key(*name));
        changed.extend(gone.map(|name| (ItemMark::Gone, name.clone())));
        changed
    }

    /// The folders that would have to be trusted.
    ///
    /// # Errors
    /// Why that is not offered.
    pub(crate) fn folders(&self) -> Result<Vec<PathBuf>, String> {
        let places = self.subject.places();
        let places = places.ok_or("it does not lie in a folder")?;
        let mut folders: Vec<PathBuf> = places
            .iter()
            .filter_map(|place| place.parent())
            .map(PathBuf::from)
            .collect();
        folders.sort();
        folders.dedup();
        let all = folders.clone();
        folders.retain(|folder| {
            let mut above = folder.ancestors().skip(1);
            !above.any(|above| all.iter().any(|one| one == above))
        });
        for folder in &folders {
            check_folder(folder, false)?;
        }
        Ok(folders)
    }

    /// Takes the user's answer, and remembers it where it holds for later.
    ///
    /// # Errors
    /// When it cannot be remembered.
    pub(crate) fn accept(
        &self,
        answer: TrustAnswer,
        once: &mut TrustedOnce,
    ) -> Result<Consent, MemoryError> {
        let plan = TrustedPlan::new(&self.subject, self.reaches.clone());
        let by = match answer {
            TrustAnswer::Content => {
                Memory::change(|memory| memory.add_plan(plan))?;
                TrustedBy::Content
            }
            TrustAnswer::Folders => {
                let folders = self.folders().map_err(MemoryError::Refused)?;
                Memory::change(|memory| {
                    for folder in folders {
                        memory.add_folder(folder);
                    }
                })?;
                TrustedBy::Folder
            }
            TrustAnswer::Once => {
                once.0.push(plan);
                TrustedBy::Once
            }
        };
        Ok(Consent(by))
    }
}

impl fmt::Display for TrustRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = crate::text::line;
        let name = line(self.name());
        if self.is_change() {
            write!(f, "{name} has changed since you trusted it; it would:")?;
        } else {
            write!(f, "{name} is not trusted; it would:")?;
        }
        let items = self.items();
        for (mark, verb, what) in items.iter().take(MAX_LISTED) {
            let mark = match mark {
                ItemMark::Known => ' ',
                ItemMark::New => '+',
                ItemMark::Gone => '-',
            };
            write!(f, "\n{mark} {verb:<10} {}", line(what))?;
        }
        if items.len() > MAX_LISTED {
            let more = items.len() - MAX_LISTED;
            write!(f, "\n  and {more} more: `plandeck check` lists all")?;
        }
        let files = self.changed_files();
        if !files.is_empty() {
            let words = files.iter().take(MAX_LISTED).map(|(mark, name)| {
                let what = match mark {
                    ItemMark::Known => "",
                    ItemMark::New => " (new)",
                    ItemMark::Gone => " (gone)",
                };
                format!("{}{what}", line(name))
            });
            let words: Vec<String> = words.collect();
            write!(f, "\n  changed    {}", words.join(", "))?;
        }
        Ok(())
    }
}
