"""What a call of an MCP tool takes beyond the bare exchange with its server: the same server, the same calls, one run.

usage: python3 benches/mcp.py [PLANDECK]
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

CALLS = 500
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SERVER = os.path.join(ROOT, "tests", "fixtures", "mcp", "server.py")
PROGRAM = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "target", "release", "plandeck"))


def bare():
    """The milliseconds of each call by a client that only writes a line and reads one."""
    child = subprocess.Popen([sys.executable, SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def exchange(id, method, params):
        child.stdin.write(json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params}) + "\n")
        child.stdin.flush()
        return json.loads(child.stdout.readline())

    exchange(0, "initialize", {"protocolVersion": "2025-11-25"})
    took = []
    for id in range(1, CALLS + 1):
        began = time.perf_counter()
        answer = exchange(id, "tools/call", {"name": "say", "arguments": {"text": f"line {id}"}})
        took.append((time.perf_counter() - began) * 1e3)
        assert answer["result"]["content"][0]["text"] == f"line {id}"
    child.stdin.close()
    child.wait()
    return took


def plandeck(folder):
    """The milliseconds of each step of a plan that makes the same calls, one after the other."""
    steps = [{"id": "s0", "tool": "say", "parameters": {"text": "start"}}]
    for id in range(1, CALLS + 1):
        step = {"id": f"s{id}", "tool": "say", "parameters": {"text": f"line {id}"}, "depends_on": [f"s{id - 1}"]}
        steps.append(step)
    servers = {"scripted": {"command": sys.executable, "args": [SERVER]}}
    plan = os.path.join(folder, "plan.json")
    with open(plan, "w") as file:
        json.dump({"mcpServers": servers, "tools": {"say": {"type": "mcp"}}, "steps": steps}, file)
    env = {**os.environ, "PLANDECK_TRUST": "1", "PLANDECK_HOME": os.path.join(folder, "home")}
    command = [PROGRAM, "run", plan, "--headless", "--json", "--worker", "offline"]
    printed = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout
    result = json.loads(printed)
    # The first step starts the server.
    return [step["latency_ms"] for step in result["steps"][1:]]


with tempfile.TemporaryDirectory() as folder:
    pairs = [(statistics.median(bare()), statistics.median(plandeck(folder))) for _ in range(5)]
for alone, step in pairs:
    print(f"median of {CALLS} calls: {alone:.3f} ms bare, {step:.3f} ms as a step, {step - alone:+.3f} ms")
over = statistics.median(step - alone for alone, step in pairs)
print(f"an MCP call takes {over:.3f} ms beyond the bare exchange (median of {len(pairs)} pairs; at most 1 ms)")
