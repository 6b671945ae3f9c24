#!/usr/bin/env python3
"""What it costs to be watched: the dashboard attached to a run of many events, and a run that many clients follow.

    cargo build --release && python3 benches/control.py [EVENTS] [VIEWERS]

First: a run of 1,000,000 events goes on in a process of its own, and `plandeck attach` is started on it in a terminal of
200x60 cells. The time is taken until its whole frame is there, which shows how many steps have ended.

Second: the same run with and without 50 clients that read all of its events as they happen, by turns. Its steps are calls
of simulated models with the same seed, so that the run takes as long as its slots need, and what the clients cost is
what it takes longer. Also printed: the processor time of the run's process, which is what serving them takes.
"""

import http.client
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from first_frame import start

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(HERE, "..", "target"))
PROGRAM = os.path.abspath(os.environ.get("PLANDECK", os.path.join(TARGET, "release", "plandeck")))
TIMES = 5


def environment(folder):
    return dict(os.environ, PLANDECK_HOME=os.path.join(folder, "home"), PLANDECK_TRUST="1")


def write(folder, plan):
    file = os.path.join(folder, "plan.json")
    with open(file, "w", encoding="utf-8") as out:
        json.dump(plan, out)
    return file


def listening(folder, child):
    """The path of the socket, once the run listens."""
    while child.poll() is None:
        runs = os.path.join(folder, "home", "run")
        for name in os.listdir(runs) if os.path.isdir(runs) else []:
            if name.endswith(".sock"):
                path = os.path.join(runs, name)
                if not os.path.isfile(path):
                    return path
                with open(path, encoding="utf-8") as file:
                    return file.read().strip()
        time.sleep(0.01)
    sys.exit("the run ended before it listened")


class Connection(http.client.HTTPConnection):
    """HTTP over the socket of a run."""

    def __init__(self, path):
        super().__init__("run")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def ask(path):
    connection = Connection(path)
    connection.request("GET", "/v1/run")
    return json.load(connection.getresponse())


def attach(events):
    """Seconds until the dashboard of another process shows a run of that many events."""
    with tempfile.TemporaryDirectory() as folder:
        gate = os.path.join(folder, "gate")
        with open(gate, "w", encoding="utf-8"):
            pass
        # A step that succeeds at once has four events.
        steps = max(1, events // 4)
        plan = {
            "name": "many-events",
            "tools": {
                "next": {"type": "jq", "filter": ".n + 1"},
                "gate": {"type": "process", "command": ["sh", "-c", f"while [ -e '{gate}' ]; do sleep 0.1; done"]},
            },
            "steps": [{"id": "gate", "tool": "gate", "parameters": {}}]
            + [{"id": f"s{at}", "tool": "next", "parameters": {"n": at}} for at in range(steps)],
        }
        command = [PROGRAM, "run", write(folder, plan), "--worker", "offline", "--headless", "--json"]
        with open(os.path.join(folder, "out"), "w") as out:
            child = subprocess.Popen(command, env=environment(folder), stdout=out, stderr=out)
        try:
            path = listening(folder, child)
            while (state := ask(path))["steps_completed"] < steps:
                time.sleep(0.5)
            times = [
                start(PROGRAM, folder, ["attach", "last"], [b"many-events", b"gate", b"leave"])[1] for _ in range(TIMES)
            ]
        finally:
            os.unlink(gate)
            child.wait()
        return state["events"], times


def follow(path, counts, at):
    connection = Connection(path)
    connection.request("GET", "/v1/events?from=0")
    stream = connection.getresponse()
    while piece := stream.read1(1 << 16):
        counts[at] += piece.count(b"\ndata:") + piece.startswith(b"data:")


def watched(viewers):
    """Milliseconds of a run, processor seconds of its process, and the events that all viewers got."""
    steps = 600
    plan = {
        "name": "watched",
        "tools": {"ask": {"type": "model", "prompt": "Describe number {{n}}.", "cache": False}},
        "steps": [{"id": f"s{at}", "tool": "ask", "parameters": {"n": at}} for at in range(steps)],
    }
    with tempfile.TemporaryDirectory() as folder:
        options = ["--worker", "simulated", "--seed", "7", "--max-concurrent", "40", "--max-total-cost-usd", "none"]
        command = [PROGRAM, "run", write(folder, plan), *options, "--headless", "--json", "--paused"]
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        child = subprocess.Popen(
            command, env=environment(folder), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        path = listening(folder, child)
        counts = [0] * viewers
        threads = [threading.Thread(target=follow, args=(path, counts, at)) for at in range(viewers)]
        for thread in threads:
            thread.start()
        go = Connection(path)
        go.request("POST", "/v1/commands", json.dumps({"verb": "resume"}), {"content-type": "application/json"})
        answer = go.getresponse()
        if answer.status != 202:
            sys.exit(answer.read())
        result = json.loads(child.communicate()[0])
        for thread in threads:
            thread.join()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime - used.ru_utime + after.ru_stime - used.ru_stime
        return result["latency_ms"], cpu, sum(counts)


def main():
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    viewers = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    if not os.path.exists(PROGRAM):
        sys.exit(f"{PROGRAM} does not exist: run `cargo build --release` first")
    if events:
        seen, times = attach(events)
        print("| events | attach: whole frame s, median | best | worst |")
        print("| --- | --- | --- | --- |")
        print(f"| {seen:,} | {statistics.median(times):.2f} | {min(times):.2f} | {max(times):.2f} |")
        print()
    alone, seen = [], []
    for _ in range(TIMES):
        alone.append(watched(0))
        seen.append(watched(viewers))
    ratios = [b[0] / a[0] for a, b in zip(alone, seen)]
    print("| viewers | run ms, median | processor s | events read |")
    print("| --- | --- | --- | --- |")
    for count, ones in ((0, alone), (viewers, seen)):
        row = [statistics.median(column) for column in zip(*ones)]
        print(f"| {count} | {row[0]:.0f} | {row[1]:.2f} | {row[2]:.0f} |")
    print(f"\nlonger by {(statistics.median(ratios) - 1) * 100:.1f} % ({min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
