//! The arguments.

use plandeck_fuzz::{TARGETS, Target};
use std::path::{Path, PathBuf};

/// What is to be run.
#[derive(Clone, Default)]
pub struct Options {
    /// The targets; all of them where none is named.
    pub targets: Vec<Target>,
    /// How long each target runs.
    pub seconds: u64,
    /// Where the random numbers begin.
    pub seed: u64,
    /// Targets that run at once.
    pub jobs: usize,
    /// One input that is run again.
    pub file: Option<PathBuf>,
    /// In a child: the file that holds the input it is at.
    pub child: Option<PathBuf>,
}

impl Options {
    /// Reads the arguments of this process.
    pub fn read() -> Result<Self, String> {
        let mut options = Self {
            seconds: 60,
            seed: fastrand::u64(..),
            jobs: 1,
            ..Self::default()
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value.ok_or_else(|| format!("{argument} needs a value"))
            };
            match &*argument {
                "--seconds" => options.seconds = number(&value()?)?,
                "--seed" => options.seed = number(&value()?)?,
                "--jobs" => options.jobs = number(&value()?)?.max(1) as usize,
                "--file" => options.file = Some(value()?.into()),
                "--child" => options.child = Some(value()?.into()),
                name => options.targets.push(target(name)?),
            }
        }
        if options.targets.is_empty() {
            options.targets = TARGETS.to_vec();
        }
        Ok(options)
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not a number"))
}

fn target(name: &str) -> Result<Target, String> {
    let found = TARGETS.into_iter().find(|target| target.name == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        format!(
            "no target is called {name:?}; there are {}",
            names.join(", ")
        )
    })
}

/// The folder `fuzz/`.
pub fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The inputs of a target in the corpus, in the order of their names.
pub fn corpus(target: &Target) -> Result<Vec<Vec<u8>>, String> {
    let folder = home().join("corpus").join(target.name);
    let fault = |error| format!("{}: {error}", folder.display());
    let files = std::fs::read_dir(&folder).map_err(fault)?;
    let mut files: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
    files.sort();
    let inputs: Vec<Vec<u8>> = files.iter().flat_map(std::fs::read).collect();
    if inputs.is_empty() {
        return Err(format!("{}: no inputs", folder.display()));
    }
    Ok(inputs)
}
