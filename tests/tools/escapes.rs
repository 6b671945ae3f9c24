//! Escapes from the interpreters of `code_exec`, and bombs: none succeeds, each is a clear error, and the rest goes on.

use crate::common::program::{code, json, plandeck, stderr};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use tempfile::TempDir;

/// Tries to reach what is outside. `@SECRET`, `@NEW`, `@TCP` and `@UDP` are a file, a file to make, and ports. `output` is set
/// only where it succeeds.
const ESCAPES: &[&str] = &[
    // Files.
    "output = open('@SECRET').read()",
    "output = open('/etc/passwd').read()",
    "output = open('/etc/shadow').read()",
    "output = open('/proc/self/environ').read()",
    "output = open('/proc/self/maps').read()",
    "output = open('/proc/self/mem', 'rb').read(1)",
    "output = open('/proc/1/cmdline').read()",
    "output = open('/dev/mem', 'rb').read(1)",
    "output = open('/dev/tty').read(1)",
    "output = open('@NEW', 'w').write('x')",
    "output = open('@SECRET', 'a').write('x')",
    "output = open('/dev/shm/plandeck-escape', 'w').write('x')",
    "import os\noutput = os.listdir('/')",
    "import os\noutput = os.listdir('.')",
    "import os\noutput = os.environ['HOME']",
    "import os\noutput = os.environ['SECRET_OF_MINE']",
    "import os\noutput = os.getenvb(b'PATH').decode()",
    "import os\noutput = os.open('@SECRET', os.O_RDONLY)",
    "import os\nos.remove('@SECRET')\noutput = 1",
    "import os\nos.rename('@SECRET', '@NEW')\noutput = 1",
    "import os\nos.symlink('@SECRET', '@NEW')\noutput = 1",
    "import os\nos.link('@SECRET', '@NEW')\noutput = 1",
    "import os\nos.mkdir('@NEW')\noutput = 1",
    "import os\nos.mkfifo('@NEW')\noutput = 1",
    "import os\nos.chmod('@SECRET', 0o777)\noutput = 1",
    "import os\nos.truncate('@SECRET', 0)\noutput = 1",
    "import os\nos.utime('@SECRET')\noutput = 1",
    "import os\nos.chdir('/')\noutput = 1",
    "import os\nos.chroot('/')\noutput = 1",
    "import os\noutput = os.memfd_create('x')",
    "import os\noutput = [e.name for e in os.scandir('/root')]",
    "import pathlib\noutput = pathlib.Path('@SECRET').read_text()",
    "import pathlib\noutput = pathlib.Path('@NEW').write_text('x')",
    "import io\noutput = io.FileIO('@SECRET').read().decode()",
    "import codecs\noutput = codecs.open('@SECRET').read()",
    "import linecache\noutput = linecache.getlines('@SECRET')[0]",
    "import glob\noutput = glob.glob('/*')[0]",
    "import tempfile\noutput = tempfile.mkdtemp()",
    "import tempfile\noutput = tempfile.NamedTemporaryFile().name",
    "import shutil\noutput = shutil.copy('@SECRET', '@NEW')",
    "import sqlite3\nsqlite3.connect('@NEW').execute('create table t (x)')\noutput = 1",
    "import fileinput\noutput = list(fileinput.input('@SECRET'))[0]",
    "import importlib.util\ns = importlib.util.spec_from_file_location('m', '@SECRET')\nm = importlib.util.module_from_spec(s)\ns.loader.exec_module(m)\noutput = 1",
    "import runpy\nrunpy.run_path('@SECRET')\noutput = 1",
    "import zipfile\noutput = zipfile.ZipFile('@NEW', 'w').filename",
    "import mmap, os\noutput = mmap.mmap(os.open('@SECRET', 0), 0, prot=1).read().decode()",
    "import logging\nlogging.FileHandler('@NEW')\noutput = 1",
    "import os, stat\noutput = [fd for fd in range(3, 64) if stat.S_IFMT(os.fstat(fd).st_mode) in (stat.S_IFREG, stat.S_IFSOCK)][0]",
    "import sys\noutput = sys.stdin.buffer.raw.name + open('/proc/self/fd/0').read()",
    // Networks.
    "import socket\nsocket.create_connection(('127.0.0.1', @TCP))\noutput = 1",
    "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.sendto(b'x', ('127.0.0.1', @UDP))\noutput = 1",
    "import socket\nsocket.socket(socket.AF_INET6)\noutput = 1",
    "import socket\nsocket.socket(socket.AF_UNIX)\noutput = 1",
    "import socket\nsocket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)\noutput = 1",
    "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_RAW, 1)\noutput = 1",
    "import socket\nsocket.socketpair()\noutput = 1",
    "import socket\nsocket.create_server(('127.0.0.1', 0))\noutput = 1",
    "import urllib.request\noutput = urllib.request.urlopen('http://127.0.0.1:@TCP/').status",
    "import urllib.request\noutput = urllib.request.urlopen('file://@SECRET').read().decode()",
    "import http.client\nc = http.client.HTTPConnection('127.0.0.1', @TCP)\nc.request('GET', '/')\noutput = 1",
    "import asyncio\nasync def go():\n    await asyncio.open_connection('127.0.0.1', @TCP)\nasyncio.run(go())\noutput = 1",
    "import xmlrpc.client\noutput = xmlrpc.client.ServerProxy('http://127.0.0.1:@TCP').x()",
    // Processes and signals.
    "import os\noutput = os.fork()",
    "import os\noutput = os.forkpty()[0]",
    "import os\nif os.system('touch @NEW') != 0:\n    raise OSError('refused')\noutput = 1",
    "import os\noutput = os.popen('cat @SECRET').read()[0]",
    "import os\nos.execv('/bin/sh', ['sh', '-c', 'touch @NEW'])\noutput = 1",
    "import os\noutput = os.posix_spawn('/bin/sh', ['sh', '-c', 'touch @NEW'], {})",
    "import subprocess\noutput = subprocess.check_output(['cat', '@SECRET']).decode()",
    "import subprocess\noutput = subprocess.check_output('cat @SECRET', shell=True).decode()",
    "import multiprocessing\np = multiprocessing.get_context('fork').Process(target=print)\np.start()\noutput = 1",
    "import concurrent.futures as f\noutput = f.ProcessPoolExecutor().submit(len, 'x').result(timeout=5)",
    "import os, signal\nos.kill(os.getppid(), signal.SIGTERM)\noutput = 1",
    "import os, signal\nos.kill(os.getppid(), 0)\noutput = 1",
    "import os, signal\nos.kill(-1, signal.SIGTERM)\noutput = 1",
    "import os, signal\nos.killpg(os.getpgid(os.getppid()), signal.SIGTERM)\noutput = 1",
    "import os\nos.kill(1, 0)\noutput = 1",
    "import os\nos.setuid(1000)\noutput = 1",
    "import os\nos.setgid(1000)\noutput = 1",
    "import os\nos.nice(-5)\noutput = 1",
    "import os\nos.setpriority(os.PRIO_PROCESS, 0, -5)\noutput = 1",
    "import os\nos.sched_setaffinity(0, {0})\noutput = 1",
    "import os\nos.setsid()\noutput = 1",
    "import os\nos.mknod('@NEW')\noutput = 1",
    "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))\noutput = 1",
    "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1000, 1000))\noutput = 1",
    "import resource, os\noutput = resource.prlimit(os.getppid(), resource.RLIMIT_AS)",
    "import signal\nsignal.setitimer(signal.ITIMER_REAL, 100)\noutput = 1",
    "import ctypes\nif ctypes.CDLL(None).system(b'touch @NEW') != 0:\n    raise OSError('refused')\noutput = 1",
    "import ctypes\nif ctypes.CDLL(None).fork() < 0:\n    raise OSError('refused')\noutput = 1",
    "import ctypes\nif ctypes.CDLL(None).vfork() < 0:\n    raise OSError('refused')\noutput = 1",
    "import ctypes\nif ctypes.CDLL(None).ptrace(0, 0, 0, 0) < 0:\n    raise OSError('refused')\noutput = 1",
    "import ctypes, os\nif ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) < 0:\n    raise OSError('refused')\noutput = 1",
    "import ctypes\nif ctypes.CDLL(None).socket(2, 1, 0) < 0:\n    raise OSError('refused')\noutput = 1",
    "import ctypes\nif ctypes.CDLL(None).syscall(425, 8, 0) < 0:\n    raise OSError('io_uring is refused')\noutput = 1",
    "import ctypes\nif ctypes.CDLL(None).unshare(0x10000000) < 0:\n    raise OSError('refused')\noutput = 1",
    "import ctypes\nif ctypes.CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, 0) < 0:\n    raise OSError('refused')\noutput = 1",
    "import ctypes, os\nb = ctypes.create_string_buffer(8)\nif ctypes.CDLL(None).process_vm_readv(os.getppid(), b, 1, b, 1, 0) < 0:\n    raise OSError('refused')\noutput = 1",
    "import ctypes\nif ctypes.CDLL(None).open(b'@SECRET', 0) < 0:\n    raise OSError('refused')\noutput = 1",
    "import ctypes\nif ctypes.CDLL(None).prctl(22, 0) != 0:\n    raise OSError('refused')\noutput = 1",
    "import ctypes\nif ctypes.CDLL(None).shmget(1, 4096, 0o1666) < 0:\n    raise OSError('refused')\noutput = 1",
    "import ctypes\nctypes.string_at(0)\noutput = 1",
    // Ways back into the interpreter's inside.
    "output = ().__class__.__bases__[0].__subclasses__()[0].__init__.__globals__['os'].listdir('/')",
    "output = __import__('os').listdir('/')",
    "output = eval(\"__import__('os').listdir('/')\")",
    "exec(\"import os\\noutput = os.listdir('/')\")",
    "output = __loader__.load_module('os').listdir('/')",
    "output = __builtins__['open']('@SECRET').read() if isinstance(__builtins__, dict) else __builtins__.open('@SECRET').read()",
    "import sys\noutput = sys.modules['os'].listdir('/')",
    "import sys\nsys.exit(0)\noutput = 1",
    "import os\nos._exit(0)\noutput = 1",
    "import os\nos.abort()\noutput = 1",
    "raise SystemExit\noutput = 1",
    "raise KeyboardInterrupt\noutput = 1",
    "import antigravity, webbrowser\noutput = open('@SECRET').read()",
    "import builtins\noutput = builtins.open('@SECRET').read()",
    "breakpoint()\noutput = open('@SECRET').read()",
    "output = input()",
];

