"""Runs plans that are sent to a collector of OpenTelemetry, reads the requests with the project's own types, and checks
them against each other and against the names of its conventions.

usage: telemetry.py PROGRAM
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf import json_format, unknown_fields
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.semconv._incubating.attributes import error_attributes, gen_ai_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics

BINARY = "application/x-protobuf"
PROTOCOLS = {"http/protobuf": BINARY, "http/json": "application/json"}
TYPES = {
    "/v1/traces": (ExportTraceServiceRequest, ExportTraceServiceResponse),
    "/v1/metrics": (ExportMetricsServiceRequest, ExportMetricsServiceResponse),
    "/v1/logs": (ExportLogsServiceRequest, ExportLogsServiceResponse),
}
ATTRIBUTES = {
    value
    for module in (gen_ai_attributes, error_attributes)
    for name, value in vars(module).items()
    if name.isupper() and isinstance(value, str)
}
METRICS = {value for name, value in vars(gen_ai_metrics).items() if name.isupper() and isinstance(value, str)}

PLAN = {
    "name": "counterpart",
    "tools": {
        "same": {"type": "jq", "filter": "."},
        "bad": {"type": "jq", "filter": 'error("no luck")'},
        "ask": {"type": "model", "prompt": "Say {{n}}."},
    },
    "steps": [
        {"id": "a", "tool": "same", "parameters": {"n": "private input ü \u2028 \"x\""}},
        {"id": "b", "tool": "ask", "parameters": {"n": "{{a.n}}"}},
        {"id": "each", "tool": "same", "for_each": [1, 2, 3], "parameters": {"n": "{{item}}"}},
        {"id": "c", "tool": "bad", "parameters": {"of": "{{b}}", "and": "{{each}}"}},
    ],
}


def with_binary_ids(value):
    """OTLP has ids as hexadecimal digits where protobuf's JSON has base64."""
    if isinstance(value, list):
        return [with_binary_ids(one) for one in value]
    if not isinstance(value, dict):
        return value
    ids = ("traceId", "spanId", "parentSpanId")
    return {
        key: base64.b64encode(bytes.fromhex(one)).decode() if key in ids else with_binary_ids(one)
        for key, one in value.items()
    }


class Collector(BaseHTTPRequestHandler):
    got = {path: [] for path in TYPES}
    faults = []
    expected = None

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        kind, answer = TYPES[self.path]
        try:
            assert self.headers["content-type"] == self.expected, self.headers["content-type"]
            if self.expected == BINARY:
                request = kind.FromString(body)
                # Protobuf keeps what it does not know; there is nothing of that kind in what is sent.
                assert not len(unknown_fields.UnknownFieldSet(request)), "fields that the types do not have"
                assert request.IsInitialized()
            else:
                request = json_format.ParseDict(with_binary_ids(json.loads(body)), kind())
            self.got[self.path].append(request)
            status = 200
        except Exception as error:  # every kind of fault is one of the program
            self.faults.append(f"{self.path}: {error!r}: {body[:400]!r}")
            status = 400
        said = answer().SerializeToString() if self.expected == BINARY else json_format.MessageToJson(answer()).encode()
        self.send_response(status)
        self.send_header("content-type", self.expected)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


def keys(attributes):
    return [one.key for one in attributes]


def check(condition, what):
    if not condition:
        sys.exit(f"telemetry: {what}")


def check_names(attributes):
    assert len(set(keys(attributes))) == len(attributes), f"a name twice: {keys(attributes)}"
    unknown = [key for key in keys(attributes) if key.startswith("gen_ai.") and key not in ATTRIBUTES]
    check(not unknown, f"names that the conventions do not have: {unknown}")


