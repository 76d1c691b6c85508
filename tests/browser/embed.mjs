// Opens the page of `examples/embed` in a browser, and tells in one line of JSON what Looker's Embed SDK heard there.
// Standard input is a JSON object: `browser`, `server` (the example), `shots` (the folder for pictures).

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const { browser: program, server, shots } = JSON.parse(readFileSync(0, "utf8"));
const product = spawn("node", [server], { env: { ...process.env, PORT: "0" }, stdio: ["ignore", "pipe", "inherit"] });
const [address] = await once(product.stdout, "data");

const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox", "--disable-gpu"] });
const context = await browser.newContext({ ignoreHTTPSErrors: true });
context.setDefaultTimeout(30_000);
const page = await context.newPage();
const complaints = [];
page.on("pageerror", (error) => complaints.push(String(error)));
await page.goto(String(address).trim());
await page.locator("body[data-connected]").waitFor();
await page.locator("#events li", { hasText: "dashboard:run:complete" }).waitFor();
const events = await page.locator("#events li").allTextContents();
await page.locator("#run").click();
await page.locator("#events li", { hasText: "dashboard:run:complete" }).nth(1).waitFor();
const told = {
  type: await page.getAttribute("body", "data-connected"),
  events,
  title: await page.frameLocator("#dashboard iframe").locator("h1").textContent(),
  complaints,
};
await page.screenshot({ path: `${shots}/page.png` });
await browser.close();
product.kill();
console.log(JSON.stringify(told));
