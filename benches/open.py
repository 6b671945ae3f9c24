#!/usr/bin/env python3
"""How long `plandeck open` takes to the first whole frame of a trace that another system recorded.

    cargo build --release && python3 benches/open.py [--follow] [PROGRAM]

Writes OTLP traces as JSON, by the GenAI conventions, of 1,000 and of 100,000 spans (a workflow of agents, each of which
asks a model and calls tools in turn, some at once, with arguments, results, tokens and requests below them; drawn with
a fixed seed), once on one line as a request and once as the lines of a collector's file exporter. Each is opened in a
pseudo-terminal of 200x60 cells, and the time is taken until what is written holds the name of the workflow, names of
steps, and in the last row what is not carried over (the requests). Prints the median, the best and the worst; the first
start is left out.

With `--follow` it is `plandeck open --follow` on sessions of Claude Code: the time until the first frame with steps, and
until everything is there (the tool that is running at the end of the file is what the dashboard selects). Then 40 lines
are appended, one every quarter of a second: the processor time of one, over that of a dashboard to which nothing is told.
"""

import json
import os
import random
import statistics
import sys
import tempfile
import time

import first_frame
import sessions

STARTS = 9
# Lines that are appended, and the pause after each.
APPENDED = 40
PAUSE = 0.25
BEGAN = 1_790_000_000_000_000_000
OF_AN_AGENT = 100


def attribute(key, value):
    kind = {str: "stringValue", int: "intValue", float: "doubleValue"}[type(value)]
    return {"key": key, "value": {kind: str(value) if isinstance(value, int) else value}}


def span(number, parent, name, start, end, **about):
    return {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": f"{number:016x}",
        "parentSpanId": "" if parent is None else f"{parent:016x}",
        "flags": 257,
        "name": name,
        "kind": 3,
        "startTimeUnixNano": str(BEGAN + start * 1_000),
        "endTimeUnixNano": str(BEGAN + end * 1_000),
        "attributes": [attribute(key.replace("__", "."), value) for key, value in about.items()],
        "status": {},
    }


def spans(count):
    """A workflow, its agents one after the other or two at once, and what they did."""
    draw = random.Random(14)
    words = ["invoice", "total", "vendor", "date", "currency", "tax", "line", "amount", "due", "paid"]
    text = lambda least, most: " ".join(draw.choices(words, k=draw.randint(least, most)))
    all_of_it = []
    now = 0
    number = 1
    while number < count:
        agent = number
        inside = []
        at = now
        number += 1
        while number < count and len(inside) < OF_AN_AGENT - 1:
            took = draw.randint(20_000, 900_000)
            kind = draw.random()
            if kind < 0.4:
                about = {
                    "gen_ai__operation__name": "chat",
                    "gen_ai__request__model": "gpt-4o-mini",
                    "gen_ai__usage__input_tokens": draw.randint(200, 4_000),
                    "gen_ai__usage__output_tokens": draw.randint(5, 400),
                    "gen_ai__output__messages": json.dumps([{"role": "assistant", "content": text(4, 20)}]),
                }
                inside.append(span(number, agent, "chat gpt-4o-mini", at, at + took, **about))
            elif kind < 0.9:
                tool = f"tool_{draw.randint(1, 12)}"
                about = {
                    "gen_ai__operation__name": "execute_tool",
                    "gen_ai__tool__name": tool,
                    "gen_ai__tool__call__arguments": json.dumps({"text": text(2, 10), "n": number}),
                    "gen_ai__tool__call__result": json.dumps({"found": text(2, 12), "score": draw.random()}),
                }
                inside.append(span(number, agent, f"execute_tool {tool}", at, at + took, **about))
            else:
                below = int(inside[-1]["spanId"], 16) if inside else agent
                about = {"http__request__method": "POST", "http__response__status_code": 200}
                inside.append(span(number, below, "POST", at, at + took, **about))
            # Two of three wait for the one before.
            at += took if draw.random() < 0.66 else took // 7
            number += 1
        ends = max((int(one["endTimeUnixNano"]) - BEGAN) // 1_000 for one in inside) if inside else at
        name = f"agent_{agent // OF_AN_AGENT % 40}"
        about = {"gen_ai__operation__name": "invoke_agent", "gen_ai__agent__name": name}
        all_of_it += [span(agent, 0, f"invoke_agent {name}", now, ends, **about), *inside]
        now = ends if draw.random() < 0.5 else (now + ends) // 2
    about = {"gen_ai__operation__name": "invoke_workflow", "gen_ai__workflow__name": f"opened-{count}"}
    end = max(int(one["endTimeUnixNano"]) - BEGAN for one in all_of_it) // 1_000
    return [span(0, None, f"invoke_workflow opened-{count}", 0, end, **about), *all_of_it]


def request(some):
    resource = {"attributes": [attribute("service.name", "bench")]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "bench"}, "spans": some}]}]}