def check_protocol(program, server, protocol):
    Collector.expected = PROTOCOLS[protocol]
    Collector.got = {path: [] for path in TYPES}
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "PLANDECK_HOME": os.path.join(folder, "home"),
            "PLANDECK_TRUST": "1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            "OTEL_SERVICE_NAME": "counterpart",
        }
        with open(os.path.join(folder, "plan.json"), "w", encoding="utf-8") as file:
            json.dump(PLAN, file)
        with open(os.path.join(folder, "in.jsonl"), "w", encoding="utf-8") as file:
            file.write("{}\n" * 5)

        def run(expected, *arguments):
            done = subprocess.run(
                [program, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
            )
            check(done.returncode == expected, f"{arguments}: {done.returncode}\n{done.stderr}")
            check("OpenTelemetry" not in done.stderr, done.stderr)

        run(1, "run", "plan.json", "--worker", "simulated", "--headless", "--json")
        run(1, "batch", "plan.json", "--inputs", "in.jsonl", "--worker", "simulated", "-o", "out.jsonl")
    check(not Collector.faults, "\n".join(Collector.faults))

    spans, records, metrics = [], [], []
    for request in Collector.got["/v1/traces"]:
        for resource in request.resource_spans:
            names = {one.key: one.value.string_value for one in resource.resource.attributes}
            check(names.get("service.name") == "counterpart", f"resource: {names}")
            spans += [span for scope in resource.scope_spans for span in scope.spans]
    for request in Collector.got["/v1/logs"]:
        records += [one for resource in request.resource_logs for scope in resource.scope_logs for one in scope.log_records]
    for request in Collector.got["/v1/metrics"]:
        metrics += [one for resource in request.resource_metrics for scope in resource.scope_metrics for one in scope.metrics]

    # Six runs of a workflow: a model's call, which may be made again, a step of three elements, two other tools.
    check(len(spans) >= 6 * 7, f"{len(spans)} spans")
    by_id = {(span.trace_id, span.span_id): span for span in spans}
    check(len(by_id) == len(spans), "two spans have the same id")
    check(len({span.trace_id for span in spans}) == 6, "each run is a trace")
    for span in spans:
        check(len(span.trace_id) == 16 and len(span.span_id) == 8, f"ids of {span}")
        check(0 < span.start_time_unix_nano <= span.end_time_unix_nano, f"times of {span}")
        inside = not span.parent_span_id or (span.trace_id, span.parent_span_id) in by_id
        check(inside, f"the parent of {span}")
        for link in span.links:
            check((link.trace_id, link.span_id) in by_id, f"a link of {span}")
        check_names(span.attributes)
        failed = "error.type" in keys(span.attributes)
        check(failed == (span.status.code == 2), f"the status of {span}")
        check("private" not in str(span), f"content that was not asked for: {span}")
    for record in records:
        check((record.trace_id, record.span_id) in by_id, f"the span of {record}")
        check(record.time_unix_nano > 0 and record.severity_number in (13, 17), f"{record}")
    failed = sum("error.type" in keys(span.attributes) for span in spans)
    check(len(records) == failed + 6, f"{len(records)} log records of {failed} failures")
    for metric in metrics:
        known = metric.name in METRICS or metric.name.startswith("plandeck.")
        check(known and metric.unit and metric.description, f"{metric.name}")
        points = getattr(metric, metric.WhichOneof("data")).data_points
        check(len(points) > 0, f"{metric.name} has no points")
        for point in points:
            check_names(point.attributes)
            check(point.start_time_unix_nano < point.time_unix_nano, f"{metric.name}: times")
            if metric.WhichOneof("data") == "histogram":
                check(len(point.bucket_counts) == len(point.explicit_bounds) + 1, metric.name)
                check(sum(point.bucket_counts) == point.count > 0, metric.name)
    names = {metric.name for metric in metrics}
    for name in ("gen_ai.client.operation.duration", "gen_ai.client.token.usage", "plandeck.steps"):
        check(name in names, f"no metric {name} in {names}")
    print(f"{protocol}: {len(spans)} spans, {len(records)} log records and {len(names)} metrics are as OpenTelemetry's types have them")


def main():
    program = os.path.abspath(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for protocol in PROTOCOLS:
        check_protocol(program, server, protocol)


if __name__ == "__main__":
    main()