/// Asks for more than there is: memory, depth, time, output.
const BOMBS: &[&str] = &[
    // Memory.
    "output = len('x' * 10**10)",
    "output = len([0] * 10**10)",
    "output = len(b'x' * 10**10)",
    "output = len((0,) * 10**10)",
    "x = []\nwhile True:\n    x.append('x' * 100000 + str(len(x)))",
    "x = {}\nwhile True:\n    x[len(x)] = 'x' * 10000 + str(len(x))",
    "x = 'x'\nwhile True:\n    x += x",
    "x = [1]\nwhile True:\n    x = x + x",
    "x = []\nwhile True:\n    x = [x, list(range(10000))]",
    "output = len(list(range(10**9)))",
    "output = len({n for n in range(10**9)})",
    "output = len(''.join(str(n) for n in range(10**9)))",
    "output = len(f\"{1:>10000000000}\")",
    "output = len('%10000000000d' % 1)",
    "output = len('x'.ljust(10**10))",
    "output = len(('x' * 10**5).replace('x', 'y' * 10**5))",
    "output = sorted(range(10**9))[0]",
    "x = [[0] * 1000000 for n in range(100000)]\noutput = 1",
    // Depth.
    "def f(n):\n    return f(n + 1) + 1\noutput = f(0)",
    "def f(n):\n    return g(n + 1)\ndef g(n):\n    return f(n + 1)\noutput = f(0)",
    "x = []\nfor n in range(100000):\n    x = [x]\noutput = x",
    "x = []\nfor n in range(500):\n    x = {'x': x}\noutput = x",
    "x = []\nx.append(x)\noutput = x",
    "output = eval('(' * 100000 + '1' + ')' * 100000)",
    "import json\noutput = json.loads('[' * 1000000)",
    "f = lambda: f()\noutput = f()",
    "class A:\n    def __repr__(self):\n        return repr(self)\noutput = repr(A())",
    // Numbers.
    "output = 9 ** 9 ** 9 % 2 + 9 ** 9 ** 9",
    "output = 1 << (1 << 40)",
    "output = 7 ** 10 ** 9",
    "x = 3\nwhile True:\n    x = x * x",
    "import math\noutput = math.factorial(10**8)",
    // Time.
    "while True:\n    pass",
    "n = 0\nwhile True:\n    n += 1",
    "for a in range(10**6):\n    for b in range(10**6):\n        c = a * b",
    "import time\ntime.sleep(10**6)",
    "try:\n    while True:\n        pass\nfinally:\n    while True:\n        pass",
    "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        continue",
    "def g():\n    try:\n        yield 1\n    finally:\n        while True:\n            pass\nfor x in g():\n    break\nwhile True:\n    pass",
    "class A:\n    def __del__(self):\n        while True:\n            pass\na = A()\ndel a\nwhile True:\n    pass",
    "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True:\n    pass",
    "import threading\nt = threading.Thread(target=lambda: [None for n in iter(int, 1)])\nt.start()\nt.join()",
    "import threading\ne = threading.Event()\ne.wait()",
    "import re\noutput = bool(re.match('(a+)+$', 'a' * 60 + 'b')) or 1 // 0",
    "import re\noutput = bool(re.match('(a|aa)+$', 'a' * 90 + 'b')) or 1 // 0",
    "import re\noutput = bool(re.match('(.*a){30}$', 'a' * 60 + 'b')) or 1 // 0",
    // Output.
    "while True:\n    print('x' * 1000)",
    "while True:\n    print('x', end='')",
    "output = 'x' * (70 * 2**20)",
    "output = ['x' * 2**20 for n in range(70)]",
    "output = print",
    "output = object()",
    "import os\nwhile True:\n    os.write(2, b'x' * 65536)",
    "import os\nwhile True:\n    os.write(1, b'x' * 65536)",
    "import os\nos.write(1, b'{\"output\": \\n')\nwhile True:\n    pass",
];

