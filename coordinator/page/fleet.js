// The fleet: a cell for each device, a filter, and the same as a table.

import { all } from "./api.js";
import { button, card, choice, fill, h, integer, pill, show, table, time } from "./dom.js";
import { Grid } from "./grid.js";
import { on } from "./session.js";

const kRows = 50; // of a page of the table
const kChips = 12;
export const kStates = {
  online: { text: "online", kind: "good", about: "it answered a challenge and is there" },
  trouble: { text: "refused a release", kind: "bad", about: "online, but it refused the release that it was told to use" },
  odd: { text: "odd", kind: "warn", about: "its changes are too long again and again: is a sensor out of scale?" },
  offline: { text: "offline", kind: "idle", about: "seen before, and not there" },
  unseen: { text: "never seen", kind: "idle", about: "described by somebody, and it never came" },
  excluded: { text: "excluded", kind: "warn", about: "no run takes it" },
  revoked: { text: "revoked", kind: "bad", about: "nobody listens to it any more" },
};

export function stateOf(device) {
  if (device.revoked) return "revoked";
  if (device.excluded) return "excluded";
  if (device.online && device.release_refused && device.release_refused.number > (device.release ?? 0)) return "trouble";
  if (device.online) return device.length > 1 ? "odd" : "online";
  return device.last_seen ? "offline" : "unseen";
}

export function statePill(device) {
  const { text, kind } = kStates[stateOf(device)];
  return pill(text, kind);
}

export function labelsText(labels) {
  return Object.entries(labels).map(([key, value]) => `${key}=${value}`).join(" ");
}

/// Words that all must be in what is known of a device; "group:hall", "state:offline", "firmware:1." and "label:floor=1"
/// look at one thing.
export function matcher(text) {
  const tests = text.toLowerCase().split(/\s+/).filter(Boolean).map((word) => {
    const at = word.indexOf(":");
    const key = at > 0 ? word.slice(0, at) : "";
    const value = word.slice(at + 1);
    const parts = { id: (d) => d.id, group: (d) => d.group ?? "", firmware: (d) => d.firmware, label: (d) => labelsText(d.labels), state: (d) => kStates[stateOf(d)].text };
    if (parts[key]) return (device) => parts[key](device).toLowerCase().includes(value);
    return (device) => `${device.id} ${device.group ?? ""} ${labelsText(device.labels)} ${device.firmware} ${kStates[stateOf(device)].text}`.toLowerCase().includes(word);
  });
  return (device) => tests.every((test) => test(device));
}

const kColumns = [
  { name: "device", cell: (d) => h("a", { href: `#/devices/${encodeURIComponent(d.id)}` }, d.id) },
  { name: "state", cell: statePill },
  { name: "group", cell: (d) => d.group ?? "" },
  { name: "labels", cell: (d) => labelsText(d.labels) },
  { name: "firmware", cell: (d) => d.firmware },
  { name: "release", number: true, cell: (d) => d.release ?? "–" },
  { name: "uses", cell: (d) => d.release_use },
  { name: "missed", number: true, cell: (d) => integer(d.misses) },
  { name: "battery", number: true, cell: (d) => (d.battery_percent === null ? "–" : `${d.battery_percent} %`) },
  { name: "last seen", cell: (d) => time(d.last_seen) },
];

class FleetView {
  constructor(main, signal) {
    this.signal = signal;
    this.devices = [];
    this.page = 0;
    this.mode = "grid";
    this.order = "id";
    this.filter = h("input", { type: "search", id: "filter", placeholder: "pump state:offline group:hall", autocomplete: "off", spellcheck: "false", oninput: () => (this.page = 0, this.draw()) });
    this.count = h("p", { class: "note", role: "status" });
    this.legend = h("div", { class: "legend", role: "group", "aria-label": "Filter by one click" });
    this.host = h("div");
    this.grid = new Grid({ state: stateOf, open: (device) => (location.hash = `#/devices/${encodeURIComponent(device.id)}`),
      say: (d) => `${d.id}: ${kStates[stateOf(d)].text}${d.group ? `, group ${d.group}` : ""}${d.firmware ? `, firmware ${d.firmware}` : ""}${d.release ? `, release ${d.release} (${d.release_use})` : ""}` });
    signal.addEventListener("abort", () => this.grid.destroy());
    const orders = { id: "id", group: "group", state: "state", firmware: "firmware" };
    fill(main, h("div", { class: "title" }, h("h1", null, "Fleet")),
      card("Devices", { wide: true, tools: [choice("Show as", { grid: "grid", table: "table" }, this.mode, (mode) => (this.mode = mode, this.draw())), choice("Order by", orders, this.order, (order) => (this.order = order, this.draw()))] },
        h("div", { class: "filter" }, h("label", { for: "filter" }, "Filter"), this.filter, h("small", null, "id, group, label, firmware, state; group:, label:, firmware:, state: look at one of them")),
        this.legend, this.count, this.host));
  }

