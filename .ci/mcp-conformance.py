"""The client that the conformance suites start, with the address of their server: it lists the tools, and calls each."""

import json
import os
import subprocess
import sys
import tempfile

PLANDECK = os.environ["PLANDECK"]
SCENARIO = os.environ.get("MCP_CONFORMANCE_SCENARIO", "")
# A browser in which the user permits everything.
BROWSER = "#!/bin/sh\nexec python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()' \"$1\"\n"
CONTEXT = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")


def sample(schema):
    """A value of the schema's type."""
    if "enum" in schema:
        return schema["enum"][0]
    samples = {"string": "text", "number": 5, "integer": 5, "boolean": True, "array": [], "object": {}}
    return samples.get(schema.get("type"), "text")


def main():
    with tempfile.TemporaryDirectory() as folder:
        server = {"url": sys.argv[-1]}
        if "client_id" in CONTEXT:
            server["oauth"] = {name: CONTEXT[name] for name in ("client_id", "client_secret") if name in CONTEXT}
        with open(os.path.join(folder, "servers.json"), "w") as file:
            json.dump({"mcpServers": {"suite": server}}, file)
        browser = os.path.join(folder, "browser")
        with open(os.open(browser, os.O_CREAT | os.O_WRONLY, 0o755), "w") as file:
            file.write(BROWSER)
        env = {**os.environ, "PLANDECK_TRUST": "1", "PLANDECK_HOME": os.path.join(folder, "home"), "BROWSER": browser}

        def run(*arguments):
            command = [PLANDECK, *arguments, "--mcp-config", "servers.json"]
            done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
            sys.stderr.write(done.stderr)
            return done

        def plandeck(*arguments):
            return run("tools", *arguments)

        if SCENARIO.startswith("auth/") and "client-credentials" not in SCENARIO:
            plandeck("login", "suite")
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
            if not SCENARIO.startswith(("elicitation", "sep-2322")):
                plandeck("call", name, json.dumps(given))
                continue
            # What it asks is accepted, with its defaults.
            with open(os.path.join(folder, "plan.json"), "w") as file:
                json.dump({"steps": [{"id": "a", "tool": name, "parameters": given}]}, file)
            run("run", "plan.json", "--headless", "--worker", "offline", "--answer", "a={}")
    return 0


sys.exit(main())
