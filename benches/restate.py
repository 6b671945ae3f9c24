#!/usr/bin/env python3
"""What it adds to a batch that its items are run by a worker behind a Restate server.

    cargo build --release --features restate
    RESTATE_SERVER=PROGRAM python3 benches/restate.py [ITEMS] [MAX_RUNS]

`.ci/restate` installs the server into `target/restate`. Server, worker and batch are on this machine. The plan has five
calls of a model tool that the offline worker answers by rules, so that what is measured is everything around them. The same
batch runs in one process first; then with the worker. Prints the wall-clock time of an item of each (1,000 items by
default, 64 at once), what that would be for 10,000 items, how long `attach` takes from another folder until it has all of
them, and the peak memory of server and worker.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(HERE, "..", "target"))
PROGRAM = os.path.abspath(os.environ.get("PLANDECK", os.path.join(TARGET, "release", "plandeck")))
SERVER = os.environ.get("RESTATE_SERVER") or sys.exit("RESTATE_SERVER names the program of the server; .ci/restate installs it")

TOOLS = {
    "tools": {
        "next": {
            "type": "model",
            "description": "the next number",
            "prompt": "What follows {{n}}?",
            "cache": False,
            "offline": {"jq": "{n: (.n + 1)}"},
        }
    }
}
STEPS = ["a", "b", "c", "d", "e"]
PLAN = {
    "name": "far",
    "steps": [
        {"id": step, "tool": "next", "parameters": {"n": "{{n}}" if at == 0 else "{{%s.n}}" % STEPS[at - 1]}}
        for at, step in enumerate(STEPS)
    ],
}


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_for(what, there):
    for _ in range(600):
        if there():
            return
        time.sleep(0.05)
    sys.exit(f"waited in vain for {what}")


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


def peak(process):
    with open(f"/proc/{process}/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))


def batch(folder, items, runs, name, more):
    command = [PROGRAM, "batch", "plan.json", "--tools", "tools.json", "--inputs", "in.jsonl", "-o", f"{name}.jsonl"]
    command += ["--worker", "offline", "--max-runs", str(runs), "--max-concurrent", str(runs), "--headless"]
    command += ["--max-tool-calls", "none", "--timeout-seconds", "none", *more]
    environment = dict(os.environ, PLANDECK_HOME=os.path.join(folder, name), PLANDECK_TRUST="1")
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - began
    if done.returncode != 0:
        sys.exit(done.stderr)
    with open(os.path.join(folder, f"{name}.jsonl"), encoding="utf-8") as lines:
        right = sum(line["result"]["n"] == line["index"] + 5 for line in map(json.loads, lines))
    if right != items:
        sys.exit(f"{right} of {items} items came out right")
    return wall


def main():
    items = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 64
    with tempfile.TemporaryDirectory() as folder:
        for name, value in [("plan.json", PLAN), ("tools.json", TOOLS)]:
            with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
                json.dump(value, out)
        with open(os.path.join(folder, "in.jsonl"), "w", encoding="utf-8") as out:
            out.writelines(json.dumps({"n": n}) + "\n" for n in range(items))
        node, ingress, admin, own = free_ports(4)
        with open(os.path.join(folder, "restate.toml"), "w", encoding="utf-8") as out:
            out.write(
                f'bind-ip = "127.0.0.1"\nbind-port = {node}\nlisten-mode = "tcp"\nadvertised-host = "127.0.0.1"\n'
                f'base-dir = "{folder}/data"\ndisable-telemetry = true\nrocksdb-total-memory-size = "256MB"\n'
                f"[ingress]\nbind-port = {ingress}\n[admin]\nbind-port = {admin}\n"
            )
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
        environment = dict(os.environ, RESTATE_CONFIG=os.path.join(folder, "restate.toml"))
        server = subprocess.Popen([SERVER, "--no-logo"], env=environment, **quiet)
        worker = None
        try:
            wait_for("the server", lambda: answers(f"http://127.0.0.1:{admin}/health"))
            place = f"http://127.0.0.1:{admin}"
            command = [PROGRAM, "worker", "--restate", f"127.0.0.1:{own}", "--tools", "tools.json", "--worker", "offline"]
            environment = dict(os.environ, PLANDECK_TRUST="1")
            worker = subprocess.Popen([*command, "--register", place], env=environment, **quiet)
            wait_for("the worker", lambda: answers(f"{place}/services/Plandeck"))
            here = batch(folder, items, runs, "here", [])
            on = f"restate://127.0.0.1:{ingress}?admin=127.0.0.1:{admin}"
            far = batch(folder, items, runs, "far", ["--on", on])
            print(f"{items} items of {len(STEPS)} calls, {runs} at once")
            print(f"in one process   {here / items * 1e3:8.2f} ms an item")
            print(f"with a worker    {far / items * 1e3:8.2f} ms an item")
            print(f"overhead         {far - here:8.1f} s, {(far - here) / items * 1e4:.1f} s for 10,000 items")
            began = time.monotonic()
            place, query = on.split("?")
            environment = dict(os.environ, PLANDECK_HOME=os.path.join(folder, "elsewhere"))
            command = [PROGRAM, "attach", f"{place}/last?{query}", "--headless"]
            subprocess.run(command, env=environment, check=True, **quiet)
            print(f"attach           {time.monotonic() - began:8.1f} s until it has all items")
            print(f"peak memory      {peak(server.pid)} MB server, {peak(worker.pid)} MB worker")
        finally:
            for process in [worker, server]:
                if process:
                    process.kill()
                    process.wait()


main()