/// What both interpreters do, beside all that.
const SOUND: &str = "output = sum(n * n for n in range(input_data['n']))";

/// Runs every code by an interpreter, with a step that works between them.
fn all_refused(python: &str) {
    let folder = TempDir::new().unwrap();
    let secret = folder.path().join("secret.py");
    std::fs::write(&secret, "hidden_words = 1\n").unwrap();
    let new = folder.path().join("made");
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    tcp.set_nonblocking(true).unwrap();
    udp.set_nonblocking(true).unwrap();
    let filled = |code: &str| {
        code.replace("@SECRET", secret.to_str().unwrap())
            .replace("@NEW", new.to_str().unwrap())
            .replace("@TCP", &tcp.local_addr().unwrap().port().to_string())
            .replace("@UDP", &udp.local_addr().unwrap().port().to_string())
    };
    let mut steps = Vec::new();
    // Code that is to fail by itself has time; what never ends has little.
    for (kind, codes, seconds) in [("escape", ESCAPES, 60), ("bomb", BOMBS, 1)] {
        for (at, code) in codes.iter().enumerate() {
            steps.push(json!({
                "id": format!("{kind}{at}"), "tool": kind, "timeout_s": seconds, "retry_policy": {"retries": 1},
                "parameters": {"code": filled(code), "input_data": {}},
            }));
            if at % 10 == 0 {
                steps.push(json!({"id": format!("sound {kind}{at}"), "tool": "sound", "parameters": {"n": at}}));
            }
        }
    }
    let tools = json!({
        "escape": {"type": "code_exec", "python": python, "timeout_s": 60},
        "bomb": {"type": "code_exec", "python": python, "timeout_s": 1},
        "sound": {"type": "code_exec", "python": python, "code": SOUND},
    });
    let plan = json!({"steps": steps, "tools": tools});
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    let output = plandeck()
        .current_dir(folder.path())
        .env("SECRET_OF_MINE", "hidden_words")
        .timeout(std::time::Duration::from_mins(10))
        .args([
            "run",
            "plan.json",
            "--worker",
            "offline",
            "--headless",
            "--json",
        ])
        .args(["--max-memory-mb", "96", "--max-concurrent", "4"])
        .output()
        .unwrap();
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    let result = json(&output);
    let mut wrong = Vec::new();
    let mut messages = HashSet::new();
    for step in result["steps"].as_array().unwrap() {
        let id = step["id"].as_str().unwrap();
        let message = step["error"]["message"].as_str().unwrap_or_default();
        let is_fine = if id.starts_with("sound") {
            step["status"] == "succeeded"
        } else {
            messages.insert(message.lines().last().unwrap_or_default().to_owned());
            step["status"] == "failed"
                && message.len() > 10
                && !step.to_string().contains("hidden_words")
        };
        if !is_fine {
            wrong.push(format!("{} of {}: {step}\n", id, code_of(&plan, id)));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} are wrong:\n{}",
        wrong.len(),
        steps_of(&plan),
        wrong.concat()
    );
    assert!(messages.len() > 10, "{messages:?}");
    assert!(ESCAPES.len() + BOMBS.len() >= 100);
    assert_eq!(
        std::fs::read_to_string(&secret).unwrap(),
        "hidden_words = 1\n"
    );
    assert!(!new.exists() && !Path::new("/dev/shm/plandeck-escape").exists());
    assert!(tcp.accept().is_err() && udp.recv(&mut [0; 8]).is_err());
}

