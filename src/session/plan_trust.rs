//! Whether a plan may run as it is loaded.

use super::error::SessionError;
use super::load::Loaded;
use super::trust::{Judgement, Subject, Trust, TrustedOnce, judge};
use std::path::{Path, PathBuf};

impl Loaded {
    /// Everything whose content decides what a run does.
    pub(crate) fn subject(&self) -> Subject {
        let catalog = Subject::of_catalog(&self.catalog);
        if self.is_planned() && !catalog.files.is_empty() {
            return catalog;
        }
        let file = (self.file != Path::new("-")).then_some(&*self.file);
        Subject::of_plan(&self.source, file, &self.catalog)
    }

    /// Whether the plan may run. `once`: what was answered earlier.
    ///
    /// # Errors
    /// Where the file of what is trusted cannot be used.
    pub(crate) fn judge(&self, once: &TrustedOnce) -> Result<Judgement, SessionError> {
        let given = self.options.trust;
        let judgement = judge(|| self.subject(), self.reaches(), Trust { given, once })?;
        Ok(match judgement {
            Judgement::Asks(request) => {
                Judgement::Asks(Box::new(request.trusted_by(self.trust_command())))
            }
            trusted @ Judgement::Trusted(_) => trusted,
        })
    }

    /// The command line that trusts what this run uses; `None` for a plan from standard input, and where
    /// something is edited.
    fn trust_command(&self) -> Option<String> {
        let options = &self.options;
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        let mut words = vec!["plandeck".to_owned(), "trust".to_owned()];
        // What is edited in no file is not trusted with the files.
        let is_edited = options.plan_text.is_some() || !options.edited_tools.is_empty();
        if is_edited || self.file == Path::new("-") && !self.is_planned() {
            return None;
        }
        if self.is_planned() {
            words.extend(options.tools.iter().map(text));
        } else {
            words.push(text(&self.file));
            for (option, paths) in [
                ("--tools", &options.tools),
                ("--mcp-config", &options.mcp_config),
            ] {
                words.extend(
                    paths
                        .iter()
                        .flat_map(|path| [option.to_owned(), text(path)]),
                );
            }
        }
        shlex::try_join(words.iter().map(String::as_str)).ok()
    }
}
