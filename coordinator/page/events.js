// What happens, as it happens. Every name leads to what it means.

import { get } from "./api.js";
import { card, choice, fill, h, pill, show, table, time } from "./dom.js";
import { on, state } from "./session.js";

const kKept = 500;
const kLevels = { info: "idle", warning: "warn", error: "bad" };
const kFrom = { info: 0, warning: 1, error: 2 };

const kColumns = [
  { name: "at", cell: (e) => time(e.at) },
  { name: "level", cell: (e) => pill(e.level, kLevels[e.level] ?? "idle") },
  { name: "event", cell: (e) => h("a", { href: `/help.html#${e.event}` }, e.event) },
  { name: "run", cell: (e) => (e.run ? h("a", { href: `#/runs/${e.run}` }, `run ${e.run}`) : "") },
  { name: "text", cell: (e) => h("span", { class: "wrap" }, e.text) },
];

export function eventsView(main, signal) {
  let events = [];
  let level = "info";
  let isPaused = false;
  const host = h("div");
  const count = h("p", { class: "note" });
  const filter = h("input", { type: "search", id: "event-filter", placeholder: "stalled", autocomplete: "off", oninput: () => draw() });
  const hold = h("button", { type: "button", "aria-pressed": "false", onclick: () => {
    isPaused = !isPaused;
    hold.setAttribute("aria-pressed", String(isPaused));
    if (!isPaused) draw();
  } }, "Hold");
  fill(main, h("div", { class: "title" }, h("h1", null, "Events")),
    card("Log", { wide: true, name: "log", tools: [choice("Least level", { info: "all", warning: "warnings", error: "errors" }, level, (chosen) => (level = chosen, draw())), hold] },
      h("div", { class: "filter" }, h("label", { for: "event-filter" }, "Filter"), filter, h("small", null, "name, text or device")), count, host));
  const draw = () => {
    const word = filter.value.trim().toLowerCase();
    const shown = events.filter((e) => kFrom[e.level] >= kFrom[level] && (!word || `${e.event} ${e.text} ${e.device ?? ""}`.toLowerCase().includes(word)));
    count.textContent = `${shown.length} of the latest ${events.length}, the newest first; skinkctl events has those before.`;
    fill(host, table("Events", kColumns, shown, { none: events.length ? "None is like this." : "Nothing has happened yet." }));
  };
  const load = () => show(host, "events", async () => {
    const page = await get(`/api/v1/log?last=${kKept}`, signal);
    const known = new Set(page.items.map((event) => event.id));
    events = [...state.events.filter((event) => !known.has(event.id)), ...page.items.reverse()].sort((a, b) => b.id - a.id).slice(0, kKept);
    draw();
    return [...host.childNodes];
  }, signal);
  let waiting = 0;
  on("event", ({ type, data }) => {
    if (type === "round" || events.some((e) => e.id === data.id)) return;
    events = [data, ...events].slice(0, kKept);
    if (isPaused || waiting) return;
    waiting = setTimeout(() => {
      waiting = 0;
      if (!isPaused && !signal.aborted) draw();
    }, 250);
  }, signal);
  on("reload", load, signal);
  load();
}
