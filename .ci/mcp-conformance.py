"""The client that the conformance suites start, with the address of their server: it lists the tools, and calls each."""

import json
import os
import subprocess
import sys
import tempfile

PLANDECK = os.environ["PLANDECK"]
CONTEXT = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")


def sample(schema):
    """A value of the schema's type."""
    if "enum" in schema:
        return schema["enum"][0]
    samples = {"string": "text", "number": 5, "integer": 5, "boolean": True, "array": [], "object": {}}
    return samples.get(schema.get("type"), "text")


def main():
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "servers.json"), "w") as file:
            json.dump({"mcpServers": {"suite": {"url": sys.argv[-1]}}}, file)
        env = {**os.environ, "PLANDECK_TRUST": "1", "PLANDECK_HOME": os.path.join(folder, "home")}

        def plandeck(*arguments):
            command = [PLANDECK, "tools", *arguments, "--mcp-config", "servers.json"]
            done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
            sys.stderr.write(done.stderr)
            return done

        listed = plandeck("--json")
        if listed.returncode:
            return listed.returncode
        tools = {tool["name"]: tool["input_schema"] or {} for tool in json.loads(listed.stdout) if tool["source"] == "mcp:suite"}
        calls = [(call["name"], call["arguments"]) for call in CONTEXT.get("toolCalls", [])]
        if not calls:
            for name, schema in tools.items():
                properties = schema.get("properties", {}).items()
                calls.append((name, {key: sample(value) for key, value in properties}))
        for name, arguments in calls:
            # A parameter that is null is one that is not given.
            given = {key: value for key, value in arguments.items() if value is not None}
            if name == "json_schema_echo":
                given = {"schema": tools["json_schema_2020_12_tool"]}
            plandeck("call", name, json.dumps(given))
    return 0


sys.exit(main())
