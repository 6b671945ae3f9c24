// Runs the receipt plan against a model API server that this project did not write, and checks the result, the cost, what
// the server was asked, and a 429 that says when to retry.
//
// usage: node model-api.mjs PROGRAM NODE_MODULES

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [program, modules] = process.argv.slice(2);
const entry = path.join(modules, "@copilotkit/aimock/dist/index.js");
const { LLMock } = await import(pathToFileURL(entry).href);

// Each step that a model runs, and how its prompt begins.
const STEPS = {
  header: "Read the head of this till receipt",
  items: "List every line of this till receipt",
  totals: "Read the sums that this till receipt",
  categorize: "Give each line a household category",
  summary: "Write two or three plain sentences",
};
// Dollars for a million tokens of gpt-4o-mini, in units in which a token costs a whole number.
const PRICE = { prompt_tokens: 150_000, completion_tokens: 600_000 };
const USAGE = { prompt_tokens: 321, completion_tokens: 57, total_tokens: 378 };

const home = mkdtempSync(path.join(tmpdir(), "plandeck-model-api-"));

/** Runs the receipt plan without a screen; gives the exit code, the result and what was said. */
function run(...more) {
  const args = ["run", "sample-plans/receipt/plan.yaml", "--headless", "--json", "--fresh", ...more];
  const env = { ...process.env, PLANDECK_HOME: home, OPENAI_API_KEY: "sk-of-nobody" };
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"], timeout: 120_000 });
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) {
    child[name].setEncoding("utf8").on("data", (text) => (said[name] += text));
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      try {
        resolve({ code, result: JSON.parse(said.stdout), stderr: said.stderr });
      } catch (error) {
        reject(new Error(`exit ${code}, and no result (${error.message}): ${said.stderr}`));
      }
    });
  });
}

const step = (result, id) => result.steps.find((row) => row.id === id);

/** A server that answers as the rules of the plan would have, and refuses the first question. */
async function server(rules) {
  const mock = new LLMock({ port: 0, host: "127.0.0.1", strict: true, logLevel: "silent" });
  for (const [id, prompt] of Object.entries(STEPS)) {
    const output = step(rules, id).output;
    // A list or a plain value is asked for as a member of an object.
    const isObject = output !== null && typeof output === "object" && !Array.isArray(output);
    const content = JSON.stringify(isObject ? output : { output });
    if (id === "header") {
      const error = { message: "slow down", type: "rate_limit_error" };
      mock.on({ userMessage: prompt, sequenceIndex: 0 }, { error, status: 429, retryAfter: 2 });
      mock.on({ userMessage: prompt, sequenceIndex: 1 }, { content, usage: USAGE });
    } else {
      mock.on({ userMessage: prompt }, { content, usage: USAGE });
    }
  }
  await mock.start();
  return mock;
}

let mock;
try {
  const rules = await run("--worker", "offline");
  assert.equal(rules.code, 0, rules.stderr);
  mock = await server(rules.result);
  const worker = ["--worker", "gpt-4o-mini", "--base-url", `${mock.url}/v1`];
  const { code, result, stderr } = await run(...worker, "--max-total-cost-usd", "0.10");
  assert.equal(code, 0, stderr);

  assert.deepEqual(result.result, rules.result.result);
  assert.equal(result.result.total, 63.81);
  assert.equal(result.worker, "openai/gpt-4o-mini");
  const price = USAGE.prompt_tokens * PRICE.prompt_tokens + USAGE.completion_tokens * PRICE.completion_tokens;
  for (const id of Object.keys(STEPS)) {
    assert.equal(Math.round(step(result, id).cost * 1e12), price, id);
    assert.equal(step(result, id).tokens.output, USAGE.completion_tokens);
  }
  assert.equal(Math.round(result.cost * 1e12), price * 5);
  assert.equal(step(result, "header").attempts, 2);
  assert.equal(step(result, "items").attempts, 1);

  const journal = await (await fetch(`${mock.url}/__aimock/journal`)).json();
  const asked = journal.filter((entry) => entry.path === "/v1/chat/completions");
  assert.equal(asked.length, 6, "five steps and one refusal");
  for (const { body } of asked) {
    assert.equal(body.model, "gpt-4o-mini");
    assert.equal(body.temperature, 0);
    assert.equal(body.response_format.type, "json_schema");
    assert.ok(body.max_tokens > 0);
  }
  const refused = asked.filter((entry) => entry.response.status === 429);
  assert.equal(refused.length, 1);
  const isAgain = ({ body, response }) =>
    response.status === 200 && JSON.stringify(body.messages).includes(STEPS.header);
  const waited = asked.find(isAgain).timestamp - refused[0].timestamp;
  assert.ok(waited >= 1900, `it came back after ${waited} ms, and was asked to wait 2 s`);
  console.log(`the receipt was read by a model: ${asked.length} requests, $${result.cost}, back after ${waited} ms`);
} finally {
  await mock?.stop();
  rmSync(home, { recursive: true, force: true });
}
