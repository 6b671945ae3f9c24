"""Runs the trivial plans of benches/engine.rs with asyncio and a topological sorter, and with Dask.

Prints one table: wall-clock microseconds per step, and how many times what Plandeck's engine takes.
Standard input: the lines of `cargo bench --bench engine -- --json`. See peers.sh.
"""

import asyncio
import json
import random
import sys
import time
from graphlib import TopologicalSorter

SIZES = [1_000, 10_000, 100_000]
TIMES = 3


def dependencies(shape, steps):
    """What each step waits for: the shapes of benches/engine.rs."""
    if shape == "wide":
        return [[]] + [[0]] * (steps - 2) + [list(range(1, steps - 1))]
    if shape == "deep":
        return [[]] + [[at] for at in range(steps - 1)]
    rng = random.Random(7)
    return [
        sorted({rng.randrange(max(0, at - 100), at) for _ in range(rng.randint(0, min(3, at)))})
        for at in range(steps)
    ]


def run_asyncio(graph):
    """One task for each step, started as soon as what it waits for is done; at most five at once."""

    async def step(at, done, slots):
        async with slots:
            pass
        done.put_nowait(at)

    async def run():
        sorter = TopologicalSorter(dict(enumerate(graph)))
        sorter.prepare()
        done, slots = asyncio.Queue(), asyncio.Semaphore(5)
        tasks = set()
        while sorter.is_active():
            for at in sorter.get_ready():
                task = asyncio.create_task(step(at, done, slots))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            sorter.done(await done.get())

    asyncio.run(run())


def run_dask(graph):
    """Dask's threaded scheduler on two threads."""
    import dask.threaded

    def step(*_):
        return None

    tasks = {at: (step, *before) for at, before in enumerate(graph)}
    sinks = set(tasks)
    for before in graph:
        sinks.difference_update(before)
    dask.threaded.get(tasks, sorted(sinks), num_workers=2)


PEERS = {"asyncio + graphlib": run_asyncio, "Dask threaded": run_dask}


def microseconds(run, graph):
    best = float("inf")
    for _ in range(TIMES if len(graph) < 100_000 else 1):
        begin = time.perf_counter()
        run(graph)
        best = min(best, time.perf_counter() - begin)
    return best * 1e6 / len(graph)


def main():
    ours = {}
    for line in sys.stdin:
        if line.startswith("{"):
            row = json.loads(line)
            ours[row["shape"], row["steps"]] = row["us"]
    names = list(PEERS)
    print(f"{'shape':<8} {'steps':>8}  {'plandeck':>10}  " + "  ".join(f"{name:>26}" for name in names))
    for shape in ["wide", "deep", "random"]:
        for steps in SIZES:
            graph = dependencies(shape, steps)
            base = ours.get((shape, steps))
            cells = []
            for name in names:
                took = microseconds(PEERS[name], graph)
                ratio = f"({took / base:.0f}×)" if base else ""
                cells.append(f"{took:>17.1f} {ratio:>8}")
            print(f"{shape:<8} {steps:>8}  {base or float('nan'):>10.2f}  " + "  ".join(cells), flush=True)
    print("microseconds of wall clock per step; in brackets, times what plandeck takes")


if __name__ == "__main__":
    main()
