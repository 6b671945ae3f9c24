//! The servers of a toolbox.

use super::server::Server;
use super::settings::ServerSettings;
use std::sync::Arc;

/// The servers of a toolbox, in the order of the catalog. Dropping them closes their connections.
#[derive(Default)]
pub(crate) struct Servers(Vec<Arc<Server>>);

impl Servers {
    pub(in crate::tools) fn new(settings: impl IntoIterator<Item = ServerSettings>) -> Self {
        Self(
            settings
                .into_iter()
                .map(|one| Arc::new(Server::new(one)))
                .collect(),
        )
    }

    /// The server of this name; where none is given, the only one.
    ///
    /// # Errors
    /// Why there is none.
    pub(in crate::tools) fn find(&self, name: Option<&str>) -> Result<&Arc<Server>, String> {
        let names = || {
            let names: Vec<&str> = self.0.iter().map(|one| &*one.settings().name).collect();
            names.join(", ")
        };
        match name {
            Some(name) => {
                let mut all = self.0.iter();
                all.find(|one| *one.settings().name == *name).ok_or_else(|| {
                    if self.0.is_empty() {
                        format!("there is no MCP server \"{name}\": name it under `mcpServers`, or give --mcp-config FILE")
                    } else {
                        format!("there is no MCP server \"{name}\" (there are: {})", names())
                    }
                })
            }
            None => match &*self.0 {
                [one] => Ok(one),
                [] => Err(
                    "there is no MCP server: name it under `mcpServers`, or give --mcp-config FILE"
                        .to_owned(),
                ),
                _ => Err(format!(
                    "give the tool its `server` (there are: {})",
                    names()
                )),
            },
        }
    }

    /// All of them.
    pub(in crate::tools) fn all(&self) -> &[Arc<Server>] {
        &self.0
    }
}
