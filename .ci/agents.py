"""An agent that others' code serves, and plans that call it with the program."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import uvicorn
from a2a.helpers import new_data_part, new_raw_part, new_task_from_user_message, new_text_part
from a2a.server.agent_execution import AgentExecutor
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types import AgentCapabilities, AgentCard, AgentInterface, AgentSkill
from starlette.applications import Starlette

PROGRAM = sys.argv[1]
cancelled: list[str] = []


class Worker(AgentExecutor):
    """Does what the first word of its task says."""

    async def execute(self, context, event_queue):
        await event_queue.enqueue_event(new_task_from_user_message(context.message))
        updater = TaskUpdater(event_queue, context.task_id, context.context_id)
        task = context.get_user_input()
        say = lambda text: updater.new_agent_message([new_text_part(text)])
        await updater.start_work(say(f"working on: {task}"))
        if task.startswith("count"):
            for number in range(3):
                await updater.add_artifact([new_text_part(f"{number} ")], artifact_id="count", append=number > 0)
            await updater.complete()
        elif task.startswith("draw"):
            await updater.add_artifact([new_raw_part(b"\x89PNG", media_type="image/png")])
            await updater.complete()
        elif task.startswith("refuse"):
            await updater.failed(say("no such animal"))
        elif task.startswith("ask"):
            await updater.requires_input(say("which one?"))
        elif task.startswith("wait"):
            await asyncio.sleep(600)
        else:
            data = [part for part in context.message.parts if part.HasField("data")]
            await updater.add_artifact([new_data_part({"task": task, "parts": len(data)})])
            await updater.complete()

    async def cancel(self, context, event_queue):
        cancelled.append(context.task_id)
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()


def serve(streaming):
    """Serves the agent; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    card = AgentCard(
        name="Worker",
        description="Does what it is told.",
        version="1",
        supported_interfaces=[AgentInterface(url=f"{address}/rpc", protocol_binding="JSONRPC", protocol_version="1.0")],
        capabilities=AgentCapabilities(streaming=streaming),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[AgentSkill(id="work", name="Work", description="Does what it is told.", tags=["work"])],
    )
    handler = DefaultRequestHandler(Worker(), InMemoryTaskStore(), card)
    app = Starlette(routes=create_agent_card_routes(card) + create_jsonrpc_routes(handler, "/rpc"))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.02)
    return address


def check(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: {found!r}, not {wanted!r}")
    print(f"ok  {what}")


def start(folder, *arguments):
    environment = {**os.environ, "PLANDECK_HOME": str(folder / "home"), "PLANDECK_TRUST": "1"}
    command = [PROGRAM, "run", str(folder / "plan.json"), "--headless", "--json", "--worker", "offline", *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def project(address, steps):
    folder = Path(tempfile.mkdtemp(prefix="plandeck-agents-"))
    (folder / "plan.json").write_text(json.dumps({"steps": steps}))
    agents = {"agents": [{"agent_id": "worker", "name": "Worker", "endpoint": address, "protocol": "a2a"}]}
    (folder / "agents.json").write_text(json.dumps(agents))
    return folder


def step(name, task, **more):
    return {"id": name, "type": "agent", "agent_id": "worker", "task": task, **more}


for streaming in (True, False):
    address = serve(streaming)
    how = "with a stream of updates" if streaming else "by asking again"
    folder = project(
        address,
        [
            step("count", "count to three"),
            step("draw", "draw a cat"),
            step("use", "use it", inputs=["count"]),
            step("refuse", "refuse this"),
            step("ask", "ask me"),
        ],
    )
    run = start(folder, "--events", str(folder / "events"))
    out, err = run.communicate(timeout=60)
    result = json.loads(out or sys.exit(err))
    steps = {one["id"]: one for one in result["steps"]}
    check(f"text in pieces, {how}", steps["count"]["output"], "0 1 2 ")
    check(f"a file, {how}", steps["draw"]["output"]["mime_type"], "image/png")
    check(f"data, {how}", steps["use"]["output"], {"task": "use it", "parts": 1})
    check(f"a failure, {how}", "no such animal" in steps["refuse"]["error"]["message"], True)
    check(f"a question, {how}", "which one?" in steps["ask"]["error"]["message"], True)
    if streaming:  # what is said between two questions is not heard
        log = (folder / "events").read_text()
        check("what the agent says is logged", "working on: count to three" in log, True)

    cancelled.clear()
    folder = project(address, [step("wait", "wait for ever")])
    run = start(folder, "--events", str(folder / "events"))
    while "working on" not in ((folder / "events").read_text() if (folder / "events").exists() else ""):
        time.sleep(0.05)
    begin = time.monotonic()
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=30)
    check(f"a stopped run ends soon, {how}", time.monotonic() - begin < 5, True)
    check(f"the task is cancelled at the agent, {how}", len(cancelled), 1)
