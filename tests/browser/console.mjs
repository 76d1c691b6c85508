// Looks at the pages of a local Looker in a browser, and tells in one line of JSON what it saw.
// Standard input is a JSON object: `base_url`, `browser`, `signed_url`, `shots` (the folder for pictures).

import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const { base_url, browser: program, signed_url, shots } = JSON.parse(readFileSync(0, "utf8"));
const patience = 30_000;
const told = { strayed: [], complaints: [] };

const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox", "--disable-gpu"] });

// A page that notes whatever goes elsewhere and whatever the browser complains of.
async function open(options) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(base_url) && !url.startsWith("data:")) told.strayed.push(url);
  });
  page.on("console", (message) => message.type() === "error" && told.complaints.push(message.text()));
  page.on("pageerror", (error) => told.complaints.push(String(error)));
  page.on("dialog", (dialog) => told.complaints.push(`a dialog: ${dialog.message()}`));
  return page;
}

const shown = (page) => page.locator("#users summary .who").allTextContents();
const shoot = (page, name) => page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
const fits = (page) => page.evaluate(() => document.scrollingElement.scrollWidth <= window.innerWidth);

const desk = await open({ viewport: { width: 1280, height: 900 } });
await desk.goto(base_url);
told.title = await desk.title();
told.users = await shown(desk);
told.requests = await desk.locator("#requests tbody tr").count();

const first = desk.locator("#users details").first();
await first.locator("summary").click();
told.grants = await first.locator("dd").allTextContents();
await shoot(desk, "desktop");

// A fault that is set while the page is open appears by itself, and what was open stays open.
const fault = JSON.stringify("login:503:skip=99");
await desk.request.post(`${base_url}/__emulator/faults`, { data: fault, headers: { "content-type": "application/json" } });
await desk.locator("#faults").waitFor();
told.fault = await desk.locator("#faults li").textContent();
told.still_open = await desk.locator("#users details[open]").count();
await desk.request.delete(`${base_url}/__emulator/faults`);
await desk.locator("#faults").waitFor({ state: "detached" });

await desk.locator("input[name=q]").fill("ACME 42/ä");
await desk.locator("#users details").nth(1).waitFor({ state: "detached" });
told.filtered = await shown(desk);
told.address = new URL(desk.url()).search;
await desk.locator("input[name=q]").fill("nobody at all");
await desk.locator("#users > p.none").waitFor();
told.nobody = await shown(desk);

const dark = await open({ viewport: { width: 1280, height: 900 }, colorScheme: "dark" });
await dark.goto(`${base_url}/?q=acme-42`);
told.dark = await dark.evaluate(() => getComputedStyle(document.body).backgroundColor);
await shoot(dark, "desktop-dark");

const phone = await open({ viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true });
await phone.goto(base_url);
await phone.locator("#users summary").first().tap();
told.phone_fits = await fits(phone);
await shoot(phone, "phone");

const plain = await open({ viewport: { width: 1280, height: 900 }, javaScriptEnabled: false });
await plain.goto(base_url);
await plain.locator("input[name=q]").fill("acme 42/ä");
await plain.locator("button").click();
told.without_script = await shown(plain);

const embedded = await open({ viewport: { width: 900, height: 700 } });
await embedded.goto(signed_url);
told.embedded_path = new URL(embedded.url()).pathname;
told.embedded = await embedded.locator("h1").textContent();
await shoot(embedded, "embedded");
await embedded.context().clearCookies();
const refused = await embedded.reload();
told.refused = refused.status();

await browser.close();
// The page that is refused is a complaint of the browser's, too.
told.complaints = told.complaints.filter((text) => !text.includes("401"));
console.log(JSON.stringify(told));