fn code_of(plan: &Value, id: &str) -> String {
    let steps = plan["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["id"] == id).unwrap();
    step["parameters"]["code"].to_string()
}

fn steps_of(plan: &Value) -> usize {
    plan["steps"].as_array().unwrap().len()
}

fn has_cpython() -> bool {
    let version = std::process::Command::new("python3")
        .args(["-I", "-c", "pass"])
        .status();
    version.is_ok_and(|status| status.success())
}

#[test]
fn nothing_leaves_the_embedded_interpreter() {
    all_refused("embedded");
}

/// Whether CPython is installed, and this system can confine it; where it cannot, that it is refused.
fn has_confined_cpython() -> bool {
    if !has_cpython() {
        eprintln!("python3 is not installed: it is not tried");
        return false;
    }
    let (_, result, _) = one("output = 1", "cpython", None);
    let message = result["steps"][0]["error"]["message"].as_str();
    let is_refused = message.is_some_and(|it| it.contains("CPython cannot be confined"));
    if is_refused {
        eprintln!("this system cannot confine CPython: it is not tried");
    }
    !is_refused
}

#[test]
fn nothing_leaves_cpython() {
    if has_confined_cpython() {
        all_refused("cpython");
    }
}

/// The result of a plan with one step.
fn one(source: &str, python: &str, path: Option<&Path>) -> (i32, Value, String) {
    let folder = TempDir::new().unwrap();
    let tools = json!({"t": {"type": "code_exec", "python": python, "code": source}});
    let plan = json!({"steps": [{"id": "a", "tool": "t", "parameters": {"words": ["b", "a"]}}], "tools": tools});
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    let mut command = plandeck();
    if let Some(path) = path {
        command.env("PATH", path);
    }
    command.current_dir(folder.path());
    let events = folder.path().join("events");
    let output = command
        .args([
            "run",
            "plan.json",
            "--worker",
            "offline",
            "--headless",
            "--json",
            "--events",
        ])
        .arg(&events)
        .output()
        .unwrap();
    let text = std::fs::read_to_string(&events).unwrap_or_default();
    (code(&output), json(&output), text)
}

#[test]
fn cpython_has_what_the_embedded_interpreter_lacks() {
    let code = "import statistics, datetime, collections\nprint('counted')\nP = collections.namedtuple('P', 'x')\n\
        output = {'m': statistics.mean([1, 2, 4, 5]), 'd': datetime.date(2026, 1, 2), 'w': sorted(input_data['words']), \
        'n': float('nan'), 'b': 2**80, 't': (1, {2}), 'p': P(3)}";
    let (_, result, _) = one(code, "embedded", None);
    let message = result["steps"][0]["error"]["message"].as_str().unwrap();
    assert!(message.contains("python: cpython"), "{message}");
    let (_, _, events) = one("output = 1", "embedded", None);
    assert!(
        events.contains("the embedded interpreter, confined by "),
        "{events}"
    );
    if !has_confined_cpython() {
        return;
    }
    let (status, result, events) = one(code, "cpython", None);
    assert_eq!(status, 0, "{result}");
    let expected = json!({"m": 3, "d": "2026-01-02", "w": ["a", "b"], "n": null, "b": "1208925819614629174706176",
        "t": [1, [2]], "p": {"x": 3}});
    assert_eq!(result["result"], expected);
    assert!(
        events.contains("CPython 3.") && events.contains("Landlock"),
        "{events}"
    );
    assert!(events.contains("counted"), "{events}");
}

/// Runs a step whose tool says nothing of the interpreter.
fn chosen(source: &str) -> (i32, Value, String) {
    let folder = TempDir::new().unwrap();
    let tools =
        json!({"t": {"type": "code_exec", "code": source}, "u": {"type": "jq", "filter": "1"}});
    let plan = json!({"tools": tools, "steps": [{"id": "t", "tool": "t", "parameters": {}}]});
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    let events = folder.path().join("events");
    let output = plandeck()
        .arg("run")
        .arg(folder.path().join("plan.json"))
        .args(["--worker", "offline", "--headless", "--json", "--events"])
        .arg(&events)
        .output()
        .unwrap();
    let text = std::fs::read_to_string(&events).unwrap_or_default();
    (code(&output), json(&output), text)
}

#[test]
fn cpython_runs_what_the_embedded_interpreter_cannot_unless_something_has_happened() {
    let (status, _, events) = chosen("output = 1");
    assert!(
        status == 0 && events.contains("the embedded interpreter, confined by "),
        "{events}"
    );
    if !has_confined_cpython() {
        return;
    }
    let (status, result, events) = chosen("import statistics\noutput = statistics.mean([1, 3])");
    assert_eq!((status, &result["result"]), (0, &json!(2)), "{events}");
    let why = "; the embedded interpreter could not: ModuleNotFoundError";
    assert!(
        events.contains("CPython 3.") && events.contains(why),
        "{events}"
    );
    assert!(events.contains("CPython runs it"), "{events}");
    // A tool was called: it is not called a second time.
    let (status, result, events) = chosen("await u()\nimport statistics\noutput = 1");
    let message = result["steps"][0]["error"]["message"].as_str().unwrap();
    assert!(
        status == 1 && message.contains("python: cpython"),
        "{events}"
    );
    assert_eq!(events.matches("step_called").count(), 1);
    // An error of the code itself is none of the interpreter.
    let (status, _, events) = chosen("output = 1 / 0");
    assert!(status == 1 && !events.contains("CPython"), "{events}");
}

#[test]
fn without_cpython_the_remedy_is_named() {
    let empty = TempDir::new().unwrap();
    let (status, result, _) = one("output = 1", "cpython", Some(empty.path()));
    assert_eq!(status, 1);
    let message = result["steps"][0]["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("python3") && message.contains("install it"),
        "{message}"
    );
    let (status, ..) = one("output = 1", "embedded", Some(empty.path()));
    assert_eq!(status, 0);
}
