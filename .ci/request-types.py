"""Runs a plan against a server that records what it is asked in each provider's format, and validates the bodies against
the types of the provider's own SDK.

usage: request-types.py PROGRAM
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import typing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# The types of the SDKs have iterables, which pydantic validates as they are read, and does not always survive. Lists are
# validated at once.
typing.Iterable = typing.List

from anthropic.types.message_create_params import MessageCreateParamsNonStreaming, MessageCreateParamsStreaming
from google.genai import types as gemini
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)
from pydantic import TypeAdapter

# Schemas of outputs that structured output has to convert: an optional member, a reference, a list, any members.
SCHEMAS = {
    "closed": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    "optional": {
        "type": "object",
        "properties": {
            "n": {"type": "integer", "minimum": 0},
            "note": {"type": "string"},
            "kind": {"enum": ["a", "b"]},
        },
        "required": ["n"],
    },
    "reference": {
        "type": "object",
        "properties": {"n": {"$ref": "#/$defs/whole"}},
        "required": ["n"],
        "$defs": {"whole": {"type": "integer"}},
    },
    "choice": {
        "type": "object",
        "properties": {"n": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
        "required": ["n"],
    },
    "open": {"type": "object", "properties": {"n": {"type": "integer"}, "more": {"type": "object"}}, "required": ["n"]},
    "list": {"type": "array", "items": {"type": "integer"}},
    "text": None,
}
BAD = "I would rather not."
# Each format with a model that it is chosen for, and what the address ends in.
FORMATS = {
    "chat completions": ("openai/gpt-4o-mini", "/v1"),
    "chat completions, reasoning": ("openai/o3-mini", "/v1"),
    "responses": ("openai/gpt-5-pro", "/v1"),
    "azure": ("azure/gpt-4o-mini", ""),
    "azure, responses": ("azure/gpt-5-codex", ""),
    "anthropic": ("anthropic/claude-haiku-4-5", ""),
    "anthropic, tool": ("anthropic/claude-3-haiku-20240307", ""),
    "gemini": ("gemini/gemini-2.5-flash-lite", ""),
    "ollama": ("ollama/llama3.2", "/v1"),
}


def answer(path, text):
    """What a server of the format at this path says."""
    if path.endswith("/responses"):
        item = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
        usage = {"input_tokens": 9, "output_tokens": 3, "total_tokens": 12}
        return {"object": "response", "status": "completed", "output": [item], "usage": usage}
    if path.endswith("/v1/messages"):
        content = [{"type": "text", "text": text}]
        usage = {"input_tokens": 9, "output_tokens": 3}
        return {"type": "message", "content": content, "stop_reason": "end_turn", "usage": usage}
    if "enerateContent" in path:
        candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP"}
        usage = {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12}
        return {"candidates": [candidate], "usageMetadata": usage}
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}


class Server(BaseHTTPRequestHandler):
    """Records each body; the first answer to each prompt is bad, so that it is sent back for a repair."""

    requests = []

    def do_POST(self):
        raw = self.rfile.read(int(self.headers["content-length"]))
        body = json.loads(raw)
        self.requests.append((self.path, body))
        good = '{"output": [1]}' if "every number" in raw.decode() else '{"n": 1}'
        text = good if BAD in raw.decode() or "plain words" in raw.decode() else BAD
        reply = json.dumps(answer(self.path.split("?")[0], text)).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_):
        pass


def validated(kind, body):
    unknown = set(body) - set(kind.__annotations__)
    for base in kind.__mro__ if hasattr(kind, "__mro__") else ():
        unknown -= set(getattr(base, "__annotations__", {}))
    for base in getattr(kind, "__orig_bases__", ()):
        unknown -= set(getattr(base, "__annotations__", {}))
    assert not unknown, f"{kind.__name__} has no {unknown}"
    TypeAdapter(kind).validate_python(body)


def validate(path, body, streamed):
    """The format of Gemini says in the address whether an answer is streamed, the others in the body."""
    if "enerateContent" in path:
        assert (":streamGenerateContent" in path) == streamed, path
    else:
        assert body.get("stream", False) == streamed, body.get("stream")
    if path.endswith("/responses"):
        validated(ResponseCreateParamsStreaming if streamed else ResponseCreateParamsNonStreaming, body)
    elif path.endswith("/v1/messages"):
        validated(MessageCreateParamsStreaming if streamed else MessageCreateParamsNonStreaming, body)
    elif "enerateContent" in path:
        assert set(body) <= {"contents", "systemInstruction", "generationConfig"}, set(body)
        for content in body["contents"]:
            gemini.Content.model_validate(content)
        if "systemInstruction" in body:
            gemini.Content.model_validate(body["systemInstruction"])
        gemini.GenerationConfig.model_validate(body["generationConfig"])
    else:
        validated(CompletionCreateParamsStreaming if streamed else CompletionCreateParamsNonStreaming, body)


def main(program):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    root = f"http://127.0.0.1:{server.server_address[1]}"
    tools = {
        name: {"type": "model", "description": f"Reads {'every number' if name == 'list' else 'a number'}.", "output_schema": schema}
        for name, schema in SCHEMAS.items()
        if schema
    }
    tools["text"] = {"type": "model", "description": "Says it in plain words."}
    steps = [{"id": name, "tool": name, "parameters": {"text": "one"}} for name in tools]
    keys = ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "AZURE_OPENAI_API_KEY"]
    with tempfile.TemporaryDirectory() as folder:
        plan = os.path.join(folder, "plan.json")
        with open(plan, "w") as file:
            json.dump({"steps": steps, "tools": tools}, file)
        environment = {**os.environ, "PLANDECK_HOME": folder, **{key: "key-of-nobody" for key in keys}}
        for streamed in (True, False):
            # The settings of a project: the nearest plandeck.toml upwards of the working folder.
            with open(os.path.join(folder, "plandeck.toml"), "w") as file:
                file.write(f"stream = {str(streamed).lower()}\n")
            for name, (model, path) in FORMATS.items():
                Server.requests.clear()
                command = [program, "run", plan, "--trust", "--headless", "--json", "--fresh", "--no-track-cost"]
                command += ["--worker", model, "--base-url", root + path]
                run = subprocess.run(
                    command, env=environment, cwd=folder, capture_output=True, text=True, timeout=120
                )
                assert run.returncode == 0, f"{name}: {run.stdout} {run.stderr}"
                asked = list(Server.requests)
                # Each schema is a question and a repair; plain text is one question.
                assert len(asked) == 2 * len(tools) - 1, f"{name}: {len(asked)} requests"
                for path, body in asked:
                    try:
                        validate(path.split("?")[0], body, streamed)
                    except Exception as error:
                        sys.exit(f"{name}: {json.dumps(body)[:2000]}\n{error}")
                kind = "streamed" if streamed else "whole"
                print(f"{name:<28} {model:<36} {kind:<9} {len(asked)} bodies are valid")


main(sys.argv[1])
