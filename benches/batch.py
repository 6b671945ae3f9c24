#!/usr/bin/env python3
"""What a batch adds to the work of its items: time, processor time and memory, by the number of items.

    cargo build --release && python3 benches/batch.py [ITEMS ...]

The plan has five steps that do next to nothing, so that what is measured is everything around them: reading the input,
checking it, a recorded run for each item, and its line of output. For each number of items (1,000 and 10,000 by default)
prints the wall-clock time and the processor time of an item, the peak memory of the process, and the size of the store for
an item. Memory is flat where it does not grow with the number of items. The last two columns say how long it takes from the
start of `plandeck attach BATCH` in a terminal of 200x60 cells to its first frame with items, and until all are counted.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

import first_frame

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(HERE, "..", "target"))
PROGRAM = os.path.abspath(os.environ.get("PLANDECK", os.path.join(TARGET, "release", "plandeck")))

PLAN = {
    "name": "batched",
    "tools": {"add": {"type": "jq", "filter": "{n: (.n + 1)}"}},
    "steps": [
        {"id": "a", "tool": "add", "parameters": {"n": "{{n}}"}},
        {"id": "b", "tool": "add", "parameters": {"n": "{{a.n}}"}},
        {"id": "c", "tool": "add", "parameters": {"n": "{{a.n}}"}},
        {"id": "d", "tool": "add", "parameters": {"n": "{{b.n}}"}, "depends_on": ["c"]},
        {"id": "e", "tool": "add", "parameters": {"n": "{{d.n}}"}},
    ],
}


def measure(items):
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "plan.json"), "w", encoding="utf-8") as out:
            json.dump(PLAN, out)
        with open(os.path.join(folder, "in.jsonl"), "w", encoding="utf-8") as out:
            for n in range(items):
                out.write(json.dumps({"n": n}) + "\n")
        command = [PROGRAM, "batch", "plan.json", "--inputs", "in.jsonl", "-o", "out.jsonl"]
        command += ["--worker", "offline", "--max-tool-calls", "none", "--timeout-seconds", "none"]
        environment = dict(os.environ, PLANDECK_HOME=os.path.join(folder, "home"), PLANDECK_TRUST="1")
        began = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
        said = child.stderr.read()
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
        if os.waitstatus_to_exitcode(status) != 0:
            sys.exit(said)
        with open(os.path.join(folder, "out.jsonl"), encoding="utf-8") as lines:
            ended = sum(json.loads(line)["result"]["n"] == json.loads(line)["index"] + 4 for line in lines)
        if ended != items:
            sys.exit(f"{ended} of {items} items came out right")
        home = os.path.join(folder, "home")
        stored = sum(os.path.getsize(os.path.join(home, name)) for name in os.listdir(home) if name.startswith("plandeck.db"))
        # Of the numbers only the digits that change are written.
        all_counted = "✔ succeeded".encode()
        views = [first_frame.start(PROGRAM, folder, ["attach", "last"], [mark]) for mark in (b"quit", all_counted)]
        processor = used.ru_utime + used.ru_stime
        return wall, processor, used.ru_maxrss / 1024, stored, [view[1] for view in views]


def main():
    print("| items | ms an item | processor ms an item | peak MB | kB an item | first frame ms | all items ms |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for items in [int(argument) for argument in sys.argv[1:]] or [1_000, 10_000]:
        wall, processor, memory, stored, (first, whole) = measure(items)
        print(
            f"| {items:,} | {wall / items * 1e3:.2f} | {processor / items * 1e3:.2f} | {memory:.0f} "
            f"| {stored / items / 1e3:.1f} | {first * 1e3:.0f} | {whole * 1e3:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
