// Runs the receipt plan against a model API server that this project did not write, and checks the result, the cost, what
// the server was asked, and a 429 that says when to retry. Given a LiteLLM proxy, it runs the plan through that too: the
// proxy's bill is a second opinion of the cost.
//
// usage: node model-api.mjs PROGRAM NODE_MODULES LITELLM

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { inFolder, journal, plandeck, server, slowDown, step } from "./counterpart.mjs";

const litellm = path.resolve(process.argv[4]);
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
const COST = USAGE.prompt_tokens * PRICE.prompt_tokens + USAGE.completion_tokens * PRICE.completion_tokens;

/** Runs the receipt plan without a screen. */
const run = (home, ...more) =>
  plandeck(["run", "sample-plans/receipt/plan.yaml", "--headless", "--json", "--fresh", ...more], {
    variables: { PLANDECK_HOME: home },
  });

/** A server that answers as the rules of the plan would have, and refuses the first question. */
async function serve(rules) {
  const mock = server();
  for (const [id, prompt] of Object.entries(STEPS)) {
    const output = step(rules, id).output;
    // A list or a plain value is asked for as a member of an object.
    const isObject = output !== null && typeof output === "object" && !Array.isArray(output);
    const answer = { content: JSON.stringify(isObject ? output : { output }), usage: USAGE };
    if (id === "header") {
      mock.on({ userMessage: prompt, sequenceIndex: 0 }, slowDown(2));
      mock.on({ userMessage: prompt, sequenceIndex: 1 }, answer);
    }
    mock.on({ userMessage: prompt }, answer);
  }
  await mock.start();
  return mock;
}

async function checkDirectly(home, mock, rules) {
  const worker = ["--worker", "gpt-4o-mini", "--base-url", `${mock.url}/v1`];
  const { code, result, stderr } = await run(home, ...worker, "--max-total-cost-usd", "0.10");
  assert.equal(code, 0, stderr);
  assert.deepEqual(result.result, rules.result);
  assert.equal(result.result.total, 63.81);
  assert.equal(result.worker, "openai/gpt-4o-mini");
  for (const id of Object.keys(STEPS)) {
    assert.equal(Math.round(step(result, id).cost * 1e12), COST, id);
    assert.equal(step(result, id).tokens.output, USAGE.completion_tokens);
  }
  assert.equal(Math.round(result.cost * 1e12), COST * 5);
  assert.equal(step(result, "header").attempts, 2);
  assert.equal(step(result, "items").attempts, 1);

  const asked = await journal(mock, "/v1/chat/completions");
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
}

/** A port that is free now. */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** A LiteLLM proxy in front of a server. */
async function proxy(folder, mock) {
  const port = await freePort();
  const config = path.join(folder, "litellm.json");
  const params = { model: "openai/gpt-4o-mini", api_base: `${mock.url}/v1`, api_key: "k-of-nobody" };
  writeFileSync(config, JSON.stringify({
    model_list: [{ model_name: "gpt-4o-mini", litellm_params: params }],
    litellm_settings: { include_cost_in_streaming_usage: true },
  }));
  const env = { ...process.env, LITELLM_LOCAL_MODEL_COST_MAP: "True", LITELLM_TELEMETRY: "False", NO_DOCS: "True" };
  const args = ["--config", config, "--host", "127.0.0.1", "--port", `${port}`, "--telemetry", "False"];
  const child = spawn(litellm, args, { env, cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (said += text));
  const ended = new Promise((resolve) => child.on("close", resolve));
  const url = `http://127.0.0.1:${port}`;
  const isUp = () => fetch(`${url}/health/liveliness`).then((answer) => answer.ok, () => false);
  for (let tries = 0; !(await isUp()); tries++) {
    assert.ok(child.exitCode === null && tries < 360, `the LiteLLM proxy does not start: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const stop = () => (child.kill("SIGKILL"), ended);
  return { url, stop };
}

async function checkThroughLiteLlm(home, folder, mock, rules) {
  const { url, stop } = await proxy(folder, mock);
  try {
    const events = path.join(folder, "events.jsonl");
    const worker = ["--worker", "gpt-4o-mini", "--base-url", `${url}/v1`, "--max-total-cost-usd", "0.10"];
    const { code, result, stderr } = await run(home, ...worker, "--events", events);
    assert.equal(code, 0, stderr);
    assert.deepEqual(result.result, rules.result);
    assert.equal(Math.round(result.cost * 1e12), COST * 5);
    const lines = readFileSync(events, "utf8").trim().split("\n");
    const ends = lines.map((line) => JSON.parse(line)).filter((event) => event.type === "attempt_ended" && event.tokens);
    assert.equal(ends.length, 5);
    const bills = ends.map(({ charges }) => charges.find((charge) => charge.class === "stated")?.price);
    for (const bill of bills) assert.equal(Math.round(bill * 1e12), COST, "LiteLLM bills another amount");
    console.log(`and through LiteLLM: $${result.cost}, which ${bills.length} bills of its own confirm`);
  } finally {
    await stop();
  }
}

await inFolder("model-api", async (folder) => {
  const home = path.join(folder, "home");
  const rules = await run(home, "--worker", "offline");
  assert.equal(rules.code, 0, rules.stderr);
  const mock = await serve(rules.result);
  try {
    await checkDirectly(home, mock, rules.result);
    await checkThroughLiteLlm(home, folder, mock, rules.result);
  } finally {
    await mock.stop();
  }
});
