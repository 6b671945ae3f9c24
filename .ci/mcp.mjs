// Runs plans against MCP servers that this project did not write: over pipes and over streamable HTTP, with text,
// structured content, images, resources, progress, errors, questions to the user and tasks; and lists and calls single tools.
//
// usage: node mcp.mjs PROGRAM NODE_MODULES VENV_BIN

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

const [program, modules, venv] = process.argv.slice(2).map((place) => path.resolve(place));
const everything = path.join(modules, "@modelcontextprotocol/server-everything/dist/index.js");
const filesystem = path.join(modules, "@modelcontextprotocol/server-filesystem/dist/index.js");
// Servers in Node.js and Python take seconds to start on a busy machine.
const PATIENCE = 300_000;

const folder = mkdtempSync(path.join(tmpdir(), "plandeck-mcp-"));
const home = path.join(folder, "home");
const children = [];

function plandeck(...args) {
  return plandeckWith({ PLANDECK_TRUST: "1" }, args);
}

function plandeckWith(more, args) {
  const env = { ...process.env, PLANDECK_HOME: home, ...more };
  const child = spawn(program, args, { env, cwd: folder, stdio: ["ignore", "pipe", "pipe"], timeout: PATIENCE });
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) {
    child[name].setEncoding("utf8").on("data", (text) => (said[name] += text));
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...said }));
  });
}

async function json(...args) {
  const { code, stdout, stderr } = await plandeck(...args);
  try {
    return { code, value: JSON.parse(stdout), stderr };
  } catch {
    throw new Error(`exit ${code}, and no JSON: ${stdout}\n${stderr}`);
  }
}

/** Runs a plan; gives the outputs and the errors of its steps by id. */
async function run(name, mcpServers, steps, expected = 0, more = []) {
  writeFileSync(path.join(folder, `${name}.json`), JSON.stringify({ name, mcpServers, steps }));
  const { code, value, stderr } = await json("run", `${name}.json`, "--headless", "--json", "--fresh", "--worker", "offline", ...more);
  assert.equal(code, expected, `${name}: ${stderr}`);
  const of = (field) => Object.fromEntries(value.steps.map((step) => [step.id, step[field]]));
  return { outputs: of("output"), errors: of("error"), stderr };
}

const step = (id, tool, parameters = {}, more = {}) => ({ id, tool, parameters, ...more });
const started = (file, ...args) => ({ command: process.execPath, args: [file, ...args], start_timeout_s: 120 });
const python = (name, ...args) => ({ command: path.join(venv, name), args, start_timeout_s: 120 });

/** The steps that server-everything is asked for, and what they give. */
async function ask(name, server) {
  const steps = [
    step("echo", "echo", { message: "good day" }),
    step("sum", "get-sum", { a: 2, b: 3 }),
    step("structured", "get-structured-content", { location: "Chicago" }),
    step("image", "get-tiny-image"),
    step("links", "get-resource-links", { count: 2 }),
    step("blob", "get-resource-reference", { resourceType: "Blob", resourceId: 1 }),
    step("long", "trigger-long-running-operation", { duration: 0.4, steps: 4 }),
    step("chained", "everything.echo", { message: "then {{echo}}" }),
  ];
  const { outputs } = await run(name, { everything: server }, steps);
  assert.equal(outputs.echo, "Echo: good day");
  assert.equal(outputs.sum, "The sum of 2 and 3 is 5.");
  assert.equal(typeof outputs.structured.temperature, "number");
  const image = outputs.image.find((content) => content.file);
  assert.equal(image.mime_type, "image/png");
  const kept = readFileSync(image.file);
  assert.equal(kept.length, image.size);
  assert.equal(kept.subarray(1, 4).toString(), "PNG");
  assert.equal(outputs.links.filter((content) => content.uri?.startsWith("demo://")).length, 2);
  assert.match(outputs.blob.find((content) => content.file).uri, /blob\/1$/);
  assert.match(outputs.long, /completed/);
  assert.equal(outputs.chained, "Echo: then Echo: good day");

  const bad = [step("bad", "get-sum", { a: 1, b: "x" })];
  writeFileSync(path.join(folder, "bad.json"), JSON.stringify({ mcpServers: { everything: server }, steps: bad }));
  const refused = await plandeck("run", "bad.json", "--headless", "--worker", "offline");
  assert.equal(refused.code, 2, refused.stderr);
  console.log(`server-everything, ${name}: 8 steps, an argument of the wrong type is refused before anything runs`);
}

