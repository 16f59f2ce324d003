// An operator's day with the page, in Chromium: page_test.sh.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";

import { base, inspect, launch, login, open } from "./browser.mjs";

const work = process.env.SKINK_PAGE_WORK;
const token = (scope) => fs.readFileSync(path.join(work, `${scope}.token`), "utf8").trim();
const pictures = process.env.SKINK_SCREENSHOTS;
const troubles = [];

function step(text) {
  console.log(text);
}

/// Until `look()` gives something.
async function until(what, look, ms = 20000) {
  for (const end = Date.now() + ms; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`not within ${ms / 1000} s: ${what}`);
}

const go = (page, hash) => page.evaluate((to) => (location.hash = to), hash);
const numberIn = async (locator) => Number(/[\d,]+/.exec(await locator.innerText())[0].replaceAll(",", ""));

async function checkHeaders() {
  for (const file of ["/", "/assets/app.js", "/help.html"]) {
    const answer = await fetch(base + file);
    assert.equal(answer.status, 200, file);
    const policy = answer.headers.get("Content-Security-Policy");
    assert.match(policy, /default-src 'self'/);
    assert.doesNotMatch(policy, /unsafe|\*|https?:/, "the policy is strict");
    assert.equal(answer.headers.get("X-Content-Type-Options"), "nosniff");
    assert.equal(answer.headers.get("Referrer-Policy"), "no-referrer");
    assert.equal(answer.headers.get("Content-Encoding"), "gzip");
    const again = await fetch(base + file, { headers: { "If-None-Match": answer.headers.get("ETag") } });
    assert.equal(again.status, 304, file);
  }
}

async function checkLogin(page) {
  await page.getByLabel("Token").waitFor();
  await inspect(page, "login", troubles);
  await page.getByLabel("Token").fill("skink_wrong");
  await page.keyboard.press("Enter");
  await page.getByText("This token is not valid").waitFor();
  await until("the browser notes the refusal", () => troubles.length > 0);
  assert.match(troubles.splice(0).join("\n"), /^console: Failed to load resource.*401 \(Unauthorized\)$/);
  await login(page, token("admin"));
  const kept = await page.evaluate(() => [Object.keys(localStorage), Object.keys(sessionStorage)]);
  assert.deepEqual(kept, [[], ["skink.token"]], "the token is kept for this tab only");
  await page.reload();
  await page.getByText("page-admin (admin)").waitFor();
  assert.equal(await page.locator(".brand .fleet").innerText(), "demo");
}

const kOrder = "fleet.devices = 12\nfleet.held_out = 4\nmeta.cohort = 4\nmeta.rounds = 100000\nevaluation.every = 50\nevaluation.tasks = 8\nfleet.deadline_ms = 5000";

