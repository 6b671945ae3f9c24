// Opens the pages of a run and of a batch in Chromium, offline: nothing may be asked of a network or go wrong, the pictures
// have a size, and what a reader clicks and types does what it says, on wide and narrow screens, in light and in dark.
//
// usage: node html.mjs PROGRAM NODE_MODULES

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [program, modules] = process.argv.slice(2).map((place) => path.resolve(place));
const of = (entry) => import(pathToFileURL(path.join(modules, entry)).href);
const folder = mkdtempSync(path.join(tmpdir(), "plandeck-html-"));
// The browser unpacks itself into the temporary folder.
process.env.TMPDIR = folder;
const { default: chromium } = await of("@sparticuz/chromium/build/esm/index.js");
const { default: puppeteer } = await of("puppeteer-core/lib/esm/puppeteer/puppeteer-core.js");

const SIZES = [[1280, 800], [390, 844]];
const receipt = path.resolve("sample-plans/receipt/plan.yaml");

function plandeck(...args) {
  const env = { ...process.env, PLANDECK_HOME: path.join(folder, "home"), PLANDECK_TRUST: "1" };
  return execFileSync(program, args, { env, cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}

/** The pages, by name. */
function pages() {
  plandeck("run", receipt, "--worker", "offline", "--headless");
  plandeck("export", "last", "--format", "html", "-o", "run.html");
  plandeck(...batch());
  plandeck("report", "last", "--format", "html", "-o", "batch.html");
}

/** Makes what a batch needs; gives its arguments. */
function batch() {
  writeFileSync(path.join(folder, "tools.yaml"), "tools:\n  same: {type: jq, filter: '.of'}\n");
  writeFileSync(
    path.join(folder, "plan.yaml"),
    "name: several\nsteps:\n  - {id: one, tool: same, parameters: {of: '{{context.word}}'}}\n" +
      "  - {id: two, tool: same, parameters: {of: '{{one}}'}}\n",
  );
  writeFileSync(path.join(folder, "items.jsonl"), ["a", "b", "c"].map((word) => JSON.stringify({ word })).join("\n"));
  return ["batch", "plan.yaml", "--inputs", "items.jsonl", "--headless", "-o", "out.jsonl"];
}

/** The widths and heights with which elements are drawn. */
const boxes = (page, selector) =>
  page.$$eval(selector, (found) => found.map((one) => one.getBoundingClientRect()).map(({ width, height }) => [width, height]));

async function visible(page, selector, least) {
  const found = await boxes(page, selector);
  assert.ok(found.length >= least, `${selector}: ${found.length} instead of at least ${least}`);
  for (const [width, height] of found) assert.ok(width > 0 && height > 0, `${selector}: ${width}×${height}`);
}

/** No text is drawn in the colour of its ground, and nothing makes the page wider than the screen. */
async function readable(page) {
  const found = await page.evaluate(() => {
    const ground = document.createElement("canvas").getContext("2d");
    const light = (colour) => {
      ground.clearRect(0, 0, 1, 1);
      ground.fillStyle = colour;
      ground.fillRect(0, 0, 1, 1);
      const [red, green, blue] = ground.getImageData(0, 0, 1, 1).data;
      return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
    };
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    return {
      dark,
      text: light(getComputedStyle(document.body).color),
      scheme: getComputedStyle(document.documentElement).colorScheme,
      wider: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    };
  });
  assert.equal(found.scheme, "light dark");
  assert.ok(found.dark ? found.text > 0.6 : found.text < 0.4, `text on its ground: ${JSON.stringify(found)}`);
  assert.ok(found.wider <= 0, `the page is ${found.wider} pixels wider than the screen`);
}

/** Each step opens, and shows what it was given and what it gave. */
async function run(page) {
  await visible(page, ".picture svg", 2);
  await visible(page, ".graph rect", 8);
  const steps = await page.$$("details");
  assert.ok(steps.length >= 8, `${steps.length} steps`);
  for (const step of steps) {
    const name = await step.$eval("summary code", (one) => one.textContent);
    if (!(await step.evaluate((one) => one.open))) await step.$eval("summary", (one) => one.click());
    const shown = await step.$$eval("h3", (heads) => heads.map((one) => one.textContent.trim().toLowerCase()));
    for (const part of ["input", "output"]) assert.ok(shown.some((head) => head.startsWith(part)), `${name}: ${shown}`);
    const texts = await step.$$eval("pre", (all) => all.map((one) => one.getBoundingClientRect().height * one.textContent.length));
    assert.ok(texts.length >= 2 && texts.every((size) => size > 0), `${name}: ${texts}`);
  }
  for (const step of steps) await step.evaluate((one) => (one.open = false));
  await page.type("#filter", "categor");
  const left = await page.$$eval("details", (all) => all.filter((one) => one.getBoundingClientRect().height > 0).length);
  assert.ok(left > 0 && left < steps.length, `${left} of ${steps.length} steps are left by the filter`);
  await page.$eval("#filter", (field) => { field.value = ""; field.dispatchEvent(new Event("input")); });
  // A box of the graph leads to its step.
  await page.$eval(".graph a", (link) => link.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true })));
  await page.waitForFunction(() => location.hash !== "" && document.querySelector(location.hash).open, { timeout: 5000 });
}

async function report(page) {
  await visible(page, "h1", 1);
  await visible(page, "table", 2);
  const near = await page.$$eval("tr > * + *", (cells) =>
    cells.filter((cell) => parseFloat(getComputedStyle(cell).paddingLeft) < 8).map((cell) => cell.textContent));
  assert.deepEqual(near, [], "cells that touch the one before them");
  const text = await page.$eval("body", (body) => body.innerText);
  for (const word of ["one", "two"]) assert.ok(text.includes(word), `${word} is not on the page`);
}

const browser = await puppeteer.launch({
  executablePath: await chromium.executablePath(),
  headless: "shell",
  args: chromium.args,
});
try {
  pages();
  for (const [name, check] of [["run", run], ["batch", report]]) {
    for (const [width, height] of SIZES) {
      for (const scheme of ["light", "dark"]) {
        const page = await browser.newPage();
        const wrong = [];
        page.on("console", (message) => ["error", "warning"].includes(message.type()) && wrong.push(message.text()));
        page.on("pageerror", (error) => wrong.push(error.message));
        page.on("requestfailed", (request) => wrong.push(request.url()));
        page.on("request", (request) => request.url().startsWith("file:") || wrong.push(`asks for ${request.url()}`));
        await page.setViewport({ width, height });
        await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
        await page.setOfflineMode(true);
        await page.goto(pathToFileURL(path.join(folder, `${name}.html`)).href);
        try {
          await readable(page);
          const shot = path.join(folder, `${name}-${width}-${scheme}.png`);
          await page.screenshot({ path: shot });
          assert.ok(statSync(shot).size > 1000);
          await check(page);
          assert.deepEqual(wrong, []);
        } catch (error) {
          throw new Error(`${name} at ${width}×${height}, ${scheme}: ${error.message}`, { cause: error });
        }
        await page.close();
      }
    }
  }
  console.log("the pages of a run and of a batch work in Chromium, offline");
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
