// Asks a model API server that this project did not write in every format that the program speaks: an answer, a wrong key, a
// model that does not exist, a failure that passes, and a refusal that says when to come back.
//
// usage: node providers.mjs PROGRAM NODE_MODULES

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { inFolder, journal, plandeck, server, slowDown, step } from "./counterpart.mjs";

// Each format: the model that it is chosen for, what its address ends in, where requests go, and its names for tokens.
const OPENAI = { prompt_tokens: 210, completion_tokens: 40, total_tokens: 250 };
const FORMATS = {
  "chat completions": { model: "openai/gpt-4o-mini", base: "/v1", path: /^\/v1\/chat\/completions$/, usage: OPENAI },
  responses: {
    model: "openai/gpt-5-pro",
    base: "/v1",
    path: /^\/v1\/responses$/,
    usage: { input_tokens: 210, output_tokens: 40, total_tokens: 250 },
  },
  azure: { model: "azure/gpt-4o-mini", base: "", path: /^\/openai\/deployments\/gpt-4o-mini\/chat\/completions/, usage: OPENAI },
  anthropic: {
    model: "anthropic/claude-haiku-4-5",
    base: "",
    path: /^\/v1\/messages$/,
    usage: { input_tokens: 210, output_tokens: 40 },
  },
  gemini: {
    model: "gemini/gemini-2.5-flash-lite",
    base: "",
    path: /^\/v1beta\/models\/gemini-2.5-flash-lite:(streamG|g)enerateContent/,
    usage: { promptTokenCount: 210, candidatesTokenCount: 40, totalTokenCount: 250 },
  },
  ollama: { model: "ollama/llama3.2", base: "/v1", path: /^\/v1\/chat\/completions$/, usage: OPENAI },
  openrouter: {
    model: "openrouter/openai/gpt-4o-mini",
    base: "/api/v1",
    path: /^\/api\/v1\/chat\/completions$/,
    usage: { ...OPENAI, cost: 0.0009 },
  },
};
// Where the formats have the text of a part.
const PIECES = {
  chat: (event) => event.choices?.[0]?.delta?.content,
  responses: (event) => event.type === "response.output_text.delta",
  anthropic: (event) => event.delta?.text ?? event.delta?.partial_json,
  gemini: (event) => event.candidates?.[0]?.content?.parts?.[0]?.text,
};
// Long enough for more than one part of a stream.
const PLACE = "Lisbon, in the old house above the harbour, second floor, beside the baker";
const CONTENT = JSON.stringify({ place: PLACE });
const refusal = (status, message, type) => ({ error: { message, type, code: type }, status });
const KEYS = Object.fromEntries(
  ["OPENAI", "ANTHROPIC", "GEMINI", "AZURE_OPENAI", "OPENROUTER"].map((name) => [`${name}_API_KEY`, "k-of-nobody"]),
);

/** A server for one format. What it says depends on the letter that the model is asked to read. */
async function serve(format) {
  const mock = server();
  const answer = { content: CONTENT, usage: FORMATS[format].usage };
  mock.on({ userMessage: "letter of Ada" }, answer);
  mock.on({ userMessage: "letter of Ben" }, refusal(401, "the key is not known", "authentication_error"));
  mock.on({ userMessage: "letter of Cleo" }, refusal(404, "the model does not exist", "not_found_error"));
  mock.on({ userMessage: "letter of Dan", sequenceIndex: 0 }, refusal(500, "something broke", "api_error"));
  mock.on({ userMessage: "letter of Dan", sequenceIndex: 1 }, answer);
  mock.on({ userMessage: "letter of Eve", sequenceIndex: 0 }, slowDown(2));
  mock.on({ userMessage: "letter of Eve", sequenceIndex: 1 }, answer);
  await mock.start();
  return mock;
}

