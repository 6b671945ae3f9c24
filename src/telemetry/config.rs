//! Where and what is sent, by the variables that OpenTelemetry has for it.

use super::protocol::Protocol;
use crate::models::Environment;
use crate::report::otlp::{Content, Signal, about_this_program, attribute};
use crate::run::TraceParent;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use std::time::Duration;

/// The most spans and log records that wait to be sent, unless the user says otherwise.
const QUEUE: usize = 16_384;
/// How long spans and log records are collected: a run is to be seen while it goes on.
const DELAY: Duration = Duration::from_secs(1);
/// How often metrics are sent.
const METRICS_EVERY: Duration = Duration::from_mins(1);
/// The longest time of a request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What is wrong with a variable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("OpenTelemetry is off: {variable}: {what}")]
pub struct ConfigFault {
    /// The variable.
    pub variable: String,
    /// What is wrong with it, without its value where that may be a secret.
    pub what: String,
}

/// Where one kind of signal goes.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) url: Url,
    pub(super) protocol: Protocol,
    pub(super) headers: HeaderMap,
    /// The longest time of a request.
    pub(super) timeout: Duration,
}

/// Where and what is sent.
#[derive(Clone, Debug)]
pub struct Config {
    pub(super) traces: Option<Target>,
    pub(super) metrics: Option<Target>,
    pub(super) logs: Option<Target>,
    /// The attributes of the resource.
    pub(super) resource: Vec<Value>,
    pub(super) content: Content,
    /// The span that runs are in.
    pub(super) parent: Option<TraceParent>,
    pub(super) queue: usize,
    pub(super) delay: Duration,
    pub(super) metrics_every: Duration,
}

impl Config {
    /// By the environment; `None` where it names no collector, or switches all of it off.
    ///
    /// # Errors
    /// Where a variable is not valid, or asks for what this version does not have.
    pub fn read(environment: &Environment) -> Result<Option<Self>, ConfigFault> {
        let is_off = environment("OTEL_SDK_DISABLED");
        if is_off.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let target = |signal| target(environment, signal);
        let config = Self {
            traces: target(Signal::Traces)?,
            metrics: target(Signal::Metrics)?,
            logs: target(Signal::Logs)?,
            resource: resource(environment)?,
            content: content(environment),
            parent: environment("TRACEPARENT").and_then(|text| TraceParent::read(&text)),
            queue: whole(environment, "OTEL_BSP_MAX_QUEUE_SIZE")?
                .and_then(|most| usize::try_from(most).ok())
                .filter(|most| *most > 0)
                .unwrap_or(QUEUE),
            delay: time(environment, "OTEL_BSP_SCHEDULE_DELAY")?.unwrap_or(DELAY),
            metrics_every: time(environment, "OTEL_METRIC_EXPORT_INTERVAL")?
                .filter(|every| !every.is_zero())
                .unwrap_or(METRICS_EVERY),
        };
        let all = [&config.traces, &config.metrics, &config.logs];
        let is_any = all.iter().any(|target| target.is_some());
        Ok(is_any.then_some(config))
    }

    pub(super) fn target(&self, signal: Signal) -> Option<&Target> {
        match signal {
            Signal::Traces => self.traces.as_ref(),
            Signal::Metrics => self.metrics.as_ref(),
            Signal::Logs => self.logs.as_ref(),
        }
    }
}

fn fault(variable: &str, what: impl Into<String>) -> ConfigFault {
    ConfigFault {
        variable: variable.to_owned(),
        what: what.into(),
    }
}

/// The value of a variable for this signal, or else for all of them, with its name.
fn given(environment: &Environment, signal: Signal, what: &str) -> Option<(String, String)> {
    let own = format!("OTEL_EXPORTER_OTLP_{}_{what}", signal.word().to_uppercase());
    let all = format!("OTEL_EXPORTER_OTLP_{what}");
    [own, all].into_iter().find_map(|name| {
        let value = environment(&name)?;
        Some((name, value))
    })
}