  key(device) {
    const of = { id: "", group: device.group ?? "\uffff", state: Object.keys(kStates).indexOf(stateOf(device)), firmware: device.firmware || "\uffff" }[this.order];
    return `${of}\u0000${device.id}`;
  }

  draw() {
    const matches = matcher(this.filter.value);
    this.shown = this.devices.filter(matches);
    if (this.order !== "id") this.shown = this.shown.map((device) => [this.key(device), device]).sort((a, b) => (a[0] < b[0] ? -1 : 1)).map(([, device]) => device);
    this.count.textContent = this.shown.length === this.devices.length ? `${integer(this.devices.length)} devices` : `${integer(this.shown.length)} of ${integer(this.devices.length)} devices`;
    this.drawLegend();
    if (this.devices.length === 0) return void fill(this.host, h("p", { class: "empty" }, "No device was ever seen. Devices appear when they connect to the broker with their certificate; skinkctl provision makes one."));
    if (this.shown.length === 0) return void fill(this.host, h("p", { class: "empty" }, "No device is like this. ", button("Clear the filter", () => (this.filter.value = "", this.draw()))));
    if (this.mode === "table") return this.drawTable();
    if (!this.host.contains(this.grid.element)) fill(this.host, this.grid.element);
    this.grid.show(this.shown);
  }

  drawLegend() {
    const counts = {};
    for (const device of this.devices) counts[stateOf(device)] = (counts[stateOf(device)] ?? 0) + 1;
    const others = this.order === "group" || this.order === "firmware" ? this.countBy(this.order) : [];
    const key = JSON.stringify([counts, others, this.filter.value]);
    if (key === this.legendKey) return;
    this.legendKey = key;
    const chosen = document.activeElement?.dataset?.state;
    fill(this.legend, Object.entries(kStates).filter(([name]) => counts[name]).map(([name, { text, about }]) => {
      const mark = h("span", { class: "swatch", "aria-hidden": "true" });
      mark.style.background = `var(--state-${name})`;
      return this.chip(name, `state:${text.split(" ")[0]}`, about, [mark, `${text} ${integer(counts[name])}`]);
    }), others.map(([value, count]) => this.chip(value, `${this.order}:${value.split(" ").at(-1)}`, `${this.order} ${value}`, `${value} ${integer(count)}`)));
    if (chosen) this.legend.querySelector(`[data-state="${CSS.escape(chosen)}"]`)?.focus();
  }

  /// Filters by a word; once more: by nothing.
  chip(name, word, about, content) {
    const isOn = this.filter.value === word;
    return h("button", { type: "button", "data-state": name, "aria-pressed": String(isOn), title: about, onclick: () => (this.filter.value = isOn ? "" : word, this.page = 0, this.draw()) }, content);
  }

  /// The groups, or firmware versions, that most devices have.
  countBy(what) {
    const counts = new Map();
    for (const device of this.devices) if (device[what]) counts.set(device[what], (counts.get(device[what]) ?? 0) + 1);
    return [...counts].sort((a, b) => b[1] - a[1]).slice(0, kChips);
  }

  drawTable() {
    const pages = Math.ceil(this.shown.length / kRows);
    this.page = Math.min(this.page, pages - 1);
    const turn = (by) => () => (this.page += by, this.draw());
    const from = this.page * kRows;
    fill(this.host, table("Devices", kColumns, this.shown.slice(from, from + kRows)),
      pages > 1 ? h("div", { class: "pages" }, button("Before", turn(-1), { refused: this.page === 0 ? "This is the first page." : "" }),
        h("span", { role: "status" }, `${integer(from + 1)} to ${integer(Math.min(from + kRows, this.shown.length))} of ${integer(this.shown.length)}`),
        button("Next", turn(1), { refused: this.page + 1 === pages ? "This is the last page." : "" })) : null);
  }

  /// Pages are shown as they come when there was nothing before.
  async load() {
    const started = performance.now();
    const isFirst = this.devices.length === 0;
    let drawn = started;
    this.devices = await all("/api/v1/devices", { signal: this.signal, onPage: (page, items) => {
      if (!isFirst || performance.now() - drawn < 150) return;
      drawn = performance.now();
      this.devices = items;
      this.draw();
    } });
    this.took = performance.now() - started;
    performance.measure("skink-devices", { start: started });
    if (this.host.contains(document.activeElement) && this.mode === "table") return; // no row goes away below a finger
    this.draw();
  }
}

export function fleetView(main, signal) {
  const view = new FleetView(main, signal);
  show(view.host, "devices", async () => {
    await view.load();
    return [...view.host.childNodes];
  }, signal);
  let timer = 0;
  const again = async () => {
    if (document.visibilityState === "visible" && view.took !== undefined) {
      try {
        await view.load();
      } catch {
        // the header says what is wrong
      }
    }
    if (!signal.aborted) timer = setTimeout(again, Math.max(3000, 20 * (view.took ?? 0)));
  };
  timer = setTimeout(again, 3000);
  signal.addEventListener("abort", () => clearTimeout(timer));
  on("theme", () => view.draw(), signal);
  on("reload", () => view.took !== undefined && view.load().catch(() => {}), signal);
}
