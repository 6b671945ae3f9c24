#!/usr/bin/env python3
"""How long it takes from the start of the process until the first whole frame is on the terminal.

    cargo build --release && benches/first_frame.py [PROGRAM]

For plans of 5 and of 10,000 steps the program is started in a pseudo-terminal of 200x60 cells, and the time is taken
until what it has written holds the header, names of steps, and the end of the footer. Prints the median, the best and
the worst of the starts; the first start of each plan, which reads the program from disk, is left out. A second column
says when the first byte came.
"""

import fcntl
import json
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time

STARTS = 15
COLUMNS, ROWS = 200, 60
# Answers to nothing: the terminal is asked for its background, and says nothing.
LONGEST = 30.0


def plan(count):
    """Layers of steps, each of which waits for two of the layer before."""
    width = max(2, int(count**0.5))
    steps = []
    for at in range(count):
        row = {"id": f"call_{at}", "tool": "add", "parameters": {"n": 1}}
        if at >= width:
            first = (at // width - 1) * width
            row["depends_on"] = sorted({f"call_{first + at % width}", f"call_{first + at * 7 % width}"})
        steps.append(row)
    return {"name": f"frames-{count}", "tools": {"add": {"type": "jq", "filter": ".n + 1"}}, "steps": steps}


def opened(program, folder, arguments):
    """The program in a pseudo-terminal: its process and the terminal."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": folder,
        "PLANDECK_HOME": os.path.join(folder, "home"),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
    }
    child, terminal = pty.fork()
    if child == 0:
        size = struct.pack("HHHH", ROWS, COLUMNS, 0, 0)
        fcntl.ioctl(0, termios.TIOCSWINSZ, size)
        os.chdir(folder)
        os.execve(program, [program, *arguments], environment)
    return child, terminal


def seen_each(terminal, marks, before, longest=LONGEST):
    """Seconds from `before` until the first byte, and until each mark was seen."""
    written, first, times = b"", None, {}
    while time.perf_counter() - before < longest:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            piece = os.read(terminal, 1 << 16)
        except OSError:
            break
        if not piece:
            break
        now = time.perf_counter() - before
        first = first or now
        written += piece
        times.update({mark: now for mark in marks if mark not in times and mark in written})
        if len(times) == len(set(marks)):
            return first, [times[mark] for mark in marks]
    sys.exit(f"no whole frame within {longest:.0f} s: {written[-400:]!r}")


def seen(terminal, marks, before, longest=LONGEST):
    """Seconds from `before` until the first byte, and until every mark was seen."""
    first, times = seen_each(terminal, marks, before, longest)
    return first, max(times)


def processor(child):
    """Seconds of processor time that a process has used."""
    with open(f"/proc/{child}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def drained(terminal, seconds):
    """Reads what is drawn for so long."""
    end = time.perf_counter() + seconds
    while (left := end - time.perf_counter()) > 0:
        if select.select([terminal], [], [], left)[0]:
            os.read(terminal, 1 << 16)


def closed(child, terminal):
    """Ends the program."""
    os.kill(child, signal.SIGTERM)
    # What is still written is read, so that the child does not wait for it.
    while True:
        try:
            if not os.read(terminal, 1 << 16):
                break
        except OSError:
            break
    os.waitpid(child, 0)
    os.close(terminal)


def start(program, folder, arguments, marks):
    """Seconds until the first byte, and until every mark was seen."""
    before = time.perf_counter()
    child, terminal = opened(program, folder, arguments)
    times = seen(terminal, marks, before)
    closed(child, terminal)
    return times


def main():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    program = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else os.path.join(root, "target/release/plandeck")
    if not os.path.exists(program):
        sys.exit(f"{program} does not exist: run `cargo build --release` first")
    print("| steps | first byte ms | whole frame ms | best | worst |")
    print("| --- | --- | --- | --- | --- |")
    for count in (5, 10_000):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "plan.json"), "w", encoding="utf-8") as file:
                json.dump(plan(count), file)
            marks = [f"frames-{count}".encode(), b"call_0", b"call_1", b"quit"]
            arguments = ["run", "plan.json", "--worker", "offline", "--paused"]
            times = [start(program, folder, arguments, marks) for _ in range(STARTS + 1)][1:]
        first = statistics.median(time[0] for time in times) * 1e3
        whole = [time[1] * 1e3 for time in times]
        print(f"| {count:,} | {first:.1f} | {statistics.median(whole):.1f} | {min(whole):.1f} | {max(whole):.1f} |")


if __name__ == "__main__":
    main()
