// Has a task typed in the dashboard become a plan and a run in a real terminal, with models behind a server that this
// project did not write. The terminal and the keys are those of the screen tests.
//
// usage: node dashboard.mjs PROGRAM NODE_MODULES

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { journal, server } from "./counterpart.mjs";

const TEST = "terminal_planner::a_typed_task_is_planned_by_a_counterpart_and_runs";
const USAGE = { prompt_tokens: 2000, completion_tokens: 150, total_tokens: 2150 };
const plan = {
  name: "greeting",
  steps: [
    { id: "written", tool: "greet", parameters: { name: "Grace" }, depends_on: [] },
    { id: "loud", tool: "shout", parameters: { text: "{{steps[written].output.greeting}}" }, depends_on: ["written"] },
  ],
};

const mock = server();
mock.on({ userMessage: "Task: Greet Grace" }, { content: JSON.stringify(plan), usage: USAGE });
mock.on({ userMessage: "Grace" }, { content: JSON.stringify({ greeting: "Dear Grace" }), usage: USAGE });
await mock.start();
try {
  const args = ["test", "--quiet", "--test", "screen", "--", "--ignored", "--exact", TEST];
  const env = { ...process.env, PLANDECK_COUNTERPART: `${mock.url}/v1` };
  const child = spawn("cargo", args, { env, stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (said += text));
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.equal(code, 0, said);
  assert.match(said, /1 passed/);
  const asked = await journal(mock, "/v1/chat/completions");
  assert.deepEqual(asked.map(({ body }) => body.model), ["gpt-4o", "gpt-4o-mini"]);
  console.log("a task typed in the dashboard was planned and run in a terminal");
} finally {
  await mock.stop();
}
