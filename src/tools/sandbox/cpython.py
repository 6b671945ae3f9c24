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


def run(request):
    names = {"__name__": "__main__", "__builtins__": __builtins__, "input_data": request["input"]}
    printed = Printed()
    sys.stdout = sys.stderr = printed
    try:
        exec(compile(request["source"], "code.py", "exec"), names)
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
# Nothing more comes, and nobody else reads.
requests.close()
os.close(0)
sys.stdin = io.StringIO("")
if line:
    answer = run(json.loads(line))
    reply(answer)
os._exit(0)