fn target(environment: &Environment, signal: Signal) -> Result<Option<Target>, ConfigFault> {
    let upper = signal.word().to_uppercase();
    let exporter = format!("OTEL_{upper}_EXPORTER");
    if environment(&exporter).is_some_and(|value| value == "none") {
        return Ok(None);
    }
    let Some((variable, text)) = given(environment, signal, "ENDPOINT") else {
        return Ok(None);
    };
    let url = Url::parse(&text).map_err(|error| fault(&variable, error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(fault(&variable, "it must begin with http:// or https://"));
    }
    // The address of one signal is used as it is.
    let url = if variable.contains(&upper) {
        url
    } else {
        let mut url = url;
        let path = format!("{}/v1/{}", url.path().trim_end_matches('/'), signal.word());
        url.set_path(&path);
        url
    };
    let protocol = given(environment, signal, "PROTOCOL")
        .map(|(variable, name)| Protocol::read(&name).map_err(|what| fault(&variable, what)));
    let timeout = given(environment, signal, "TIMEOUT");
    let timeout = timeout.map(|(variable, text)| millis(&variable, &text));
    Ok(Some(Target {
        url,
        protocol: protocol.transpose()?.unwrap_or_default(),
        headers: headers(environment, signal)?,
        timeout: timeout.transpose()?.unwrap_or(TIMEOUT),
    }))
}

/// `name=value,name=value`, values percent-encoded.
fn pairs(text: &str) -> impl Iterator<Item = Option<(&str, String)>> {
    let parts = text.split(',').map(str::trim);
    parts.filter(|part| !part.is_empty()).map(|part| {
        let (name, value) = part.split_once('=')?;
        let value = percent_encoding::percent_decode_str(value.trim());
        Some((name.trim(), value.decode_utf8().ok()?.into_owned()))
    })
}

fn headers(environment: &Environment, signal: Signal) -> Result<HeaderMap, ConfigFault> {
    let mut headers = HeaderMap::new();
    let Some((variable, text)) = given(environment, signal, "HEADERS") else {
        return Ok(headers);
    };
    for pair in pairs(&text) {
        let header = pair.and_then(|(name, value)| {
            let name: HeaderName = name.parse().ok()?;
            let mut value = HeaderValue::from_str(&value).ok()?;
            value.set_sensitive(true);
            Some((name, value))
        });
        let Some((name, value)) = header else {
            return Err(fault(&variable, "it must be NAME=VALUE,NAME=VALUE"));
        };
        headers.insert(name, value);
    }
    Ok(headers)
}

fn resource(environment: &Environment) -> Result<Vec<Value>, ConfigFault> {
    let mut named: Vec<(String, String)> = Vec::new();
    let variable = "OTEL_RESOURCE_ATTRIBUTES";
    for pair in pairs(&environment(variable).unwrap_or_default()) {
        let (name, value) =
            pair.ok_or_else(|| fault(variable, "it must be NAME=VALUE,NAME=VALUE"))?;
        named.push((name.to_owned(), value));
    }
    if let Some(name) = environment("OTEL_SERVICE_NAME") {
        named.push(("service.name".to_owned(), name));
    }
    let id = uuid::Uuid::now_v7().to_string();
    let mut all = about_this_program();
    // Metrics of processes that run at the same time are counted apart.
    all.push(attribute("service.instance.id", &id));
    for (name, value) in named {
        all.retain(|one| one["key"] != *name);
        all.push(attribute(&name, &value));
    }
    Ok(all)
}

fn content(environment: &Environment) -> Content {
    let value = environment("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT");
    let value = value.unwrap_or_default().to_ascii_lowercase();
    match &*value {
        "true" | "1" | "span_only" | "event_only" | "span_and_event" => Content::Included,
        _ => Content::LeftOut,
    }
}

fn whole(environment: &Environment, name: &str) -> Result<Option<u64>, ConfigFault> {
    let read = |text: String| text.trim().parse();
    let value = environment(name).map(read).transpose();
    value.map_err(|_| fault(name, "it must be a whole number"))
}

fn time(environment: &Environment, name: &str) -> Result<Option<Duration>, ConfigFault> {
    let text = environment(name);
    text.map(|text| millis(name, &text)).transpose()
}

fn millis(name: &str, text: &str) -> Result<Duration, ConfigFault> {
    let millis = text.trim().parse().map(Duration::from_millis);
    millis.map_err(|_| fault(name, "it must be a number of milliseconds"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::sync::Arc;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Config>, ConfigFault> {
        let all = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let all: HashMap<String, String> = all.collect();
        let environment: Environment = Arc::new(move |name| all.get(name).cloned());
        Config::read(&environment)
    }

    #[test]
    fn nothing_is_sent_unless_a_collector_is_named() {
        assert!(read(&[]).unwrap().is_none());
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
        assert!(read(&[endpoint]).unwrap().is_some());
        assert!(
            read(&[endpoint, ("OTEL_SDK_DISABLED", "TRUE")])
                .unwrap()
                .is_none()
        );
        let none = [
            "OTEL_TRACES_EXPORTER",
            "OTEL_METRICS_EXPORTER",
            "OTEL_LOGS_EXPORTER",
        ];
        let none = none.map(|name| (name, "none"));
        let some = read(&[&[endpoint], &none[..2]].concat()).unwrap().unwrap();
        assert!(some.traces.is_none() && some.metrics.is_none() && some.logs.is_some());
        assert!(read(&[&[endpoint], &none[..]].concat()).unwrap().is_none());
    }

    #[test]
    fn addresses_headers_and_times_are_those_of_the_signal_or_of_all() {
        let config = read(&[
            (
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "https://collector.example/base/",
            ),
            (
                "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
                "http://logs.example/take?a=1",
            ),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20b, x-more=c=d"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-own=1"),
            ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "1500"),
            ("OTEL_SERVICE_NAME", "shop"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,team=a%2Cb"),
        ]);
        let config = config.unwrap().unwrap();
        let of = |signal| config.target(signal).unwrap();
        assert_eq!(
            of(Signal::Traces).url.as_str(),
            "https://collector.example/base/v1/traces"
        );
        assert_eq!(
            of(Signal::Logs).url.as_str(),
            "http://logs.example/take?a=1"
        );
        assert_eq!(of(Signal::Metrics).headers["x-key"], "a b");
        assert_eq!(of(Signal::Metrics).headers["x-more"], "c=d");
        assert!(!of(Signal::Traces).headers.contains_key("x-key"));
        assert_eq!(of(Signal::Metrics).timeout, Duration::from_millis(1_500));
        assert_eq!(of(Signal::Logs).timeout, TIMEOUT);
        let named = |name: &str| {
            config
                .resource
                .iter()
                .filter(|one| one["key"] == name)
                .collect::<Vec<_>>()
        };
        assert_eq!(named("service.name"), [&attribute("service.name", "shop")]);
        assert_eq!(named("team"), [&attribute("team", "a,b")]);
    }

    #[test]
    fn what_is_wrong_is_named_without_secrets() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "not an address"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "-1"),
        ] {
            let fault =
                read(&[endpoint, (name, value)][usize::from(name == endpoint.0)..]).unwrap_err();
            assert_eq!(fault.variable, name);
            assert!(!fault.to_string().contains("hunter2"), "{fault}");
        }
    }
}