/** Questions of server-everything in the middle of calls, and a call that it makes a task of. */
async function questions(name, server) {
  const url = "https://sign.example.net/7";
  const steps = [
    step("form", "trigger-elicitation-request"),
    step("declined", "trigger-elicitation-request"),
    step("address", "trigger-url-elicitation", { url }),
    step("first", "trigger-url-elicitation", { url: `${url}/first`, errorPath: true }),
    step("task", "simulate-research-query", { topic: "green tea" }),
    step("research", "simulate-research-query", { topic: "python", ambiguous: true }),
  ];
  const given = {
    form: '{"name": "Ada", "integer": 7, "untitledMultipleSelectEnum": ["Bass"]}',
    declined: "decline",
    address: "{}",
    first: "{}",
    research: '{"interpretation": "snake"}',
  };
  const answers = Object.entries(given).flatMap(([id, answer]) => ["--answer", `${id}=${answer}`]);
  // The server does not say to which call a question belongs, so the calls are made one after the other.
  const { outputs, stderr } = await run(`questions-${name}`, { everything: server }, steps, 0, [...answers, "--max-concurrent", "1"]);
  const text = (id) => JSON.stringify(outputs[id]);
  assert.match(text("form"), /Name: Ada.*Favorite Integer: 7/);
  assert.match(text("form"), /Bass/);
  assert.match(text("declined"), /User declined/);
  assert.match(text("address"), /User completed the URL elicitation flow/);
  assert.match(text("first"), /User completed the URL elicitation flow/);
  assert.match(text("task"), /Research Report: green tea/);
  assert.match(text("research"), /Research Report: python \(snake\)/);
  assert.match(stderr, /asks +form: Please provide inputs/);
  assert.match(stderr, /first: Open this link to satisfy the prerequisite/);

  const alone = [step("form", "trigger-elicitation-request")];
  const wrong = await run("wrong", { everything: server }, alone, 1, ["--answer", 'form={"name": "Ada", "integer": 700}']);
  assert.match(wrong.errors.form.message, /is not what is asked for.*700/s);
  const silent = await run("silent", { everything: server }, alone, 1);
  assert.match(silent.errors.form.message, /asks "Please provide inputs.*--answer STEP=JSON/s);
  console.log(`server-everything, ${name}: forms and addresses are answered, a task asks and goes on, nobody who answers is an error`);
}

/** Such a server is not started without trust, and what it would be is said. */
async function untrusted() {
  const server = started(everything, "stdio");
  writeFileSync(path.join(folder, "own.json"), JSON.stringify({ mcpServers: { everything: server }, steps: [step("form", "trigger-elicitation-request")] }));
  const refused = await plandeckWith({ PLANDECK_TRUST: "" }, ["run", "own.json", "--headless", "--worker", "offline", "--answer", "form=decline"]);
  assert.equal(refused.code, 2, refused.stderr);
  assert.match(refused.stderr, /everything/);
  assert.match(refused.stderr, /--trust/);
  console.log("server-everything: without trust it is not started, with an answer at hand too");
}

/** A free port of this machine. */
function port() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function overHttp() {
  const free = await port();
  const env = { ...process.env, PORT: String(free) };
  const child = spawn(process.execPath, [everything, "streamableHttp"], { env, stdio: "ignore" });
  children.push(child);
  const url = `http://127.0.0.1:${free}/mcp`;
  const began = Date.now();
  for (;;) {
    try {
      await fetch(url);
      break;
    } catch (error) {
      if (Date.now() - began > PATIENCE) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  await ask("http", { url });
  await questions("http", { url });
  const gone = new Promise((resolve) => child.on("close", resolve));
  child.kill("SIGKILL");
  await gone;
  const tools = { echo: { type: "mcp" } };
  writeFileSync(path.join(folder, "gone.json"), JSON.stringify({ mcpServers: { everything: { url } }, tools, steps: [step("lost", "echo", { message: "x" })] }));
  const { code, value } = await json("run", "gone.json", "--headless", "--json", "--worker", "offline");
  assert.equal(code, 1);
  assert.match(value.steps[0].error.message, /the MCP server "everything" cannot be reached/);
  console.log("server-everything, http: a server that is gone is named");
}

async function files() {
  const data = path.join(folder, "data");
  execFileSync("mkdir", ["-p", data]);
  const servers = { files: { ...started(filesystem, data) } };
  const steps = [
    step("write", "write_file", { path: path.join(data, "a.txt"), content: "first\nsecond\n" }),
    step("list", "list_directory", { path: data }, { depends_on: ["write"] }),
    step("head", "read_text_file", { path: path.join(data, "a.txt"), head: 1 }, { depends_on: ["write"] }),
    step("outside", "read_text_file", { path: "/etc/hostname" }, { retry_policy: { retries: 1 } }),
  ];
  const { outputs, errors } = await run("files", servers, steps, 1);
  assert.deepEqual(readdirSync(data), ["a.txt"]);
  assert.match(outputs.list.content ?? outputs.list, /\[FILE\] a\.txt/);
  assert.match(outputs.head.content ?? outputs.head, /^first/);
  assert.match(errors.outside.message, /"read_text_file" of the MCP server "files" failed: Access denied/);
  console.log("server-filesystem: files are written and read, and what it refuses is the error of its step alone");
}

async function time() {
  const steps = [
    step("now", "get_current_time", { timezone: "Europe/Zurich" }),
    step("there", "convert_time", { source_timezone: "Europe/Zurich", time: "12:00", target_timezone: "Asia/Tokyo" }),
    step("never", "convert_time", { source_timezone: "UTC", time: "99:99", target_timezone: "UTC" }, { retry_policy: { retries: 1 } }),
  ];
  const { outputs, errors } = await run("time", { clock: python("mcp-server-time") }, steps, 1);
  assert.equal(outputs.now.timezone, "Europe/Zurich");
  assert.match(outputs.there.target.datetime, /T(19|20):00:00/);
  assert.match(errors.never.message, /"convert_time" of the MCP server "clock" failed/);
  console.log("mcp-server-time: times are told and converted");
}

async function git() {
  const repository = path.join(folder, "repository");
  const git = (...args) => execFileSync("git", ["-C", repository, "-c", "user.name=a", "-c", "user.email=a@example.net", ...args]);
  execFileSync("git", ["init", "--quiet", repository]);
  writeFileSync(path.join(repository, "a.txt"), "one\n");
  git("add", "a.txt");
  git("commit", "--quiet", "-m", "the first of all");
  writeFileSync(path.join(repository, "b.txt"), "two\n");
  const steps = [
    step("status", "git_status", { repo_path: repository }),
    step("log", "git_log", { repo_path: repository, max_count: 1 }),
    step("add", "git_add", { repo_path: repository, files: ["b.txt"] }, { depends_on: ["status"] }),
    step("staged", "git_diff_staged", { repo_path: repository }, { depends_on: ["add"] }),
  ];
  const { outputs } = await run("git", { git: python("mcp-server-git") }, steps);
  const text = (output) => JSON.stringify(output);
  assert.match(text(outputs.status), /b\.txt/);
  assert.match(text(outputs.log), /the first of all/);
  assert.match(text(outputs.staged), /\+two/);
  console.log("mcp-server-git: status, log, add and diff");
}

/** Lists and calls tools without a plan, of several servers in `.mcp.json`. */
async function tools() {
  const servers = { clock: python("mcp-server-time"), everything: started(everything, "stdio") };
  writeFileSync(path.join(folder, ".mcp.json"), JSON.stringify({ mcpServers: servers }));
  const { value } = await json("tools", "--json");
  const of = (source) => value.filter((tool) => tool.source === source).map((tool) => tool.name);
  assert.ok(of("mcp:clock").includes("convert_time"));
  assert.ok(of("mcp:everything").includes("echo"));
  assert.ok(of("built-in").includes("code_exec"));
  const called = await json("tools", "call", "everything.get-sum", '{"a": 20, "b": 22}');
  assert.deepEqual([called.code, called.value], [0, "The sum of 20 and 22 is 42."]);
  const unknown = await plandeck("tools", "call", "get-sun", "{}");
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /did you mean `get-sum`\?/);
  rmSync(path.join(folder, ".mcp.json"));
  console.log("plandeck tools: tools of two servers are listed with their source, and one is called");
}

try {
  await ask("stdio", started(everything, "stdio"));
  await questions("stdio", started(everything, "stdio"));
  await untrusted();
  await overHttp();
  await files();
  await time();
  await git();
  await tools();
} finally {
  children.forEach((child) => child.kill("SIGKILL"));
  rmSync(folder, { recursive: true, force: true });
}
