//! `[telemetry]` of the settings: the same as the variables of OpenTelemetry, which come before it.

use super::trust::is_in_trusted_folder;
use crate::models::Environment;
use crate::tools::{is_secret_header, variables};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where runs are sent, by the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TelemetrySettings {
    /// As `OTEL_EXPORTER_OTLP_ENDPOINT`.
    endpoint: Option<String>,
    /// As `OTEL_EXPORTER_OTLP_PROTOCOL`.
    protocol: Option<String>,
    /// The headers of requests to that endpoint, with `${VAR}` for what is secret.
    headers: BTreeMap<String, String>,
    /// Whether inputs and outputs are sent too.
    content: Option<bool>,
    /// As `OTEL_SERVICE_NAME`.
    service_name: Option<String>,
    /// The project's file that says so: the user has not chosen that.
    #[serde(skip)]
    pub(super) of_project: Option<PathBuf>,
}

impl TelemetrySettings {
    /// The same, of the project's settings file.
    pub(super) fn of_project(self, file: &Path) -> Self {
        let is_any = self != Self::default();
        Self {
            of_project: is_any.then(|| file.to_path_buf()),
            ..self
        }
    }

    /// These, completed with those of the user. What the user says of their own collector is not said to another one.
    pub(super) fn or(self, user: Self) -> Self {
        if self.endpoint.is_some() {
            return self;
        }
        let mut headers = user.headers;
        headers.extend(self.headers);
        Self {
            endpoint: user.endpoint,
            protocol: self.protocol.or(user.protocol),
            headers,
            content: self.content.or(user.content),
            service_name: self.service_name.or(user.service_name),
            of_project: self.of_project,
        }
    }

    /// The environment, with what these settings say where it says nothing.
    ///
    /// # Errors
    /// What is wrong with them, without secrets.
    pub(super) fn under(&self, environment: Environment) -> Result<Environment, String> {
        let mut said: BTreeMap<String, String> = BTreeMap::new();
        let mut say = |name: &str, value: Option<String>| {
            said.extend(value.map(|value| (name.to_owned(), value)));
        };
        say("OTEL_SERVICE_NAME", self.service_name.clone());
        let name = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";
        say(name, self.content.map(|content| content.to_string()));
        let signals = ["", "TRACES_", "METRICS_", "LOGS_"];
        let endpoint = |signal: &str| format!("OTEL_EXPORTER_OTLP_{signal}ENDPOINT");
        let is_named = signals
            .iter()
            .any(|signal| environment(&endpoint(signal)).is_some());
        // How to speak to a collector is said with its address.
        if !is_named && self.endpoint.is_some() {
            say(&endpoint(""), self.endpoint.clone());
            say("OTEL_EXPORTER_OTLP_PROTOCOL", self.protocol.clone());
            if !self.headers.is_empty() {
                let headers = self.headers(&environment)?;
                say("OTEL_EXPORTER_OTLP_HEADERS", Some(headers));
            }
        }
        Ok(Arc::new(move |name| {
            environment(name).or_else(|| said.get(name).cloned())
        }))
    }

    /// The headers as the variable has them.
    fn headers(&self, environment: &Environment) -> Result<String, String> {
        let mut all = Vec::new();
        for (name, written) in &self.headers {
            if is_secret_header(name) && variables(written).next().is_none() {
                return Err(format!(
                    "headers: the value of {name} is a secret: write it as ${{VARIABLE}}, and set that variable"
                ));
            }
            let mut value = written.clone();
            for variable in variables(written) {
                let place = format!("${{{variable}}}");
                if !written.contains(&place) {
                    return Err(format!("headers: {name}: write {place}, without a default"));
                }
                let held = environment(variable);
                let held = held.ok_or_else(|| {
                    format!("headers: {name} needs the variable {variable}, which is not set")
                })?;
                value = value.replace(&place, &held);
            }
            let value = utf8_percent_encode(&value, NON_ALPHANUMERIC);
            all.push(format!("{name}={value}"));
        }
        Ok(all.join(","))
    }

    /// Whether it may be done as these settings say: a project may come from anybody.
    pub(super) fn is_trusted(&self) -> bool {
        let is_given = || std::env::var("PLANDECK_TRUST").is_ok_and(|word| word == "1");
        let file = self.of_project.as_deref();
        file.is_none_or(|file| is_given() || is_in_trusted_folder(file))
    }

    /// Asserts that every setting is there.
    #[cfg(test)]
    pub(super) fn has_everything(self) {
        let Self {
            endpoint,
            protocol,
            headers,
            content,
            service_name,
            of_project: _,
        } = self;
        let texts = [endpoint, protocol, service_name];
        assert!(texts.iter().all(Option::is_some) && content.is_some() && !headers.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> TelemetrySettings {
        toml::from_str(text).unwrap()
    }

    fn with(variables: &[(&str, &str)]) -> Environment {
        let all = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let all: BTreeMap<String, String> = all.collect();
        Arc::new(move |name| all.get(name).cloned())
    }

    const OWN: &str = "endpoint = 'http://own'\nprotocol = 'http/json'\ncontent = true\nservice_name = 's'\n\
        headers = { authorization = 'Bearer ${KEY}', x-team = 'a,b' }";

    #[test]
    fn the_environment_comes_first_and_headers_go_to_the_collector_of_their_settings() {
        let own = settings(OWN);
        let read = own.under(with(&[("KEY", "k=1")])).unwrap();
        let value = |name: &str| read(name).unwrap();
        assert_eq!(value("OTEL_EXPORTER_OTLP_ENDPOINT"), "http://own");
        assert_eq!(value("OTEL_EXPORTER_OTLP_PROTOCOL"), "http/json");
        assert_eq!(value("OTEL_SERVICE_NAME"), "s");
        assert_eq!(
            value("OTEL_EXPORTER_OTLP_HEADERS"),
            "authorization=Bearer%20k%3D1,x-team=a%2Cb"
        );
        let name = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
        let read = own.under(with(&[(name, "http://other"), ("OTEL_SERVICE_NAME", "t")]));
        let read = read.unwrap();
        assert_eq!(read("OTEL_SERVICE_NAME").unwrap(), "t");
        assert!(read("OTEL_EXPORTER_OTLP_HEADERS").is_none());
        assert!(read("OTEL_EXPORTER_OTLP_ENDPOINT").is_none());
    }

    #[test]
    fn a_secret_is_named_and_not_written() {
        let fault = |text: &str, variables: &[(&str, &str)]| {
            let under = settings(text).under(with(variables));
            under.err().unwrap()
        };
        let written = "endpoint = 'http://own'\nheaders = { authorization = 'Bearer hunter2' }";
        let said = fault(written, &[]);
        assert!(
            said.contains("authorization") && !said.contains("hunter2"),
            "{said}"
        );
        assert!(fault(OWN, &[]).contains("KEY"));
    }

    #[test]
    fn another_collector_gets_nothing_that_was_meant_for_the_user_s_own() {
        let project =
            settings("endpoint = 'http://else'").of_project(Path::new("/p/plandeck.toml"));
        let both = project.clone().or(settings(OWN));
        assert_eq!(both, project);
        let named = settings("service_name = 'shop'").or(settings(OWN));
        assert_eq!(named.service_name.as_deref(), Some("shop"));
        assert_eq!(named.headers.len(), 2);
    }
}
