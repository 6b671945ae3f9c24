"""Measures the whole program on a plan file of many jq steps, with its journal, progress lines and JSON result: wall-clock
and processor time from start to exit. Then the memory of a run in which many steps use one large output.

usage: python3 benches/program.py [STEPS]      (after `cargo build --release`)
"""

import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time

TIMES = 5
HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(HERE, "..", "target"))
PROGRAM = os.path.join(TARGET, "release", "plandeck")


def dependencies(shape, steps):
    """What each step waits for, as in benches/engine.rs; `wide` without the step that waits for all."""
    if shape == "wide":
        return [[]] + [[0]] * (steps - 1)
    if shape == "deep":
        return [[]] + [[at] for at in range(steps - 1)]
    rng = random.Random(7)
    return [
        sorted({rng.randrange(max(0, at - 100), at) for _ in range(rng.randint(0, min(3, at)))})
        for at in range(steps)
    ]


def plan(shape, steps):
    """Every step adds one to the output of a step before it."""
    return {
        "name": shape,
        "tools": {"next": {"type": "jq", "filter": "{n: (.n + 1)}"}},
        "steps": [
            {
                "id": f"s{at}",
                "tool": "next",
                "parameters": {"n": f"{{{{s{before[-1]}.n}}}}" if before else at},
                "depends_on": [f"s{other}" for other in before],
            }
            for at, before in enumerate(dependencies(shape, steps))
        ],
    }


def measure(file, folder):
    home = os.path.join(folder, "home")
    shutil.rmtree(home, ignore_errors=True)
    command = [PROGRAM, "run", file, "--worker", "offline", "--headless", "--json"]
    environment = dict(os.environ, PLANDECK_HOME=home)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(os.path.join(folder, "out"), "w") as out, open(os.path.join(folder, "err"), "w") as err:
        begin = time.perf_counter()
        subprocess.run(command, env=environment, stdout=out, stderr=err, check=True)
        took = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - used.ru_utime + after.ru_stime - used.ru_stime
    with open(os.path.join(folder, "out")) as out:
        result = json.load(out)
    return took, cpu, result["latency_ms"] / 1e3


def sharing_plan(steps):
    """An output of a megabyte, and steps that take it as one of their parameters."""
    return {
        "name": "sharing",
        "tools": {
            "large": {"type": "jq", "filter": '[range(16384) | "64 characters of text that are repeated until they are a megabyte."]'},
            "count": {"type": "jq", "filter": "{n: .n, length: (.text | length)}"},
        },
        "steps": [{"id": "large", "tool": "large", "parameters": {}}]
        + [
            {"id": f"s{at}", "tool": "count", "parameters": {"n": at, "text": "{{large}}"}, "depends_on": ["large"]}
            for at in range(steps)
        ],
    }


def peak_mb(file, folder):
    """The most memory that the program or one of its children had."""
    command = [PROGRAM, "run", file, "--worker", "offline", "--headless", "--json"]
    environment = dict(os.environ, PLANDECK_HOME=os.path.join(folder, "home"))
    program = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(program.pid, 0)
    if status != 0:
        sys.exit(f"{command} ended with {status}")
    return used.ru_maxrss / 1024


def sharing():
    print("steps that use an output of 1 MB, and the peak MB")
    for steps in [1, 10, 100, 1_000]:
        with tempfile.TemporaryDirectory(dir=os.environ.get("PLANDECK_BENCH_DIR")) as folder:
            file = os.path.join(folder, "plan.json")
            with open(file, "w") as out:
                json.dump(sharing_plan(steps), out)
            print(f"{steps:>5} {peak_mb(file, folder):>8.0f}")


def main():
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    # First, because a child's peak begins at what this process has when it starts the child.
    sharing()
    print(f"\n{steps} jq steps, best of {TIMES}; microseconds per step")
    print(f"{'shape':<8} {'wall clock':>10} {'processor':>10} {'of it the run':>14}")
    for shape in ["wide", "deep", "random"]:
        with tempfile.TemporaryDirectory(dir=os.environ.get("PLANDECK_BENCH_DIR")) as folder:
            file = os.path.join(folder, "plan.json")
            with open(file, "w") as out:
                json.dump(plan(shape, steps), out)
            best = min(measure(file, folder) for _ in range(TIMES))
        print(f"{shape:<8} " + f"{best[0] * 1e6 / steps:>10.1f} {best[1] * 1e6 / steps:>10.1f} {best[2] * 1e6 / steps:>14.1f}")


if __name__ == "__main__":
    main()
