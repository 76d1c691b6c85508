// Looks at the page of a run in a browser, and tells in one line of JSON what it saw.
// Standard input is a JSON object: `page` (its path), `browser`, `shots` (the folder for pictures).

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const { page: path, browser: program, shots } = JSON.parse(readFileSync(0, "utf8"));
const address = pathToFileURL(path).href;
const told = { strayed: [], complaints: [] };

const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox", "--disable-gpu"] });

// Shows the page, noting whatever goes elsewhere and whatever the browser complains of.
async function open(name, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on("request", (request) => request.url() !== address && told.strayed.push(request.url()));
  page.on("console", (message) => told.complaints.push(message.text()));
  page.on("pageerror", (error) => told.complaints.push(String(error)));
  page.on("dialog", (dialog) => told.complaints.push(`a dialog: ${dialog.message()}`));
  await page.goto(address);
  await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
  return page;
}

const texts = async (page, places) => (await page.locator(places).allInnerTexts()).map((text) => text.replace(/\s+/g, " ").trim());
const fits = (page) => page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);
// The smallest letters that are seen.
const letters = (page) =>
  page.evaluate(() => {
    const seen = [...document.querySelectorAll("body *")].filter((element) => element.innerText?.trim());
    return Math.min(...seen.map((element) => parseFloat(getComputedStyle(element).fontSize)));
  });

const wide = await open("wide", { viewport: { width: 1280, height: 900 } });
told.title = await wide.title();
told.headings = await texts(wide, "h2");
const names = await texts(wide, "dl dt");
const values = await texts(wide, "dl dd");
told.tiles = Object.fromEntries(names.map((name, at) => [name, values[at]]));
told.stopped = await texts(wide, ".stopped");
told.lines = await wide.locator("#throughput polyline").evaluateAll((lines) =>
  lines.map((line) => line.getBoundingClientRect().width));
told.failures_in_time = await wide.locator("#throughput svg rect").count();
told.operations = await texts(wide, "#latencies tbody td:first-child");
// Bars are as long as what they stand for.
told.bars = await wide.locator("#latencies tbody tr:first-child .bar i").evaluateAll((bars) =>
  bars.map((bar) => bar.getBoundingClientRect().width));
told.causes = await texts(wide, "#causes tbody tr");
told.failed_by_cause = await texts(wide, "#failed table:not(.text) tbody tr");
told.failed = await texts(wide, "#failed .text tbody td:first-child");
told.wide_fits = await fits(wide);

const narrow = await open("narrow", { viewport: { width: 400, height: 800 }, deviceScaleFactor: 2 });
told.narrow_fits = await fits(narrow);
told.letters = await letters(narrow);

const dark = await open("dark", { viewport: { width: 1280, height: 900 }, colorScheme: "dark" });
told.dark = await dark.evaluate(() => getComputedStyle(document.body).backgroundColor);

await browser.close();
console.log(JSON.stringify(told));