/** Checks that the answer of a run came in parts, and was not asked for whole after all; gives how many there were. */
async function checkStreamed(folder, format, { code, result: exchanges, stderr }) {
  assert.equal(code, 0, stderr);
  const lines = readFileSync(path.join(folder, `${format}-Ada.jsonl`), "utf8").trim().split("\n");
  const end = lines.map((line) => JSON.parse(line)).find((event) => event.type === "attempt_ended");
  assert.ok(end.first_token_ms > 0, "the answer was not streamed: its end has no first_token_ms");
  assert.ok(end.first_token_ms <= end.service_ms, "the first token came after the end");
  assert.equal(exchanges.length, 1, "a request was refused in the form of a stream");
  const [{ status, request, response }] = exchanges;
  assert.equal(status, 200);
  if (format !== "gemini") assert.equal(JSON.parse(request.body).stream, true);
  const data = response.body.split("\n").filter((line) => line.startsWith("data: {"));
  const parts = data.filter((line) => Object.values(PIECES).some((piece) => piece(JSON.parse(line.slice(6)))));
  assert.ok(parts.length > 1, `the answer came in ${parts.length} part: ${response.body}`);
  return parts.length;
}

async function check(folder, format) {
  const { model, base, path: where } = FORMATS[format];
  const mock = await serve(format);
  const started = (letter, args) =>
    plandeck(args, { cwd: folder, variables: { ...KEYS, PLANDECK_HOME: path.join(folder, `home-${format}-${letter}`) } });
  const run = (letter) =>
    started(letter, ["run", "plan.json", "-c", `letter=letter of ${letter}`, "--worker", model, "--base-url", mock.url + base, "--headless", "--json", "--fresh", "--events", `${format}-${letter}.jsonl`]);
  const asked = async (letter) => {
    const entries = await journal(mock);
    return entries.filter((entry) => JSON.stringify(entry.body).includes(`letter of ${letter}`));
  };
  try {
    const good = await run("Ada");
    assert.equal(good.code, 0, good.stderr);
    assert.deepEqual(good.result.result, { place: PLACE });
    const [first] = await asked("Ada");
    assert.match(first.path, where);
    const { tokens, cost } = step(good.result, "read");
    if (tokens?.output) assert.deepEqual([tokens.input, tokens.output], [210, 40]);
    assert.ok(typeof cost === "number", "the cost is not known");
    if (format === "openrouter") assert.equal(cost, 0.0009, "the bill counts where it is above the sum");

    const chunks = await checkStreamed(folder, format, await started("Ada", ["show", "last", "--raw", "--json"]));

    const wrongKey = await run("Ben");
    assert.equal(wrongKey.code, 1);
    const noModel = await run("Cleo");
    assert.equal(noModel.code, 1);
    for (const [{ result }, says] of [[wrongKey, /key/], [noModel, /model/]]) {
      const { message, attempts } = step(result, "read").error;
      assert.equal(attempts, 1, message);
      assert.ok(message.includes(model), `${message} does not name ${model}`);
      assert.match(message, says);
    }
    const broken = await run("Dan");
    assert.equal(broken.code, 0, broken.stderr);
    assert.equal(step(broken.result, "read").attempts, 2);

    const slow = await run("Eve");
    assert.equal(slow.code, 0, slow.stderr);
    const [refused, again] = await asked("Eve");
    const waited = again.timestamp - refused.timestamp;
    assert.equal(refused.response.status, 429);
    assert.ok(waited >= 1900, `it came back after ${waited} ms, and was asked to wait 2 s`);
    console.log(`${format}: an answer in ${chunks} parts, two refusals, a failure that passed, back after ${waited} ms`);
  } catch (error) {
    throw new Error(`${format}: ${error.message}`, { cause: error });
  } finally {
    await mock.stop();
  }
}

await inFolder("providers", async (folder) => {
  const place = { type: "object", properties: { place: { type: "string" } }, required: ["place"] };
  const tools = { read: { type: "model", description: "Reads where a letter is from.", parameters: [{ name: "letter", type: "string", required: true }], output_schema: place } };
  writeFileSync(path.join(folder, "tools.json"), JSON.stringify({ tools }));
  writeFileSync(path.join(folder, "plan.json"), JSON.stringify({ steps: [{ id: "read", tool: "read", parameters: { letter: "{{letter}}" } }] }));
  await Promise.all(Object.keys(FORMATS).map((format) => check(folder, format)));
});
