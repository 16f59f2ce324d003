// One device: what it says of itself, what people say of it, how its evaluations went; and the way out of the fleet.

import { all, change, get } from "./api.js";
import { Curve } from "./charts.js";
import { button, bytes, card, dialog, facts, field, figure, fill, h, integer, percent, show, table, time } from "./dom.js";
import { labelsText, statePill } from "./fleet.js";
import { lacks, on, state } from "./session.js";

const kResets = ["not known", "power", "software", "watchdog", "a fault"];
const kRuns = 5; // in which its evaluations are looked for

function told(device) {
  return facts({
    State: statePill(device), "Last seen": time(device.last_seen), "First seen": time(device.first_seen), Firmware: device.firmware || "–",
    Release: device.release ? `${device.release}, uses it as: ${device.release_use}` : device.takes_releases ? "none yet" : "takes none",
    "Refused release": device.release_refused ? [`${device.release_refused.number}: `, h("a", { href: `/help.html#${device.release_refused.reason}` }, device.release_refused.reason)] : null,
    Samples: device.samples === null ? null : `${integer(device.samples)}${device.class_samples.length ? ` (by label: ${device.class_samples.join(", ")})` : ""}`,
    Arena: bytes(device.arena_bytes), "Free memory": device.free_bytes ? bytes(device.free_bytes) : "–", "Stack used": device.stack_used_bytes ? bytes(device.stack_used_bytes) : "–",
    Updates: `${integer(device.updates)} taken, ${integer(device.clipped)} of them too long; ${integer(device.misses)} deadlines missed`,
    "Length of its changes": device.length === null ? "–" : h("span", { class: device.length > 1 ? "bad-text" : "" }, `${figure(device.length, 2)} times what is taken`),
    "Last gain": device.gain === null ? "–" : figure(device.gain, 3),
    Battery: device.battery_percent === null ? "mains, or not known" : `${device.battery_percent} %`, "Last reset by": kResets[device.reset_reason] ?? integer(device.reset_reason),
  });
}

/// "floor=1 side=left" as an object.
function parseLabels(text) {
  const labels = {};
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const at = word.indexOf("=");
    if (at < 1 || at === word.length - 1) throw new Error(`“${word}”: KEY=VALUE expected, without blanks, as in floor=1.`);
    labels[word.slice(0, at)] = word.slice(at + 1);
  }
  return labels;
}

/// A label whose value has a blank cannot be written here; then only skinkctl changes labels.
function hasBlanks(labels) {
  return Object.entries(labels).some(([key, value]) => /\s/.test(key + value));
}

/// `said` outlives the form, which is made anew when the device has changed.
function description(device, reload, said) {
  const refused = lacks("operate");
  const group = h("input", { name: "group", maxlength: "64", value: device.group ?? "", readonly: Boolean(refused) });
  const isFixed = hasBlanks(device.labels);
  const labels = h("input", { name: "labels", value: labelsText(device.labels), readonly: Boolean(refused) || isFixed, spellcheck: "false" });
  const note = h("textarea", { name: "note", rows: "3", maxlength: "1000", value: device.note, readonly: Boolean(refused) });
  const save = button("Save", null, { refused, kind: "primary" });
  if (!refused) save.type = "submit";
  return h("form", { class: "form", onsubmit: async (event) => {
    event.preventDefault();
    if (refused) return;
    try {
      const body = { group: group.value.trim(), note: note.value };
      if (!isFixed) body.labels = parseLabels(labels.value);
      await change("PATCH", `/api/v1/devices/${encodeURIComponent(device.id)}`, body);
      said.textContent = "Saved.";
      said.className = "note";
      reload();
      setTimeout(() => said.textContent === "Saved." && (said.textContent = ""), 5000);
    } catch (problem) {
      said.textContent = problem.message;
      said.className = "failure";
    }
  } }, field("Group", group), field("Labels", labels, isFixed ? "A value has a blank: skinkctl devices label changes them." : "KEY=VALUE, with blanks between them."), field("Note", note), h("div", { class: "buttons" }, save, said));
}

