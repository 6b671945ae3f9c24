"""Runs the receipt sample with a small model behind llama.cpp's server. A model of this size reads a receipt badly, so
what it says is not judged: every answer has to be streamed, counted, free, and valid against the tool's schema or refused
with the reason.

usage: python3 llama-cpp.py PROGRAM LLAMA_SERVER MODEL
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

program, server, model = map(os.path.abspath, sys.argv[1:4])
PLAN = "sample-plans/receipt/plan.yaml"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url, process, log):
    begin = time.monotonic()
    while time.monotonic() - begin < 300:
        if process.poll() is not None:
            sys.exit(f"llama-server ended: {open(log).read()[-2000:]}")
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.5)
    sys.exit("llama-server does not get ready")


def main(folder):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    log = os.path.join(folder, "server.log")
    command = [server, "-m", model, "--host", "127.0.0.1", "--port", str(port), "-c", "16384", "--parallel", "2"]
    with open(log, "w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        wait_for(url, process, log)
        check(folder, url)
    finally:
        process.kill()
        process.wait()


def check(folder, url):
    events = os.path.join(folder, "events.jsonl")
    environment = dict(os.environ, PLANDECK_HOME=os.path.join(folder, "home"))
    command = [program, "run", PLAN, "--headless", "--json", "--fresh", "--worker", "llamacpp/smollm2"]
    command += ["--base-url", f"{url}/v1", "--max-concurrent", "2", "--events", events]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=3600)
    assert ran.returncode in (0, 1), f"exit {ran.returncode}: {ran.stderr}"
    result = json.loads(ran.stdout)
    with open(events) as lines:
        ended = [json.loads(line) for line in lines]
    ended = [event for event in ended if event["type"] == "attempt_ended" and event.get("model")]
    assert ended, f"no model was asked: {ran.stderr}"
    good = 0
    for attempt in ended:
        step, error = attempt["step"], attempt.get("error")
        assert attempt["cost"] == 0, f"{step}: a local model is free"
        assert attempt.get("first_token_ms", 0) > 0, f"{step}: the answer was not streamed: {error}"
        assert attempt["tokens"]["input"] > 0 and attempt["tokens"]["output"] > 0, f"{step}: no usage"
        speed = attempt.get("tokens_per_second")
        words = error["message"][:160] if error else "valid"
        good += not error
        print(f"{step}, attempt {attempt['attempt']}: {attempt['tokens']['output']} tokens at {speed or 0:.0f}/s: {words}")
    assert good, "no answer was valid"
    print(f"the receipt was read by a real model: {good} of {len(ended)} answers are valid, the run {result['status']}")


with tempfile.TemporaryDirectory(prefix="plandeck-llama-cpp-") as folder:
    main(folder)
