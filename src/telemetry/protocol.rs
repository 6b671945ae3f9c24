//! How requests and answers are written: OTLP over HTTP, as Protobuf or as JSON.

use crate::report::otlp::Signal;
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// How requests are written, and so their answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Protocol {
    /// As Protobuf, which every collector takes.
    #[default]
    Protobuf,
    /// As JSON.
    Json,
}

/// What a collector did not take of a request that arrived.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rejected {
    /// How many spans, log records or points of metrics.
    pub(super) count: u64,
    /// Why, in the words of the collector.
    pub(super) why: String,
}

impl Protocol {
    /// The protocol of this name.
    ///
    /// # Errors
    /// What to do instead, where this version does not have it.
    pub(super) fn read(name: &str) -> Result<Self, String> {
        match name.trim() {
            "http/protobuf" => Ok(Self::Protobuf),
            "http/json" => Ok(Self::Json),
            "grpc" => Err(
                "this version does not send grpc: set it to http/protobuf, and the endpoint to the port that the \
                 collector has for HTTP (4318 by default)"
                    .to_owned(),
            ),
            other => Err(format!(
                "there is no protocol {other:?}: set it to http/protobuf or http/json"
            )),
        }
    }

    /// What the header says that a request is.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    /// The body of a request, which is given as OTLP has it in JSON.
    ///
    /// # Errors
    /// Where the request is not as OTLP has it.
    pub(super) fn encode(
        self,
        signal: Signal,
        request: Value,
    ) -> Result<Vec<u8>, serde_json::Error> {
        match (self, signal) {
            (Self::Json, _) => serde_json::to_vec(&request),
            (Self::Protobuf, Signal::Traces) => binary::<ExportTraceServiceRequest>(request),
            (Self::Protobuf, Signal::Metrics) => binary::<ExportMetricsServiceRequest>(request),
            (Self::Protobuf, Signal::Logs) => binary::<ExportLogsServiceRequest>(request),
        }
    }

    /// What the answer says was rejected: nothing, where it cannot be read.
    pub(super) fn rejected(self, signal: Signal, answer: &[u8]) -> Rejected {
        match self {
            Self::Json => of_json(signal, answer),
            Self::Protobuf => of_binary(signal, answer).unwrap_or_default(),
        }
    }
}

fn binary<M: Message + DeserializeOwned>(request: Value) -> Result<Vec<u8>, serde_json::Error> {
    Ok(serde_json::from_value::<M>(request)?.encode_to_vec())
}

fn of_json(signal: Signal, answer: &[u8]) -> Rejected {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let partial = &answer["partialSuccess"];
    let count = match signal {
        Signal::Traces => &partial["rejectedSpans"],
        Signal::Logs => &partial["rejectedLogRecords"],
        Signal::Metrics => &partial["rejectedDataPoints"],
    };
    let of_text = || count.as_str()?.parse().ok();
    let why = partial["errorMessage"].as_str();
    Rejected {
        count: count.as_u64().or_else(of_text).unwrap_or(0),
        why: why.unwrap_or_default().to_owned(),
    }
}

