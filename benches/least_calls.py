#!/usr/bin/env python3
"""From a failed run to its success: the calls and the dollars that it takes, beside the least that the correction makes
necessary.

    cargo build --release && python3 benches/least_calls.py [FAULTS] [SEED]

Each of the faults is planted in a random plan of 8 to 28 steps, whose tools are requests to a server of this script and
whose models are answered by it. The plan is run, fails, is corrected by one verb, and goes on to its success. The server
counts the requests. The least is worked out here and without the program: a step has to be called where it has not
succeeded yet with the input that it has once everything is right.

    parameter   a step is called with something that its tool refuses       edit --input
    prompt      a model is asked so that its answer is of no use            edit --prompt
    outage      a tool is out of order while the run is running             retry
    output      a tool gives a wrong output, which a later step finds out   retry, once the tool is right
    replaced    the same, and the user knows the right output               set --output
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(HERE, "..", "target"))
PROGRAM = os.path.abspath(os.environ.get("PLANDECK", os.path.join(TARGET, "release", "plandeck")))
FAULTS = ("parameter", "prompt", "outage", "output", "replaced")
# What the step makes of the numbers that it gets. Some lose a part of them, so that a wrong number may go no further.
RULES = {
    "sum": lambda terms, plus: sum(terms) + plus,
    "largest": lambda terms, plus: max([*terms, plus]),
    "tens": lambda terms, plus: (sum(terms) + plus) // 10,
    "last": lambda terms, plus: ([plus] + terms)[-1] % 7,
}
PRICES = {"sum": 0.002, "largest": 0.003, "tens": 0.005, "last": 0.007, "check": 0.001}
# 100 tokens in and 10 out of gpt-4o-mini.
ASKED = (100 * 0.15 + 10 * 0.6) / 1e6
RIGHT, WRONG = "Answer as JSON.", "Answer as you like."


class Plan:
    """A random plan, with what each of its steps gets and gives once everything is right."""

    def __init__(self, rng):
        count = rng.randint(8, 28)
        self.steps, self.before, self.plus, self.rule = [], {}, {}, {}
        for at in range(count):
            name = f"s{at}"
            few = rng.randint(1, 3) if at else 0
            self.before[name] = sorted(rng.sample(self.steps[-6:], min(few, len(self.steps[-6:]))))
            self.plus[name] = rng.randint(0, 30)
            self.rule[name] = rng.choice([*RULES, "ask"])
            self.steps.append(name)
        self.inputs, self.outputs = {}, {}
        for name in self.steps:
            self.inputs[name] = [self.outputs[other] for other in self.before[name]]
            rule = RULES.get(self.rule[name], RULES["sum"])
            self.outputs[name] = rule(self.inputs[name], self.plus[name])
        # The last one knows what should come out.
        ends = [name for name in self.steps if not any(name in self.before[other] for other in self.steps)]
        self.before["check"], self.plus["check"], self.rule["check"] = ends, 0, "check"
        self.inputs["check"] = [self.outputs[name] for name in ends]
        self.outputs["check"] = sum(self.inputs["check"])
        self.steps.append("check")

    def price(self, name):
        return PRICES.get(self.rule[name], ASKED)

    def document(self, address, broken=None):
        """The plan as it is written; `broken` is called with a parameter that its tool refuses, or asked wrongly."""
        tools = {
            name: {"type": "http", "method": "POST", "url": f"{address}/{name}", "cost_usd": price, "cache": False}
            for name, price in PRICES.items()
        }
        for name, ending in (("ask", RIGHT), ("ask-wrongly", WRONG)):
            tools[name] = {
                "type": "model",
                "prompt": f"STEP {{{{of}}}} TERMS {{{{terms}}}} PLUS {{{{plus}}}} {ending}",
                "output_schema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
                "cache": False,
            }
        steps = []
        for name in self.steps:
            asks, is_broken = self.rule[name] == "ask", name == broken
            steps.append(
                {
                    "id": name,
                    "tool": self.rule[name] + ("-wrongly" if asks and is_broken else ""),
                    "parameters": {
                        "of": name,
                        "terms": [f"{{{{{other}.n}}}}" for other in self.before[name]],
                        "plus": "many" if is_broken and not asks else self.plus[name],
                    },
                    "depends_on": self.before[name],
                }
            )
        return {"name": "faulty", "tools": tools, "steps": steps}


class Server:
    """Does the work of the tools and of the models, and keeps account of what it was asked."""

    def __init__(self):
        self.plan, self.calls, self.dollars, self.out, self.wrong, self.done = None, [], 0.0, None, None, {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                status, answer = server.answer(self.path, body)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.listener.server_address[1]}"

    def answer(self, path, body):
        with self.lock:
            if not path.endswith("/chat/completions"):
                self.dollars += PRICES[path[1:]]
                return self.work(body["of"], body["terms"], body["plus"])
            self.dollars += ASKED
            asked = next(one["content"] for one in body["messages"] if "STEP " in str(one["content"]))
            words = asked[asked.index("STEP ") :]
            name = words.split()[1]
            terms = json.loads(words[words.index("TERMS ") + 6 : words.index(" PLUS")])
            plus = int(words[words.index("PLUS ") + 5 :].split()[0])
            if WRONG in words:
                self.calls.append(name)
                text = "It should be rather much."
            else:
                text = json.dumps(self.work(name, terms, plus)[1])
            message = {"role": "assistant", "content": text}
            usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            whole = {"id": "1", "object": "chat.completion", "model": "gpt-4o-mini", "created": 1}
            return 200, {**whole, "choices": [choice], "usage": usage}

    def work(self, name, terms, plus):
        self.calls.append(name)
        if name == self.out:
            return 500, {"error": "out of order"}
        if plus == "many":
            return 422, {"error": "plus is not a number"}
        if name == "check" and terms != self.plan.inputs["check"]:
            return 422, {"error": f"{terms} is not what should come out"}
        rule = RULES.get(self.plan.rule[name], RULES["sum"])
        value = rule(terms, plus) + (100 if name == self.wrong else 0)
        self.done[name] = (terms, value)
        return 200, {"n": value}


def plandeck(folder, server, *arguments):
    environment = dict(os.environ, PLANDECK_HOME=os.path.join(folder, "home"), OPENAI_API_KEY="none", PLANDECK_TRUST="1")
    more = ["--worker", "openai/gpt-4o-mini", "--base-url", f"{server.address}/v1", "--json"]
    done = subprocess.run(
        [PROGRAM, *arguments, *more], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        sys.exit(f"{arguments}: {done.stdout}{done.stderr}")


def one_fault(kind, rng, server):
    """Calls and dollars from the failure to the success, and the least; `None` where the fault does no harm."""
    plan = Plan(rng)
    of_kind = [name for name in plan.steps[:-1] if (plan.rule[name] == "ask") == (kind == "prompt")]
    if not of_kind:
        return None
    faulty = rng.choice(of_kind)
    server.plan, server.calls, server.done = plan, [], {}
    server.out = faulty if kind == "outage" else None
    server.wrong = faulty if kind in ("output", "replaced") else None
    with tempfile.TemporaryDirectory() as folder:
        broken = faulty if kind in ("parameter", "prompt") else None
        with open(os.path.join(folder, "plan.json"), "w", encoding="utf-8") as file:
            json.dump(plan.document(server.address, broken), file)
        _, failed = plandeck(folder, server, "run", "plan.json", "--headless")
        if failed["status"] == "succeeded":
            return None
        # What has succeeded with what it gets and gives once everything is right need not be called again.
        right = {name: (plan.inputs[name], plan.outputs[name]) for name in plan.steps}
        least = {name for name in plan.steps if server.done.get(name) != right[name]}
        server.out, server.wrong, server.calls, server.dollars = None, None, [], 0.0
        if kind == "parameter":
            whole = {"of": faulty, "terms": plan.inputs[faulty], "plus": plan.plus[faulty]}
            verb = ("edit", "last", faulty, "--input", json.dumps(whole))
        elif kind == "prompt":
            prompt = f"STEP {{{{of}}}} TERMS {{{{terms}}}} PLUS {{{{plus}}}} {RIGHT}"
            verb = ("edit", "last", faulty, "--prompt", prompt)
        elif kind == "replaced":
            least.discard(faulty)
            verb = ("set", "last", faulty, "--output", json.dumps({"n": plan.outputs[faulty]}))
        else:
            verb = ("retry", "last", faulty)
        code, corrected = plandeck(folder, server, *verb)
        if code != 0 or corrected["status"] != "succeeded":
            sys.exit(f"{kind}, {faulty}: {json.dumps(corrected, indent=1)}")
        billed = corrected["cost"] - failed["cost"]
        if abs(billed - server.dollars) > 1e-9:
            sys.exit(f"{kind}, {faulty}: ${billed:.6f} on the account, ${server.dollars:.6f} asked for")
        cheapest = sum(plan.price(name) for name in least)
        whole = sum(plan.price(name) for name in plan.steps)
        return len(server.calls), len(least), server.dollars, cheapest, len(plan.steps), whole


def main():
    faults = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 20261130
    if not os.path.exists(PROGRAM):
        sys.exit(f"{PROGRAM} does not exist: run `cargo build --release` first")
    print(f"seed {seed}")
    rng, server, sums = random.Random(seed), Server(), {}
    for at in range(faults):
        kind, found = FAULTS[at % len(FAULTS)], None
        while found is None:
            found = one_fault(kind, rng, server)
        sums.setdefault(kind, []).append(found)
    sums["all"] = [one for kind in FAULTS if kind in sums for one in sums[kind]]
    print("| fault | faults | calls | least | dollars | least | calls / least | dollars / least | the whole plan again |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for kind, ones in sums.items():
        calls, least, dollars, cheapest, steps, whole = (sum(column) for column in zip(*ones))
        # The worst of all as well: a sum could hide one.
        worst = max(one[0] - one[1] for one in ones)
        print(
            f"| {kind} | {len(ones)} | {calls} | {least} | {dollars:.4f} | {cheapest:.4f} | {calls / least:.2f} "
            f"(at most {worst:+} in one) | {dollars / cheapest:.2f} | {steps} calls, ${whole:.4f} |"
        )


if __name__ == "__main__":
    main()
