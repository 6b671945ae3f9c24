import ast, asyncio, contextlib, importlib.util, inspect, json, os, sys, types

path = sys.argv[1]
try:
    import promptflow.core  # noqa: F401
except ImportError:
    # Without promptflow the mark of a function does nothing.
    def tool(function=None, **_):
        return function if callable(function) else tool

    for name in ("promptflow", "promptflow.core"):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].tool = tool

with open(path, encoding="utf-8") as file:
    tree = ast.parse(file.read())


def is_marked(node):
    marks = [mark.func if isinstance(mark, ast.Call) else mark for mark in node.decorator_list]
    return any(getattr(mark, "id", getattr(mark, "attr", "")) == "tool" for mark in marks)


functions = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
marked = [node.name for node in functions if is_marked(node)] or [node.name for node in functions][:1]
if not marked:
    sys.exit(f"{path} has no function that is a tool")
sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
given = json.load(sys.stdin)
# What it prints is its log.
with contextlib.redirect_stdout(sys.stderr):
    spec = importlib.util.spec_from_file_location("flow_tool", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    output = getattr(module, marked[0])(**given)
    if inspect.isawaitable(output):
        output = asyncio.run(asyncio.wait_for(output, None))
    elif inspect.isgenerator(output):
        output = list(output)
json.dump(output, sys.stdout, default=str)
