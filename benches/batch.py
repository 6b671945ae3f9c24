#!/usr/bin/env python3
"""What a batch adds to the work of its items: time, processor time and memory, by the number of items.

    cargo build --release && python3 benches/batch.py [ITEMS ...]

The plan has five steps that do next to nothing, so that what is measured is everything around them: reading the input,
checking it, a recorded run for each item, and its line of output. One item of a hundred fails. For each number of items
(100, 1,000 and 10,000 by default; 100,000 takes minutes) prints the wall-clock time and the processor time of an item, the
peak memory of the process, and the size of the store for an item. Memory is flat where it does not grow with the number of
items. Then how long it takes from the start of `plandeck attach BATCH` in a terminal of 200x60 cells to its first frame
with items, and until all are counted. A second table says what a key of that view takes, from the key to the end of the
frame that follows: the median of five, the frame limiter included.

    python3 benches/batch.py --viewed [ITEMS ...]

says what the view of a batch that is running costs it: the same batch without a terminal and in one of 200x60 cells, each
three times in turn; the median time and processor time of an item, and what the view adds.
"""

import json
import os
import select
import statistics
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
    "tools": {
        "add": {"type": "jq", "filter": "{n: (.n + 1)}"},
        "odd": {"type": "jq", "filter": "if .n % 100 == 50 then error(\"no receipt \\(.n)\") else {n: (.n + 1)} end"},
    },
    "steps": [
        {"id": "a", "tool": "add", "parameters": {"n": "{{n}}"}},
        {"id": "b", "tool": "add", "parameters": {"n": "{{a.n}}"}},
        {"id": "c", "tool": "add", "parameters": {"n": "{{a.n}}"}},
        {"id": "d", "tool": "add", "parameters": {"n": "{{b.n}}"}, "depends_on": ["c"]},
        {"id": "e", "tool": "odd", "parameters": {"n": "{{d.n}}"}},
    ],
}


# Stands in the head once all items are read: of the numbers only the digits that change are written.
COUNTED = "✖ some failed".encode()
# What is pressed one after another, and what that does.
KEYS = [
    ("down", "j", "move"),
    ("end", "G", "to the last"),
    ("c", "c", "colour by time"),
    ("s", "s", "failed first"),
    ("s", "s", "slowest first"),
    ("f", "f", "failed only"),
    ("/", "/9", "find by key"),
    ("esc", "\x1b", "all again"),
    ("tab", "\t", "to the failures"),
    ("enter", "\r", "items of a group"),
    ("z", "z", "a row for each"),
    ("enter", "\r", "open the run"),
]
# Nothing more belongs to a frame that has not come for so long.
QUIET = 0.15


def is_right(line):
    """Whether the line of an item says what its context makes of it."""
    n = line["index"] + 3
    return line["status"] == "failed" if n % 100 == 50 else line["result"]["n"] == n + 1


def frame(terminal):
    """Seconds until the frame that comes now is whole."""
    before = last = time.perf_counter()
    while select.select([terminal], [], [], 2.0 if last == before else QUIET)[0]:
        os.read(terminal, 1 << 16)
        last = time.perf_counter()
    return last - before


def pressed(folder):
    """Seconds from each key to the end of its frame, of five views."""
    times = [[] for _ in KEYS]
    for _ in range(5):
        child, terminal = first_frame.opened(PROGRAM, folder, ["attach", "last"])
        first_frame.seen(terminal, [COUNTED], time.perf_counter())
        frame(terminal)
        for place, (_, keys, _) in enumerate(KEYS):
            for key in keys[:-1]:
                os.write(terminal, key.encode())
                frame(terminal)
            os.write(terminal, keys[-1].encode())
            times[place].append(frame(terminal))
        first_frame.closed(child, terminal)
    return [statistics.median(each) for each in times]


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
        if os.waitstatus_to_exitcode(status) != 1:
            sys.exit(said)
        with open(os.path.join(folder, "out.jsonl"), encoding="utf-8") as lines:
            ended = sum(is_right(json.loads(line)) for line in lines)
        if ended != items:
            sys.exit(f"{ended} of {items} items came out right")
        home = os.path.join(folder, "home")
        stored = sum(os.path.getsize(os.path.join(home, name)) for name in os.listdir(home) if name.startswith("plandeck.db"))
        views = [first_frame.start(PROGRAM, folder, ["attach", "last"], [mark]) for mark in (b"quit", COUNTED)]
        processor = used.ru_utime + used.ru_stime
        return wall, processor, used.ru_maxrss / 1024, stored, [view[1] for view in views], pressed(folder)


