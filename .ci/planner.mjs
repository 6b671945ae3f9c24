// Has a plan written by a model API server that this project did not write, with a catalog of 200 tools: an answer that
// invents a tool is corrected, the plan runs, and what was billed is counted. A request that is slowed down is repeated;
// the budget holds.
//
// usage: node planner.mjs PROGRAM NODE_MODULES

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [program, modules] = process.argv.slice(2);
const entry = path.join(modules, "@copilotkit/aimock/dist/index.js");
const { LLMock } = await import(pathToFileURL(entry).href);

const USAGE = { prompt_tokens: 2000, completion_tokens: 150, total_tokens: 2150 };
// Dollars of gpt-4o for that.
const PRICE = (2000 * 2.5 + 150 * 10) / 1e6;

const folder = mkdtempSync(path.join(tmpdir(), "plandeck-planner-"));
const tools = {
  sort_names: {
    type: "jq", filter: "{names: (.names | sort)}", description: "Sorts a list of names.",
    parameters: [{ name: "names", type: "array", required: true }],
    output_schema: { type: "object", properties: { names: { type: "array", items: { type: "string" } } } },
  },
  first_name: {
    type: "jq", filter: ".names[0]", description: "Takes the first of a list of names.",
    parameters: [{ name: "names", type: "array", required: true }], output_schema: { type: "string" },
  },
};
for (let n = 0; n < 198; n++) {
  tools[`stamp_${n}`] = { type: "jq", filter: ".", description: `Stamps parcel ${n}.` };
}
writeFileSync(path.join(folder, "catalog.json"), JSON.stringify({ tools }));

const plan = (tool) => JSON.stringify({
  name: "first",
  steps: [
    { id: "sorted", tool: "sort_names", parameters: { names: "{{names}}" }, depends_on: [] },
    { id: "first", tool, parameters: { names: "{{steps[sorted].output.names}}" }, depends_on: ["sorted"] },
  ],
});

/** Plans and runs; gives the exit code, what was printed and what was said. */
function run(task, ...more) {
  const args = ["plan", task, "--tools", "catalog.json", "-c", 'names=["Zoe","Ada"]', "--planner", "openai/gpt-4o", "--json", ...more];
  const env = { ...process.env, PLANDECK_HOME: path.join(folder, "home"), OPENAI_API_KEY: "sk-of-nobody" };
  const child = spawn(program, args, { env, cwd: folder, stdio: ["ignore", "pipe", "pipe"], timeout: 120_000 });
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) {
    child[name].setEncoding("utf8").on("data", (text) => (said[name] += text));
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      try {
        resolve({ code, made: JSON.parse(said.stdout), stderr: said.stderr });
      } catch (error) {
        reject(new Error(`exit ${code}, and no result (${error.message}): ${said.stderr}`));
      }
    });
  });
}

const mock = new LLMock({ port: 0, host: "127.0.0.1", strict: true, logLevel: "silent" });
mock.on({ userMessage: "not a valid plan" }, { content: plan("first_name"), usage: USAGE });
mock.on({ userMessage: "Task: Take the first" }, { content: plan("first_nmae"), usage: USAGE });
const error = { message: "slow down", type: "rate_limit_error" };
mock.on({ userMessage: "Task: Slowly", sequenceIndex: 0 }, { error, status: 429, retryAfter: 1 });
mock.on({ userMessage: "Task: Slowly", sequenceIndex: 1 }, { content: plan("first_name"), usage: USAGE });
await mock.start();
try {
  const server = ["--base-url", `${mock.url}/v1`];
  const { code, made, stderr } = await run("Take the first of the sorted names", ...server, "--run", "--worker", "offline");
  assert.equal(code, 0, stderr);
  assert.equal(made.run.result, "Ada");
  assert.equal(made.attempts, 2);
  assert.equal(made.corrections[0].diagnostics[0].code, "unknown_tool");
  assert.equal(Math.round(made.cost * 1e9), Math.round(2 * PRICE * 1e9));
  assert.match(stderr, /200 tools/);

  const slow = await run("Slowly take the first name", ...server);
  assert.equal(slow.code, 0, slow.stderr);
  assert.equal(slow.made.attempts, 2);

  const journal = await (await fetch(`${mock.url}/__aimock/journal`)).json();
  const asked = journal.filter((entry) => entry.path === "/v1/chat/completions");
  assert.equal(asked.length, 4);
  const prompt = JSON.stringify(asked[0].body.messages);
  assert.ok(prompt.includes("sort_names") && prompt.includes("first_name"));
  assert.ok(prompt.split("stamp_").length < 25, "the catalog was not narrowed");
  assert.ok(!prompt.includes("Zoe"), "a context value was sent");
  assert.equal(asked[0].body.response_format.type, "json_schema");

  const poor = await run("Take the first of the sorted names", ...server, "--max-planning-cost-usd", "0.001");
  assert.equal(poor.code, 3, poor.stderr);
  assert.equal(poor.made.cost, 0);
  console.log(`a plan with a catalog of 200 tools: ${made.attempts} requests, $${made.cost}, run: ${made.run.result}`);
} finally {
  await mock.stop();
  rmSync(folder, { recursive: true, force: true });
}
