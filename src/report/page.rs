//! What pages for a browser have in common: each is one file, which needs nothing beside it.

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, Value as Rendered};
use serde_json::{Value, json};

const FRAME: &str = include_str!("page.html");

/// A page. Its texts are made safe for a terminal already; here they become safe for a browser.
pub(super) struct Page {
    /// The title of the window.
    pub title: String,
    /// The heading.
    pub heading: String,
    /// Names and figures below the heading, as pairs.
    pub figures: Value,
    /// Rules beside those that every page has.
    pub style: &'static str,
    /// The template of what follows the figures.
    pub body: &'static str,
    /// The values of that template.
    pub values: Value,
    /// The last line.
    pub footer: String,
    /// A script, and a word of its page alone.
    pub script: Option<(&'static str, String)>,
}

impl Page {
    /// The page as HTML.
    ///
    /// # Errors
    /// Where a template is wrong.
    pub(super) fn render(self) -> Result<String, Error> {
        let mut environment = Environment::empty();
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.add_filter("safe", minijinja::filters::safe);
        let body = environment.render_str(self.body, Rendered::from(Serde(self.values)))?;
        let (script, nonce) = self.script.unzip();
        environment.render_str(
            FRAME,
            Rendered::from(Serde(json!({
                "title": self.title,
                "heading": self.heading,
                "figures": self.figures,
                "style": self.style,
                "body": body,
                "footer": self.footer,
                "script": script,
                "nonce": nonce,
            }))),
        )
    }
}
