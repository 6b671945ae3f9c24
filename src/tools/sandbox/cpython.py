# Runs in the jail: reads one request, runs its code, answers with the output. The process has no way to the system but
# its standard input and output.
import datetime
import io
import json
import os
import sys
import traceback

MAX_DEPTH, MAX_OUTPUT, MAX_LINE, MAX_PRINTED = 120, 64 << 20, 8 << 10, 1 << 20
replies = os.fdopen(os.dup(1), "wb")
requests = os.fdopen(os.dup(0), "rb")
# What nobody reads must not make the code wait.
os.set_blocking(2, False)


def reply(value):
    replies.write(json.dumps(value).encode("utf-8", "surrogatepass") + b"\n")
    replies.flush()


class Printed:
    encoding, errors, line, count = "utf-8", "replace", "", 0

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError("write() argument must be str")
        self.count += len(text)
        if self.count > MAX_PRINTED:
            return len(text)
        self.line += text.encode("utf-8", "replace").decode()
        while "\n" in self.line or len(self.line) >= MAX_LINE:
            end = self.line.find("\n")
            if 0 <= end < MAX_LINE:
                reply({"log": self.line[:end]})
                self.line = self.line[end + 1 :]
            else:
                reply({"log_part": self.line[:MAX_LINE]})
                self.line = self.line[MAX_LINE:]
        return len(text)

    def end(self):
        if self.count > MAX_PRINTED:
            reply({"log": f"… {self.count - MAX_PRINTED} more characters were printed"})
        elif self.line:
            reply({"log": self.line})

    def flush(self):
        pass

    def isatty(self):
        return False

    def writable(self):
        return True


class Refused(Exception):
    pass


def to_json(value, depth, size):
    if depth > MAX_DEPTH:
        raise Refused(f"`output` is nested deeper than {MAX_DEPTH} levels, or contains itself")
    size[0] += 2 + (len(value) if isinstance(value, (str, bytes)) else 0)
    if size[0] > MAX_OUTPUT:
        raise Refused(f"`output` is larger than {MAX_OUTPUT >> 20} MB")
    if value is None or value is True or value is False or value is ...:
        return None if value is ... else value
    if isinstance(value, int):
        value = int(value)
        if -(2**63) <= value < 2**64:
            return value
        return str(value)
    if isinstance(value, float):
        value = float(value)
        return value if value - value == 0 else None
    if isinstance(value, str):
        return str(value).encode("utf-8", "replace").decode()
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise Refused("`output` holds bytes that are not valid UTF-8; encode them first") from None
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: to_json(one, depth + 1, size) for name, one in zip(value._fields, value)}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_json(one, depth + 1, size) for one in value]
    if isinstance(value, dict):
        result = {}
        for name, one in value.items():
            name = to_json(name, depth + 1, size)
            name = name if isinstance(name, str) else json.dumps(name)
            result[name] = to_json(one, depth + 1, size)
        return result
    if hasattr(value, "tolist"):
        return to_json(value.tolist(), depth + 1, size)
    raise Refused(f"`output` holds {type(value).__name__}, which has no JSON form")


