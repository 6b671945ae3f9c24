// What the checks against aimock, a model API server that this project did not write, have in common.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [program, modules] = process.argv.slice(2).map((place) => path.resolve(place));
const entry = path.join(modules, "@copilotkit/aimock/dist/index.js");
const { LLMock } = await import(pathToFileURL(entry).href);

/** A server on a free port of this machine that answers nothing yet; a request without an answer is an error. */
export function server() {
  return new LLMock({ port: 0, host: "127.0.0.1", strict: true, logLevel: "silent" });
}

/** The requests that a server was sent to a path, or to any. */
export async function journal(mock, where) {
  const entries = await (await fetch(`${mock.url}/__aimock/journal?limit=10000`)).json();
  return entries.filter((entry) => where === undefined || entry.path === where);
}

/** A folder that is removed when the work in it has ended. */
export async function inFolder(name, work) {
  const folder = mkdtempSync(path.join(tmpdir(), `plandeck-${name}-`));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the program; gives the exit code, the JSON on its standard output, and what was said. */
export function plandeck(args, { variables = {}, cwd } = {}) {
  const env = { ...process.env, PLANDECK_TRUST: "1", OPENAI_API_KEY: "sk-of-nobody", ...variables };
  const child = spawn(program, args, { env, cwd, stdio: ["ignore", "pipe", "pipe"], timeout: 120_000 });
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

/** The step of a result. */
export const step = (result, id) => result.steps.find((row) => row.id === id);

/** A refusal as OpenAI words it. */
export const slowDown = (seconds) => ({
  error: { message: "slow down", type: "rate_limit_error" },
  status: 429,
  retryAfter: seconds,
});
