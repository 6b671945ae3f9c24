"""Takes a run from its failure to success through `plandeck mcp`, with the official Python client.

usage: python mcp-server.py PROGRAM
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

PROGRAM = os.path.abspath(sys.argv[1])
PLAN = json.dumps(
    {
        "name": "agent",
        "tools": {
            "divide": {
                "type": "jq",
                "filter": 'if .by == 0 then error("division by zero") else .n / .by end',
            }
        },
        "steps": [
            {"id": "half", "tool": "divide", "parameters": {"n": "{{n}}", "by": 2}},
            {"id": "bad", "tool": "divide", "parameters": {"n": "{{half}}", "by": 0}},
        ],
    }
)


def answer(result):
    text = json.loads(result.content[0].text)
    assert not result.is_error, text
    return text


def outputs(status):
    return {step["id"]: step["output"] for step in status["steps"]}


async def scenario(session):
    await session.initialize()
    tools = {tool.name for tool in (await session.list_tools()).tools}
    assert {"check_plan", "run_plan", "edit_step", "explain_step"} <= tools, tools
    plan = {"plan": PLAN, "context": {"n": 8}}
    assert answer(await session.call_tool("check_plan", plan))["sound"] is True
    run = answer(await session.call_tool("run_plan", plan))["run_id"]
    start = 0
    while True:
        events = answer(await session.call_tool("list_events", {"run_id": run, "from": start}))
        start = events["next"]
        if events["over"]:
            break
    status = answer(await session.call_tool("run_status", {"run_id": run}))
    assert (status["status"], outputs(status)["half"]) == ("failed", 4), status
    step = answer(await session.call_tool("inspect_step", {"run_id": run, "step": "bad"}))
    assert "division by zero" in step["step"]["error"]["message"], step
    edit = {"run_id": run, "step": "bad", "input": {"n": 4, "by": 2}}
    done = answer(await session.call_tool("edit_step", edit))
    assert (done["run_id"], done["status"], outputs(done)["bad"]) == (run, "succeeded", 2), done
    refused = await session.call_tool("stop_run", {"run_id": run})
    assert refused.is_error, refused


async def over_pipes(home):
    environment = {**os.environ, "PLANDECK_HOME": home, "PLANDECK_WORKER": "offline"}
    server = StdioServerParameters(command=PROGRAM, args=["mcp"], env=environment)
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await scenario(session)


async def over_http(home):
    try:
        from mcp.client.streamable_http import streamable_http_client as http_client
    except ImportError:
        from mcp.client.streamable_http import streamablehttp_client as http_client
    environment = {**os.environ, "PLANDECK_HOME": home, "PLANDECK_WORKER": "offline"}
    command = [PROGRAM, "mcp", "--http", "127.0.0.1:0"]
    server = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        address = server.stderr.readline().split()[-1]
        async with http_client(address) as streams, ClientSession(*streams[:2]) as session:
            await scenario(session)
    finally:
        server.kill()
        server.wait()


for transport in (over_pipes, over_http):
    with tempfile.TemporaryDirectory() as home:
        asyncio.run(transport(home))
        print(f"{transport.__name__}: a run is taken from its failure to success")
