// Opens the page of `examples/embed` in a browser, and tells in one line of JSON what Looker's Embed SDK heard there.
// Standard input is a JSON object: `browser`, `server` (the example), `shots` (the folder for pictures).

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { chromium } from "playwright-core";

const { browser: program, server, shots } = JSON.parse(readFileSync(0, "utf8"));
const product = spawn("node", [server], { env: { ...process.env, PORT: "0" }, stdio: ["ignore", "pipe", "inherit"] });
const [address] = await once(product.stdout, "data");

// Browsers keep the cookies of frames back unless they are told otherwise, which is what cookieless logins are for.
const preferences = { profile: { block_third_party_cookies: false, cookie_controls_mode: 0 } };
mkdirSync(`${shots}/profile/Default`, { recursive: true });
writeFileSync(`${shots}/profile/Default/Preferences`, JSON.stringify(preferences));
const context = await chromium.launchPersistentContext(`${shots}/profile`, {
  executablePath: program,
  args: ["--no-sandbox", "--disable-gpu"],
  ignoreHTTPSErrors: true,
});
context.setDefaultTimeout(15_000);
try {
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
    events,
    title: await page.frameLocator("#dashboard iframe").locator("h1").textContent(),
    complaints,
  };
  await page.screenshot({ path: `${shots}/page.png` });
  console.log(JSON.stringify(told));
} finally {
  await context.close();
  product.kill();
}