def started(folder, items):
    """Writes plan and input; gives the arguments that run them."""
    with open(os.path.join(folder, "plan.json"), "w", encoding="utf-8") as out:
        json.dump(PLAN, out)
    with open(os.path.join(folder, "in.jsonl"), "w", encoding="utf-8") as out:
        for n in range(items):
            out.write(json.dumps({"n": n}) + "\n")
    arguments = ["batch", "plan.json", "--inputs", "in.jsonl", "-o", "out.jsonl", "--trust"]
    return arguments + ["--worker", "offline", "--max-tool-calls", "none", "--timeout-seconds", "none"]


def ran(items, is_viewed):
    """Seconds of wall clock and of processor time of a batch, with its view or without a terminal."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = started(folder, items)
        began = time.perf_counter()
        if not is_viewed:
            environment = dict(os.environ, PLANDECK_HOME=os.path.join(folder, "home"))
            child = subprocess.Popen(
                [PROGRAM, *arguments], cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            _, _, used = os.wait4(child.pid, 0)
            return time.perf_counter() - began, used.ru_utime + used.ru_stime
        child, terminal = first_frame.opened(PROGRAM, folder, arguments)
        _, whole = first_frame.seen(terminal, [COUNTED], began, longest=600.0)
        used = first_frame.processor(child)
        first_frame.closed(child, terminal)
        return whole, used


def viewed(counts):
    print("| items | ms an item | viewed | processor ms an item | viewed | the view adds |")
    print("| --- | --- | --- | --- | --- | --- |")
    for items in counts:
        pairs = [(ran(items, False), ran(items, True)) for _ in range(3)]
        bare, shown = ([statistics.median(run[side][at] for run in pairs) for at in (0, 1)] for side in (0, 1))
        each = [seconds / items * 1e3 for seconds in (bare[0], shown[0], bare[1], shown[1])]
        more = [shown[at] / bare[at] - 1 for at in (0, 1)]
        words = f"{more[0]:+.0%} time, {more[1]:+.0%} processor"
        print(f"| {items:,} | " + " | ".join(f"{ms:.2f}" for ms in each) + f" | {words} |", flush=True)


def main():
    if "--viewed" in sys.argv[1:]:
        given = [int(argument) for argument in sys.argv[1:] if argument != "--viewed"]
        viewed(given or [1_000, 10_000])
        return
    print("| items | ms an item | processor ms an item | peak MB | kB an item | first frame ms | all items ms |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    counts = [int(argument) for argument in sys.argv[1:]] or [100, 1_000, 10_000]
    keys = []
    for items in counts:
        wall, processor, memory, stored, (first, whole), times = measure(items)
        keys.append(times)
        print(
            f"| {items:,} | {wall / items * 1e3:.2f} | {processor / items * 1e3:.2f} | {memory:.0f} "
            f"| {stored / items / 1e3:.1f} | {first * 1e3:.0f} | {whole * 1e3:.0f} |",
            flush=True,
        )
    print()
    print("| key |" + "".join(f" {items:,} items, ms |" for items in counts))
    print("| --- |" + " --- |" * len(counts))
    for place, (name, _, does) in enumerate(KEYS):
        print(f"| {name}: {does} |" + "".join(f" {times[place] * 1e3:.1f} |" for times in keys))


if __name__ == "__main__":
    main()