/// Sends the form; whether the order is taken is looked at by the caller.
async function sendOrder(page, overrides) {
  await go(page, "#/runs");
  await page.getByRole("button", { name: "Queue a run" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Experiment file").setInputFiles(process.env.SKINK_EXPERIMENT);
  await until("the file is read", async () => (await form.getByLabel("Experiment", { exact: true }).inputValue()).includes("sine"));
  await form.getByLabel("Overrides").fill(overrides);
  await inspect(page, "queue a run", troubles);
  await form.getByRole("button", { name: "Queue it" }).click();
  return form;
}

async function checkRefusedOrder(page) {
  await until("the devices are there", async () => (await numberIn(page.locator(".now .count"))) === 12);
  const form = await sendOrder(page, "meta.cohort = 0");
  await form.getByRole("link", { name: "invalid-run" }).waitFor();
  await form.getByText(/cohort/).first().waitFor();
  await until("the browser notes the refusal", () => troubles.length > 0);
  assert.match(troubles.splice(0).join("\n"), /^console: Failed to load resource.*422 /);
  await form.getByRole("button", { name: "Cancel" }).click();
}

async function checkLive(page) {
  await sendOrder(page, kOrder);
  await page.getByRole("heading", { name: /^Run 1/ }).waitFor();
  await page.evaluate(() => (window.notReloaded = true));
  const header = page.locator('[data-counter="rounds"]');
  await header.waitFor();
  const before = await numberIn(header);
  await until("a round arrives in the header", async () => (await numberIn(header)) > before);
  const counter = page.locator('[data-counter="run-rounds"]');
  const seen = await numberIn(counter);
  await until("a round arrives in the view", async () => (await numberIn(counter)) > seen);
  await page.getByRole("img", { name: /^loss over \d+ evaluations/ }).waitFor();
  await page.getByRole("img", { name: /^Gain of 4 devices/ }).waitFor();
  await page.getByRole("heading", { name: /^Up .*float32/ }).waitFor();
  const slider = page.getByRole("slider", { name: "Round" });
  const latest = Number(await slider.getAttribute("aria-valuenow"));
  await until("the timeline follows", async () => Number(await slider.getAttribute("aria-valuenow")) > latest);
  await slider.focus();
  // A round may have left the coordinator's memory before it is asked for, where rounds take a few milliseconds.
  await until("a chosen round is shown", async () => {
    await page.keyboard.press("End");
    await page.keyboard.press("ArrowLeft");
    const chosen = Number(await slider.getAttribute("aria-valuenow"));
    const shown = page.getByText(`Round ${chosen.toLocaleString("en")}: 4 places`);
    return shown.waitFor({ timeout: 3000 }).then(() => true, () => false);
  });
  assert.ok(await page.evaluate(() => window.notReloaded), "nothing was loaded again");
}

/// The next answer to a GET of `path` is made when it is asked for, and comes when `release` is called.
async function holdNext(page, path) {
  let release;
  const released = new Promise((resolve) => (release = resolve));
  await page.route((url) => url.pathname === path, async (route) => {
    const response = await route.fetch();
    await released;
    await route.fulfill({ response });
  }, { times: 1 });
  return release;
}

async function checkControls(page) {
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await page.getByRole("heading", { name: /paused/ }).waitFor();
  await page.getByText("Resume it when it shall go on").waitFor();
  const counter = page.locator('[data-counter="rounds"]');
  const stood = await numberIn(counter);
  await new Promise((resolve) => setTimeout(resolve, 700));
  assert.equal(await numberIn(counter), stood, "a paused run goes on");
  await inspect(page, "a paused run", troubles);
  const release = await holdNext(page, "/api/v1/runs/1");
  await page.getByRole("button", { name: "Resume", exact: true }).click();
  await until("it goes on", async () => (await numberIn(counter)) > stood);
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Stop" }).click();
  // What the page had asked before it was stopped says that it runs, and comes last.
  await page.getByText("no run is open").waitFor();
  await new Promise((resolve) => setTimeout(resolve, 700)); // what it is told, it asks about a moment later
  release();
  await page.getByRole("heading", { name: /stopped/ }).waitFor();
}

async function checkSchedules(page) {
  await go(page, "#/runs");
  await page.getByText("There is none. “Queue a run” makes one").waitFor();
  await page.getByRole("button", { name: "Queue a run" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel("Experiment file").setInputFiles(process.env.SKINK_EXPERIMENT);
  await until("the file is read", async () => (await form.getByLabel("Experiment", { exact: true }).inputValue()).includes("sine"));
  await form.getByText("Again and again").click();
  await form.getByLabel("Every so many seconds").fill("86400");
  await form.getByLabel("Begins with the latest it has learned").check();
  await inspect(page, "a schedule", troubles);
  await form.getByRole("button", { name: "Queue it" }).click();
  const card = page.locator(".schedules");
  await card.getByText("every 24 h 0 min").waitFor();
  await card.getByText("its latest model").waitFor();
  await card.getByRole("button", { name: "Pause schedule 1" }).click();
  await card.getByText("paused").waitFor();
  await card.getByRole("button", { name: "Resume schedule 1" }).click();
  await card.getByRole("button", { name: "Pause schedule 1" }).waitFor();
  await card.getByRole("button", { name: "Remove schedule 1" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove it" }).click();
  await page.getByText("There is none. “Queue a run” makes one").waitFor();
  assert.equal(await page.getByRole("link", { name: "run 2", exact: true }).count(), 0, "a schedule for tomorrow queues nothing today");
}

async function checkModels(page) {
  await go(page, "#/models");
  const waiting = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export model 1" }).click();
  const download = await waiting;
  assert.equal(download.suggestedFilename(), "model-1.skm");
  assert.ok(fs.statSync(await download.path()).size > 1000);
  await page.getByRole("button", { name: "Release model 1" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Release it" }).click();
  await page.getByText("12 of 12").waitFor({ timeout: 30000 }); // who was evaluating when the run was stopped waits for its deadline
}

async function checkDevices(page) {
  await go(page, "#/fleet");
  const grid = page.getByRole("application", { name: /^Devices/ });
  await grid.focus();
  await page.keyboard.press("ArrowRight");
  await page.getByText(/^device-001: online/).waitFor();
  await page.getByLabel("Filter", { exact: true }).fill("state:online 00");
  await page.getByText("10 of 12 devices").waitFor();
  await page.getByRole("button", { name: "table" }).click();
  await page.getByRole("link", { name: "device-003" }).click();
  await page.getByLabel("Group").fill("hall");
  await page.getByLabel("Labels").fill("floor=1 side=left");
  await page.getByLabel("Note").fill("<b>by the door</b>");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  await page.reload();
  await until("what was saved is there", async () => (await page.getByLabel("Note").inputValue()) === "<b>by the door</b>");
  assert.equal(await page.getByLabel("Labels").inputValue(), "floor=1 side=left");
  await page.getByRole("button", { name: "Revoke …" }).click();
  const form = page.getByRole("dialog");
  await form.getByLabel(/^Type device-003/).fill("device-004");
  await form.getByRole("button", { name: "Revoke it" }).click();
  await form.getByText("Type exactly device-003.").waitFor();
  await inspect(page, "revoke", troubles);
  await form.getByLabel(/^Type device-003/).fill("device-003");
  await form.getByRole("button", { name: "Revoke it" }).click();
  await page.getByText("It is revoked, for good").waitFor();
  assert.match(fs.readFileSync(process.env.SKINK_REVOKED, "utf8"), /^device-003 {2}# /m);
  await go(page, "#/events");
  await page.getByRole("link", { name: "device.revoked" }).first().click();
  await page.waitForURL(/help\.html#device\.revoked$/);
  assert.ok(await page.locator("#device\\.revoked").isVisible());
}

/// An id that was mistyped once stands among the missing until it is forgotten; one that is online cannot be.
async function checkForget(page) {
  const described = await fetch(`${base}/api/v1/devices/pump-99`, {
    method: "PATCH", headers: { Authorization: `Bearer ${token("admin")}`, "Content-Type": "application/json" }, body: JSON.stringify({ note: "mistyped" }),
  });
  assert.ok(described.ok, `${described.status}`);
  await page.goto(`${base}/#/devices/device-001`); // back from the help
  const online = page.getByRole("button", { name: "Forget …" });
  await online.waitFor();
  assert.equal(await online.getAttribute("title"), "It is online.");
  await go(page, "#/devices/pump-99");
  await page.getByRole("button", { name: "Forget …" }).click();
  await inspect(page, "forget", troubles);
  await page.getByRole("button", { name: "Forget it" }).click();
  await page.waitForURL(/#\/fleet$/);
  const gone = await fetch(`${base}/api/v1/devices/pump-99`, { headers: { Authorization: `Bearer ${token("admin")}` } });
  assert.equal(gone.status, 404);
}

async function checkReader(browser) {
  const page = await open(browser, troubles);
  await login(page, token("read"));
  for (const [hash, name] of [["#/runs", "Queue a run"], ["#/models", "Release model 1"], ["#/access", "Add a token"], ["#/devices/device-001", "Revoke …"]]) {
    await go(page, hash);
    const refused = page.getByRole("button", { name });
    await refused.waitFor();
    assert.equal(await refused.getAttribute("aria-disabled"), "true", name);
    assert.match(await refused.getAttribute("title"), /Your token has the scope “read”/);
  }
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByLabel("Token").waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  await page.context().close();
}

const kViews = { runs: "#/runs", run: "#/runs/1", fleet: "#/fleet", device: "#/devices/device-003", models: "#/models", events: "#/events", access: "#/access", nowhere: "#/nowhere", help: "/help.html" };
const kReady = { runs: "table", run: ".histogram, .lanes", fleet: "canvas", device: "form", models: ".releases table", events: "table", access: ".audit table", nowhere: "h1", help: "table" };

async function checkViews(browser) {
  for (const width of [1280, 360]) {
    for (const scheme of ["light", "dark"]) {
      const page = await open(browser, troubles, { width, scheme });
      await login(page, token("admin"));
      for (const [name, to] of Object.entries(kViews)) {
        await (to.startsWith("/") ? page.goto(base + to) : go(page, to));
        await page.locator(kReady[name]).first().waitFor();
        await until(`${name} is loaded`, async () => (await page.locator(".loading").count()) === 0);
        await inspect(page, `${name} at ${width}, ${scheme}`, troubles);
        if (pictures) await page.screenshot({ path: path.join(pictures, `${name}-${width}-${scheme}.png`), fullPage: true });
      }
      await page.context().close();
    }
  }
  step(`axe-core: ${Object.keys(kViews).length} views at 1280 and 360 px, light and dark`);
}

const browser = await launch();
try {
  await checkHeaders();
  const page = await open(browser, troubles);
  await checkLogin(page);
  step("logged in; the token is kept for the tab only");
  await checkRefusedOrder(page);
  await checkLive(page);
  step("a run was queued, and its rounds arrive without a reload");
  await checkControls(page);
  step("it was paused, resumed and stopped");
  await checkSchedules(page);
  step("a schedule was made, paused, resumed and removed");
  await checkModels(page);
  step("its model was exported, released, and confirmed by 12 devices");
  await checkDevices(page);
  step("a device was described and revoked; its event leads to what it means");
  await checkForget(page);
  step("an id that never came was forgotten");
  await checkReader(browser);
  await checkViews(browser);
  assert.deepEqual(troubles, []);
} catch (error) {
  for (const page of browser.contexts().flatMap((context) => context.pages())) {
    console.log(`at ${page.url()}:\n${(await page.locator("main").innerText()).slice(0, 1500)}`);
    if (pictures) await page.screenshot({ path: path.join(pictures, "failed.png") });
  }
  console.log(troubles.join("\n"));
  throw error;
} finally {
  await browser.close();
}
