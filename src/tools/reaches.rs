//! What a plan would start, reach and read: for the user, before anything runs.

use super::template::variables;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// What the tools of a plan start, reach and read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reaches {
    /// Programs with their arguments, and MCP servers, as a shell would be given them.
    pub programs: BTreeSet<String>,
    /// Hosts with their ports. One that a parameter or a variable gives stands as the catalog writes it.
    pub hosts: BTreeSet<String>,
    /// Hosts of the worker's models, which the user chose and not the plan.
    pub model_hosts: BTreeSet<String>,
    /// Tools that run Python in a sandbox.
    pub code: BTreeSet<String>,
    /// Variables of the environment whose values are used.
    pub variables: BTreeSet<String>,
    /// Those that hold the keys of the worker's models.
    pub model_variables: BTreeSet<String>,
}

impl Reaches {
    /// Whether the plan starts programs, reaches hosts that it names itself, or runs code: then it needs trust.
    pub fn needs_trust(&self) -> bool {
        !(self.programs.is_empty() && self.hosts.is_empty() && self.code.is_empty())
    }

    /// Adds what `other` starts, reaches and reads.
    pub(crate) fn extend(&mut self, other: Self) {
        self.programs.extend(other.programs);
        self.hosts.extend(other.hosts);
        self.model_hosts.extend(other.model_hosts);
        self.code.extend(other.code);
        self.variables.extend(other.variables);
        self.model_variables.extend(other.model_variables);
    }

    /// Whether all that the plan brings is in `other` too, whatever the worker is.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.programs.is_subset(&other.programs)
            && self.hosts.is_subset(&other.hosts)
            && self.code.is_subset(&other.code)
            && self.variables.is_subset(&other.variables)
    }

    /// The lists, each with its name in JSON and as the user reads it.
    pub fn lists(&self) -> [(&'static str, &'static str, Vec<String>); 4] {
        let list = |set: &BTreeSet<String>| set.iter().cloned().collect();
        let both = |one: &BTreeSet<String>, other| one.union(other).cloned().collect();
        [
            ("programs", "starts", list(&self.programs)),
            ("hosts", "reaches", both(&self.hosts, &self.model_hosts)),
            ("code", "runs code", list(&self.code)),
            (
                "variables",
                "reads",
                both(&self.variables, &self.model_variables),
            ),
        ]
    }

    /// A program is started with these words.
    pub(super) fn program<'w>(&mut self, words: impl IntoIterator<Item = &'w str>) {
        let words: Vec<&str> = words.into_iter().collect();
        let line = shlex::try_join(words.iter().copied());
        self.programs
            .insert(line.unwrap_or_else(|_| words.join(" ")));
    }

    /// A program is started with these words, in a way.
    pub(super) fn program_in<'w>(&mut self, words: impl IntoIterator<Item = &'w str>, how: &str) {
        let mut one = Self::default();
        one.program(words);
        let lines = one.programs.into_iter();
        self.programs
            .extend(lines.map(|line| format!("{line} ({how})")));
    }

    /// The host of an address is reached.
    pub(super) fn address(&mut self, address: &str) {
        self.hosts.extend(host_of(address));
        self.variables_in([address]);
    }

    /// A server of the worker is asked, with the key in this variable.
    pub(super) fn model(&mut self, address: &str, key: Option<&str>) {
        self.model_hosts.extend(host_of(address));
        self.model_variables.extend(key.map(str::to_owned));
    }

    /// Texts of the catalog read variables.
    pub(super) fn variables_in<'t>(&mut self, texts: impl IntoIterator<Item = &'t str>) {
        let names = texts.into_iter().flat_map(variables);
        self.variables.extend(names.map(str::to_owned));
    }

    /// An MCP server is started, or reached where it has an address.
    pub(super) fn server(&mut self, server: &Value) {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        if let Some(url) = server["url"].as_str() {
            self.address(url);
        } else if let Some(command) = server["command"].as_str() {
            let arguments = server["args"].as_array().into_iter().flatten();
            let arguments: Vec<String> = arguments.filter_map(text).collect();
            let arguments = arguments.iter().map(String::as_str);
            let words = std::iter::once(command).chain(arguments);
            self.variables_in(words.clone());
            self.program(words);
        }
        self.variables_in(server["cwd"].as_str());
        for name in ["env", "headers"] {
            let values = server[name].as_object().into_iter().flatten();
            self.variables_in(values.filter_map(|(_, value)| value.as_str()));
        }
    }
}

/// The host of an address with its port, as it is written there.
fn host_of(address: &str) -> Option<String> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest[..end].rsplit('@').next().unwrap_or_default();
    (!host.is_empty()).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_reached_is_named_as_the_catalog_writes_it() {
        let mut reaches = Reaches::default();
        reaches.address("https://user:${PASSWORD}@api.example.net:8443/v1/{{id}}?key=${KEY:-none}");
        reaches.address("${BASE}/v1");
        reaches.address("{{url}}");
        reaches.program(["sh", "-c", "echo a b"]);
        reaches.server(&json!({"command": "npx", "args": ["srv"], "env": {"T": "${TOKEN}"}}));
        reaches.server(&json!({"url": "http://localhost:1/mcp"}));
        let [programs, hosts, _, variables] = reaches.lists().map(|(_, _, list)| list);
        assert_eq!(programs, ["npx srv", "sh -c 'echo a b'"]);
        let named = ["${BASE}", "api.example.net:8443", "localhost:1", "{{url}}"];
        assert_eq!(hosts, named);
        assert_eq!(variables, ["BASE", "KEY", "PASSWORD", "TOKEN"]);
    }
}