class Tools:
    """The tools that the code calls, and the only thing that its event loop can wait for besides time."""

    def __init__(self, asyncio, functions):
        self.asyncio, self.functions = asyncio, functions
        self.open, self.count, self.answered, self.seen = {}, 0, 0, 0
        self.unread, self.poll = bytearray(), select.poll()
        self.poll.register(0, select.POLLIN)

    def loop(self):
        tools = self

        class Loop(self.asyncio.SelectorEventLoop):
            # Nothing outside of this thread wakes it.
            def _make_self_pipe(self):
                self._ssock = self._csock = None

            def _close_self_pipe(self):
                pass

        class Waits(selectors.BaseSelector):
            def register(self, fileobj, events, data=None):
                raise PermissionError("the code has no files to wait for")

            def unregister(self, fileobj):
                raise KeyError(fileobj)

            def get_map(self):
                return {}

            def select(self, timeout=None):
                tools.wait(timeout)
                return []

        return Loop(Waits())

    def wait(self, timeout):
        if not self.open:
            if timeout is None:
                raise Refused("the code waits for something that never comes")
            time.sleep(max(timeout, 0))
            return
        if timeout is None and not self.poll.poll(0) and b"\n" not in self.unread:
            reply({"waits": {"answered": self.answered, "seen": self.seen}})
        until = None if timeout is None else time.monotonic() + max(timeout, 0)
        while b"\n" not in self.unread:
            left = None if until is None else max(until - time.monotonic(), 0) * 1000
            if not self.poll.poll(left):
                return
            more = os.read(0, 1 << 16)
            if not more:
                os._exit(0)
            self.unread += more
        while b"\n" in self.unread:
            line, _, self.unread = self.unread.partition(b"\n")
            self.take(json.loads(line))

    def take(self, answer):
        self.answered += answer["is_made"]
        self.seen += 1
        future = self.open.pop(answer["number"], None)
        if future is None or future.done():
            return
        outcome = answer["outcome"]
        if "output" in outcome:
            future.set_result(outcome["output"])
        else:
            future.set_exception(RuntimeError(outcome["error"]))

    async def call(self, name, is_tool, given, named):
        if len(given) > 1 or given and not isinstance(given[0], dict):
            raise TypeError(f"{name} takes its parameters by name, or as one dict")
        try:
            parameters = to_json({**(given[0] if given else {}), **named}, 0, [0])
        except Refused as refused:
            raise TypeError(str(refused).replace("`output`", f"a parameter of {name}")) from None
        number, self.count = self.count, self.count + 1
        future = self.asyncio.get_running_loop().create_future()
        self.open[number] = future
        reply({"call": {"number": number, "name": name, "is_tool": is_tool, "input": parameters}})
        return await future

    def names(self):
        def function(name):
            async def tool(*given, **named):
                return await self.call(name, False, given, named)

            tool.__name__ = tool.__qualname__ = name
            return tool

        async def call_tool(name, *given, **named):
            if not isinstance(name, str):
                raise TypeError("call_tool needs the name of a tool first, as text")
            return await self.call(name, True, given, named)

        names = {name: function(name) for name in self.functions["names"]}
        if self.functions["any"]:
            names["call_tool"] = call_tool
        return names


def execute(source, names, functions):
    if functions is None:
        exec(compile(source, "code.py", "exec"), names)
        return
    import asyncio

    tools = Tools(asyncio, functions)
    # Code that runs a loop of its own gets one that knows the tools.
    asyncio.new_event_loop = asyncio.events.new_event_loop = tools.loop
    names.update(tools.names())
    code = compile(source, "code.py", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if not code.co_flags & inspect.CO_COROUTINE:
        exec(code, names)
        return
    loop = tools.loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(eval(code, names))


def run(request):
    names = {"__name__": "__main__", "__builtins__": __builtins__, "input_data": request["input"]}
    printed = Printed()
    sys.stdout = sys.stderr = printed
    try:
        execute(request["source"], names, request.get("tools"))
        if "output" not in names:
            return {"error": "the code does not set `output`; assign the result to a variable of that name"}
        return {"output": {"value": to_json(names["output"], 0, [0]), "memory_mb": 0}}
    except Refused as refused:
        return {"error": str(refused)}
    except RecursionError:
        return {"error": "the code recursed too deep and was stopped (RecursionError)"}
    except MemoryError:
        names.clear()
        return {"error": "the code used more memory than it may and was stopped (MemoryError)"}
    except SystemExit as end:
        return {"error": f"the code ended itself (SystemExit: {end.code}) and gave no output"}
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if frame.filename == "code.py"]
        lines = ["Traceback (most recent call last):\n"] + traceback.format_list(own[-20:])
        return {"error": "".join(lines + traceback.format_exception_only(type(error), error)).strip()[-4000:]}
    finally:
        printed.end()


version = ".".join(str(part) for part in sys.version_info[:3])
reply("ready")
reply({"about": {"interpreter": f"CPython {version}", "walls": None}})
line = requests.readline()
sys.stdin = io.StringIO("")
if line:
    request = json.loads(line)
    if request.get("tools") is None:
        # Nothing more comes, and nobody else reads.
        requests.close()
        os.close(0)
    else:
        import ast
        import inspect
        import select
        import selectors
        import time
    reply(run(request))
os._exit(0)