function exits(device, reload) {
  const path = `/api/v1/devices/${encodeURIComponent(device.id)}`;
  const exclude = async () => {
    await change("PATCH", path, { excluded: !device.excluded });
    reload();
  };
  const revoke = () => dialog(`Revoke ${device.id}?`, {
    confirm: "Revoke it", kind: "danger",
    body: h("div", null, h("p", null, "It is put out of the fleet for good: whatever it sends is ignored, and there is no way back. Its certificate stays valid at the broker until “skinkctl device revoke” has put it on the authority's list as well."),
      field(`Type ${device.id} to confirm`, h("input", { name: "confirmation", autocomplete: "off", spellcheck: "false", required: true }))),
    work: async (data) => {
      if (data.get("confirmation").trim() !== device.id) throw new Error(`Type exactly ${device.id}.`);
      await change("POST", `${path}:revoke`);
      reload();
    },
  });
  const forget = () => dialog(`Forget ${device.id}?`, {
    confirm: "Forget it",
    body: h("p", null, "For a device that is gone for good, or an id that never came: nothing is known of it any more, and nobody waits for it. Heard again, it is new. Whoever has its keys can come back: revoke it if that must not be."),
    work: async () => {
      await change("DELETE", path);
      location.hash = "#/fleet";
    },
  });
  const noList = state.session.revokes ? "" : "The service has no list of revoked ids: name one as [fleet] revoked in its configuration.";
  if (device.revoked) return h("p", null, "It is revoked, for good: nobody listens to it, and no run takes it. Is its certificate revoked at the broker too? “skinkctl device revoke” does that.");
  return [
    h("p", null, device.excluded ? "No run takes it." : "Runs may take it."),
    button(device.excluded ? "Include it again" : "Exclude from runs", () => dialog(device.excluded ? `Include ${device.id}?` : `Exclude ${device.id}?`, { confirm: device.excluded ? "Include" : "Exclude", body: h("p", null, device.excluded ? "Runs may take it again." : "No run takes it from now on, until it is included again."), work: exclude }), { refused: lacks("operate") }),
    h("p", null, "Whoever has its keys can act as this device, until it is revoked."),
    button("Revoke …", revoke, { refused: lacks("operate") || noList, kind: "danger" }),
    h("p", null, "A device that is gone for good need not be waited for."),
    button("Forget …", forget, { refused: lacks("operate") || (device.online ? "It is online." : "") }),
  ];
}

async function history(id, signal) {
  const runs = (await all("/api/v1/runs", { signal })).reverse().filter((run) => run.begun);
  const reports = [];
  for (const run of runs.slice(0, kRuns)) {
    const items = await all(`/api/v1/runs/${run.number}/devices/${encodeURIComponent(id)}/evaluations`, { signal });
    reports.push(...items.map((report) => ({ ...report, run: run.number })));
  }
  if (reports.length === 0) return { content: h("p", { class: "empty" }, "It has reported in no evaluation of the last runs. Only held-out devices evaluate; the others train.") };
  const newest = reports[0].run;
  const mine = reports.filter((report) => report.run === newest && report.loss_before !== null);
  const curve = new Curve({ label: "Gain" });
  const three = (value) => (value === null ? [null, null, null] : [value, value, value]);
  const draw = () => curve.draw({
    rows: mine.map((report) => [report.rounds, three(report.loss_before), three(report.loss_after)]), labels: ["rounds", "before", "after"], colours: ["before", "after"],
    x: (x) => integer(Math.round(x)), y: (y) => figure(y, 3), xLabel: "rounds", yLabel: "loss", log: mine.every((report) => report.loss_before > 0 && report.loss_after > 0), summary: `Loss of ${id} in run ${newest}, in ${mine.length} evaluations; a table follows.` });
  const columns = [
    { name: "run", cell: (r) => h("a", { href: `#/runs/${r.run}` }, `run ${r.run}`) }, { name: "rounds", number: true, cell: (r) => integer(r.rounds) },
    { name: "loss before", number: true, cell: (r) => figure(r.loss_before) }, { name: "loss after", number: true, cell: (r) => figure(r.loss_after) },
    { name: "gain", number: true, cell: (r) => h("span", { class: r.gain < 0 ? "bad-text" : "" }, figure(r.gain, 3)) },
  ];
  if (reports.some((r) => r.accuracy_after !== null)) columns.push({ name: "accuracy", number: true, cell: (r) => `${percent(r.accuracy_before)} → ${percent(r.accuracy_after)}` });
  return { curve, draw, content: [h("p", { class: "note" }, `Loss in run ${newest} before and after it adapts; gain: the difference. Below 0, adapting hurts.`), curve.element,
    table("Its evaluations, the latest runs first", columns, reports.slice(0, 300))] };
}

export function deviceView(main, signal, id) {
  const top = h("div");
  const past = h("div");
  fill(main, h("div", { class: "title" }, h("h1", null, id), h("a", { href: "#/fleet" }, "To the fleet")), top, card("Evaluations", { wide: true, name: "history" }, past));
  const said = h("p", { role: "status", class: "note" });
  let shown = "";
  const load = async () => {
    const device = await get(`/api/v1/devices/${encodeURIComponent(id)}`, signal);
    const text = JSON.stringify(device);
    if (text === shown) return null;
    shown = text;
    return h("div", { class: "grid" }, card("What it says", { name: "told" }, told(device)), card("What you say of it", { name: "description" }, description(device, reload, said)), card("Out of the fleet", { name: "exits" }, exits(device, reload)));
  };
  const reload = async () => {
    if (top.querySelector("form")?.contains(document.activeElement) && document.activeElement.tagName !== "BUTTON") return;
    try {
      const content = await load();
      if (content && !signal.aborted) fill(top, content);
    } catch {
      // the header says what is wrong
    }
  };
  show(top, id, load, signal);
  show(past, "evaluations", async () => {
    const { content, curve, draw } = await history(id, signal);
    if (curve) {
      requestAnimationFrame(draw);
      on("theme", draw, signal);
      signal.addEventListener("abort", () => curve.destroy());
    }
    return content;
  }, signal);
  const timer = setInterval(() => document.visibilityState === "visible" && reload(), 3000);
  signal.addEventListener("abort", () => clearInterval(timer));
  on("reload", reload, signal);
}