def while_drawn(child, terminal, each):
    """Processor time while `each` is called now and then and what is drawn is read."""
    before = first_frame.processor(child)
    for at in range(APPENDED):
        each(at)
        first_frame.drained(terminal, PAUSE)
    return first_frame.processor(child) - before


def followed(program, count):
    """Prints what a session of so many spans takes that is followed."""
    made = sessions.session(count, "Finale")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "session.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in made.lines)
        size = os.path.getsize(path) / 1e6
        arguments = ["open", "--follow", "session.jsonl"]
        firsts, wholes, peak = [], [], 0
        for _ in range(STARTS + 1):
            before = time.perf_counter()
            child, terminal = first_frame.opened(program, folder, arguments)
            _, times = first_frame.seen_each(terminal, [b"model", b"help", b"Finale"], before)
            firsts.append(max(times[:2]) * 1e3)
            wholes.append(max(times) * 1e3)
            if len(firsts) <= STARTS:
                first_frame.closed(child, terminal)
        # All lines are there: what comes is what is told.
        first_frame.drained(terminal, 3.0)
        idle = while_drawn(child, terminal, lambda _: None)
        with open(path, "a", encoding="utf-8") as file:

            def append(at):
                told = len(made.lines)
                if at % 2 == 0:
                    made.asks(["Bash"])
                else:
                    tool = f"toolu_{made.spans - 2:06d}_0"
                    result = {"type": "tool_result", "tool_use_id": tool, "content": made.text(10, 100)}
                    made.line({"role": "user", "content": [result]})
                file.writelines(line + "\n" for line in made.lines[told:])
                file.flush()

            busy = while_drawn(child, terminal, append)
        with open(f"/proc/{child}/status", encoding="utf-8") as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
        first_frame.closed(child, terminal)
    first, whole = (statistics.median(times[1:]) for times in (firsts, wholes))
    print(
        f"| {made.spans:,} | {size:.0f} | {first:.0f} | {max(firsts[1:]):.0f} | {whole:.0f} | {max(wholes[1:]):.0f} "
        f"| {peak:.0f} | {(busy - idle) / APPENDED * 1e3:.1f} |",
        flush=True,
    )


def main():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    given = [argument for argument in sys.argv[1:] if argument != "--follow"]
    program = os.path.abspath(given[0]) if given else os.path.join(root, "target/release/plandeck")
    if not os.path.exists(program):
        sys.exit(f"{program} does not exist: run `cargo build --release` first")
    if "--follow" in sys.argv[1:]:
        print("| spans | MB | first frame ms | worst | all of it ms | worst | peak MB | processor ms a line |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
        for count in (1_000, 100_000):
            followed(program, count)
        return
    print("| spans | file | MB | whole frame ms | best | worst |")
    print("| --- | --- | --- | --- | --- | --- |")
    for count in (1_000, 100_000):
        made = spans(count)
        # A batch of a collector holds some hundred spans.
        lines = [request(made[at : at + 512]) for at in range(0, len(made), 512)]
        for words, parts in (("one request", [request(made)]), ("lines", lines)):
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "trace.json")
                with open(path, "w", encoding="utf-8") as file:
                    file.writelines(json.dumps(part, separators=(",", ":")) + "\n" for part in parts)
                size = os.path.getsize(path) / 1e6
                marks = [f"opened-{count}".encode(), b"tool_", b"not carried over"]
                times = [
                    first_frame.start(program, folder, ["open", "trace.json"], marks) for _ in range(STARTS + 1)
                ][1:]
            whole = [time[1] * 1e3 for time in times]
            median = statistics.median(whole)
            print(f"| {count:,} | {words} | {size:.0f} | {median:.0f} | {min(whole):.0f} | {max(whole):.0f} |", flush=True)


if __name__ == "__main__":
    main()
