// Has a plan written by a model API server that this project did not write, with a catalog of 200 tools: an answer that
// invents a tool is corrected, the plan runs, and what was billed is counted. A request that is slowed down is repeated;
// the budget holds.
//
// usage: node planner.mjs PROGRAM NODE_MODULES

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { inFolder, journal, plandeck, server, slowDown } from "./counterpart.mjs";

const USAGE = { prompt_tokens: 2000, completion_tokens: 150, total_tokens: 2150 };
// Dollars of gpt-4o for that.
const PRICE = (2000 * 2.5 + 150 * 10) / 1e6;

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
const plan = (tool) => JSON.stringify({
  name: "first",
  steps: [
    { id: "sorted", tool: "sort_names", parameters: { names: "{{names}}" }, depends_on: [] },
    { id: "first", tool, parameters: { names: "{{steps[sorted].output.names}}" }, depends_on: ["sorted"] },
  ],
});

/** Plans, and runs if asked to. */
function run(folder, task, ...more) {
  const args = ["plan", task, "--tools", "catalog.json", "-c", 'names=["Zoe","Ada"]', "--planner", "openai/gpt-4o", "--json", ...more];
  return plandeck(args, { cwd: folder, variables: { PLANDECK_HOME: path.join(folder, "home") } });
}

const mock = server();
mock.on({ userMessage: "not a valid plan" }, { content: plan("first_name"), usage: USAGE });
mock.on({ userMessage: "Task: Take the first" }, { content: plan("first_nmae"), usage: USAGE });
mock.on({ userMessage: "Task: Slowly", sequenceIndex: 0 }, slowDown(1));
mock.on({ userMessage: "Task: Slowly", sequenceIndex: 1 }, { content: plan("first_name"), usage: USAGE });
await mock.start();
await inFolder("planner", async (folder) => {
  writeFileSync(path.join(folder, "catalog.json"), JSON.stringify({ tools }));
  const server = ["--base-url", `${mock.url}/v1`];
  const { code, result: made, stderr } = await run(folder, "Take the first of the sorted names", ...server, "--run", "--worker", "offline");
  assert.equal(code, 0, stderr);
  assert.equal(made.run.result, "Ada");
  assert.equal(made.attempts, 2);
  assert.equal(made.corrections[0].diagnostics[0].code, "unknown_tool");
  assert.equal(Math.round(made.cost * 1e9), Math.round(2 * PRICE * 1e9));
  assert.match(stderr, /200 tools/);

  const slow = await run(folder, "Slowly take the first name", ...server);
  assert.equal(slow.code, 0, slow.stderr);
  assert.equal(slow.result.attempts, 2);

  const asked = await journal(mock, "/v1/chat/completions");
  assert.equal(asked.length, 4);
  const prompt = JSON.stringify(asked[0].body.messages);
  assert.ok(prompt.includes("sort_names") && prompt.includes("first_name"));
  assert.ok(prompt.split("stamp_").length < 25, "the catalog was not narrowed");
  assert.ok(!prompt.includes("Zoe"), "a context value was sent");
  assert.equal(asked[0].body.response_format.type, "json_schema");

  const poor = await run(folder, "Take the first of the sorted names", ...server, "--max-planning-cost-usd", "0.001");
  assert.equal(poor.code, 3, poor.stderr);
  assert.equal(poor.result.cost, 0);
  console.log(`a plan with a catalog of 200 tools: ${made.attempts} requests, $${made.cost}, run: ${made.run.result}`);
}).finally(() => mock.stop());
