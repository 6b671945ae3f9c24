"""Sessions of Claude Code, as it writes them, for `open.py`."""

import datetime
import json
import random

BEGAN = datetime.datetime(2026, 11, 30, 8, 0, 0)
TOOLS = ["Bash", "Read", "Edit", "Grep", "Glob", "Write", "WebSearch"]
WORDS = ["invoice", "total", "vendor", "date", "currency", "tax", "line", "amount", "due", "paid"]


class Session:
    """Lines of a session in the making, drawn with a fixed seed."""

    def __init__(self):
        self.draw = random.Random(14)
        self.lines = []
        self.seconds = 0.0
        self.spans = 0

    def text(self, least, most):
        return " ".join(self.draw.choices(WORDS, k=self.draw.randint(least, most)))

    def line(self, message, agent=None):
        at = (BEGAN + datetime.timedelta(seconds=self.seconds)).isoformat(timespec="milliseconds") + "Z"
        about = {
            "type": message["role"],
            "sessionId": "5b8efff7-9803-8103-d269-b633813fc60c",
            "uuid": f"{len(self.lines):032x}",
            "timestamp": at,
            "version": "2.1.0",
            "cwd": "/work",
            "isSidechain": agent is not None,
            "message": message,
        }
        if agent:
            about["agentId"] = agent
        self.lines.append(json.dumps(about, separators=(",", ":")))

    def asks(self, tools, agent=None):
        """A message of the model, a line for each of its parts; gives the ids of the calls."""
        draw = self.draw
        self.seconds += draw.random() * 4
        ids = [f"toolu_{self.spans:06d}_{at}" for at in range(len(tools))]
        usage = {
            "input_tokens": draw.randint(200, 4_000),
            "cache_read_input_tokens": draw.randint(0, 40_000),
            "output_tokens": draw.randint(5, 400),
        }
        parts = [{"type": "text", "text": self.text(4, 30)}]
        for tool, name in zip(ids, tools):
            given = {"path": self.text(1, 3), "text": self.text(2, 20)}
            parts.append({"type": "tool_use", "id": tool, "name": name, "input": given})
        message = {"role": "assistant", "id": f"msg_{self.spans:06d}", "model": "claude-sonnet-4-5", "usage": usage}
        for at, part in enumerate(parts):
            stop = "tool_use" if at + 1 == len(parts) else None
            self.line({**message, "content": [part], "stop_reason": stop}, agent)
        self.spans += 1 + len(tools)
        return ids

    def turn(self, agent=None):
        """A message of the model, and the results of the tools that it asks for."""
        draw = self.draw
        tools = draw.choices(TOOLS, k=draw.choice([1, 1, 1, 2, 3]))
        for tool in self.asks(tools, agent):
            self.seconds += draw.random()
            result = {"type": "tool_result", "tool_use_id": tool, "content": self.text(10, 100)}
            self.line({"role": "user", "content": [result]}, agent)


def session(spans, last):
    """A session of about so many spans, with agents now and then, in which the tool called `last` is running."""
    made = Session()
    made.line({"role": "user", "content": "Read the invoices"})
    agents = 0
    while made.spans < spans - 50:
        if made.draw.random() < 0.02:
            agents += 1
            for _ in range(made.draw.randint(3, 12)):
                made.turn(f"agent{agents}")
        else:
            made.turn()
    made.asks([last])
    return made