fn of_binary(signal: Signal, answer: &[u8]) -> Option<Rejected> {
    let (count, why) = match signal {
        Signal::Traces => {
            let partial = ExportTraceServiceResponse::decode(answer).ok()?;
            let partial = partial.partial_success?;
            (partial.rejected_spans, partial.error_message)
        }
        Signal::Logs => {
            let partial = ExportLogsServiceResponse::decode(answer).ok()?;
            let partial = partial.partial_success?;
            (partial.rejected_log_records, partial.error_message)
        }
        Signal::Metrics => {
            let partial = ExportMetricsServiceResponse::decode(answer).ok()?;
            let partial = partial.partial_success?;
            (partial.rejected_data_points, partial.error_message)
        }
    };
    let count = u64::try_from(count).unwrap_or(0);
    Some(Rejected { count, why })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::otlp::{attribute, request};
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;
    use serde_json::json;

    fn decoded<M: Message + Default + serde::Serialize>(signal: Signal, all: &[Value]) -> Value {
        let request = request(signal, &[attribute("service.name", "shop")], all);
        let body = Protocol::Protobuf.encode(signal, request).unwrap();
        serde_json::to_value(M::decode(&*body).unwrap()).unwrap()
    }

    /// Whether everything that `expected` has is in `got`, which may have more.
    fn check_within(expected: &Value, got: &Value, place: &str) {
        match (expected, got) {
            (Value::Object(expected), Value::Object(got)) => {
                for (name, value) in expected {
                    let found = got.get(name).unwrap_or(&Value::Null);
                    check_within(value, found, &format!("{place}.{name}"));
                }
            }
            (Value::Array(expected), Value::Array(got)) => {
                assert_eq!(expected.len(), got.len(), "{place}");
                for (at, (expected, got)) in expected.iter().zip(got).enumerate() {
                    check_within(expected, got, &format!("{place}[{at}]"));
                }
            }
            _ => assert_eq!(expected, got, "{place}"),
        }
    }

    #[test]
    fn nothing_is_lost_on_the_way_from_json_to_protobuf() {
        let attributes = json!([
            {"key": "text", "value": {"stringValue": "ü \u{2028} \"x\""}},
            {"key": "whole", "value": {"intValue": "9007199254740993"}},
            {"key": "number", "value": {"doubleValue": 0.1}},
        ]);
        let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        let one = json!({
            "traceId": trace, "spanId": span, "parentSpanId": "00f067aa0ba902b7", "name": "chat m", "kind": 3,
            "startTimeUnixNano": "1790000000000000001", "endTimeUnixNano": "1790000000000000002",
            "attributes": attributes, "links": [{"traceId": trace, "spanId": "00f067aa0ba902b8"}],
            "status": {"code": 2, "message": "no luck"},
        });
        let got = decoded::<ExportTraceServiceRequest>(Signal::Traces, std::slice::from_ref(&one));
        let resource = &got["resourceSpans"][0];
        check_within(&one, &resource["scopeSpans"][0]["spans"][0], "span");
        let service = &resource["resource"]["attributes"][0]["value"]["stringValue"];
        assert_eq!(service, "shop");

        let record = json!({
            "timeUnixNano": "1790000000000000001", "observedTimeUnixNano": "1790000000000000002",
            "severityNumber": 17, "severityText": "ERROR", "eventName": "plandeck.step.failed",
            "body": {"stringValue": "no luck"}, "attributes": attributes, "traceId": trace, "spanId": span,
        });
        let got = decoded::<ExportLogsServiceRequest>(Signal::Logs, std::slice::from_ref(&record));
        check_within(
            &record,
            &got["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0],
            "record",
        );

        let point =
            json!({"startTimeUnixNano": "1", "timeUnixNano": "2", "attributes": attributes});
        let with = |more: Value| {
            let mut point = point.clone();
            point
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            point
        };
        let metrics = [
            json!({"name": "plandeck.steps", "unit": "{step}", "description": "steps", "sum": {
                "aggregationTemporality": 2, "isMonotonic": true,
                "dataPoints": [with(json!({"asInt": "9007199254740993"})), with(json!({"asDouble": 0.25}))],
            }}),
            json!({"name": "d", "unit": "s", "description": "w", "histogram": {
                "aggregationTemporality": 2,
                "dataPoints": [with(json!({
                    "count": "3", "sum": 1.5, "min": 0.25, "max": 1.0, "bucketCounts": ["1", "2"],
                    "explicitBounds": [0.5],
                }))],
            }}),
        ];
        let got = decoded::<ExportMetricsServiceRequest>(Signal::Metrics, &metrics);
        let got = &got["resourceMetrics"][0]["scopeMetrics"][0]["metrics"];
        check_within(&Value::from(metrics.to_vec()), got, "metrics");
    }

    #[test]
    fn what_was_rejected_is_read_in_both_forms() {
        let expected = Rejected {
            count: 2,
            why: "too old".to_owned(),
        };
        let json = br#"{"partialSuccess": {"rejectedSpans": "2", "errorMessage": "too old"}}"#;
        assert_eq!(Protocol::Json.rejected(Signal::Traces, json), expected);
        let binary = ExportTraceServiceResponse {
            partial_success: Some(ExportTracePartialSuccess {
                rejected_spans: 2,
                error_message: "too old".to_owned(),
            }),
        };
        let binary = binary.encode_to_vec();
        let read = Protocol::Protobuf.rejected(Signal::Traces, &binary);
        assert_eq!(read, expected);
        for protocol in [Protocol::Protobuf, Protocol::Json] {
            for signal in [Signal::Traces, Signal::Metrics, Signal::Logs] {
                for answer in [&b""[..], b"{}", b"<html>", &[0x0a, 0xff, 0xff]] {
                    let read = protocol.rejected(signal, answer);
                    assert_eq!(
                        read,
                        Rejected::default(),
                        "{protocol:?} {signal:?} {answer:?}"
                    );
                }
            }
        }
    }
}
