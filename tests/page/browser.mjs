// Chromium for the test of the page: contexts that note what must not happen.

import fs from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.SKINK_PAGE_MODULES}/package.json`);
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const base = process.env.SKINK_PAGE;
const kFlags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export const launch = () => chromium.launch({ executablePath: process.env.SKINK_CHROMIUM, headless: true, args: kFlags });

/// A page whose console, errors and requests are watched; `troubles` has what was wrong.
export async function open(browser, troubles, { width = 1280, scheme = "light" } = {}) {
  const context = await browser.newContext({ viewport: { width, height: width < 600 ? 740 : 900 }, colorScheme: scheme, acceptDownloads: true });
  const page = await context.newPage();
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && troubles.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => troubles.push(`error: ${error.stack}`));
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== base && protocol !== "blob:") troubles.push(`request to ${request.url()}`);
  });
  page.setDefaultTimeout(20000);
  await page.goto(base);
  return page;
}

export async function login(page, token) {
  await page.getByLabel("Token").fill(token);
  await page.keyboard.press("Enter");
  await page.getByRole("navigation", { name: "Sections" }).waitFor();
}

/// What axe-core finds, and whether the page is wider than the screen. The script is evaluated, not inserted: the page's
/// policy forbids that.
export async function inspect(page, where, troubles) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const { violations, passes } = await globalThis.axe.run(document, { resultTypes: ["violations", "passes"] });
    const list = violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.target.join(" ")).join(" | ")}`);
    return { list, rules: passes.length, wide: document.documentElement.scrollWidth - document.documentElement.clientWidth };
  });
  if (found.rules < 5) troubles.push(`${where}: axe-core has looked at nothing`);
  for (const violation of found.list) troubles.push(`${where}: ${violation}`);
  if (found.wide > 0) troubles.push(`${where}: ${found.wide} px wider than the screen`);
}
