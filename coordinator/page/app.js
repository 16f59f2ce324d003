// The frame of the page: login, header, navigation, and which view is shown. Views are functions that fill the main
// element and use the signal they get: it is aborted when another view comes.

import { accessView } from "./access.js";
import { follow, get } from "./api.js";
import { deviceView } from "./device.js";
import { announce, button, fill, h, hash, integer, oneAtATime, phase, pill } from "./dom.js";
import { eventsView } from "./events.js";
import { fleetView } from "./fleet.js";
import { modelsView } from "./models.js";
import { runView } from "./run.js";
import { runsView } from "./runs.js";
import { emit, on, setToken, state, token } from "./session.js";

const kRoutes = [
  [/^$/, "runs", (main, signal) => homeView(main, signal)],
  [/^runs$/, "runs", runsView],
  [/^runs\/(\d+)$/, "runs", runView],
  [/^fleet$/, "fleet", fleetView],
  [/^devices\/(.+)$/, "fleet", deviceView],
  [/^models$/, "models", modelsView],
  [/^events$/, "events", eventsView],
  [/^access$/, "access", accessView],
];
const kSections = { runs: "Runs", fleet: "Fleet", models: "Models", events: "Events", access: "Access" };

let app = null; // aborted at logout
let view = null; // aborted when another one comes

// ---- login ----------------------------------------------------------------------------------------------------------

function showLogin(said) {
  app?.abort();
  view?.abort();
  state.session = null;
  state.events = [];
  document.title = "Skink: log in";
  const input = h("input", { type: "password", name: "token", autocomplete: "off", spellcheck: "false", placeholder: "skink_…", id: "token" });
  const trouble = h("div", { role: "alert", class: said ? "failure" : "" }, said ?? "");
  const submit = h("button", { type: "submit", class: "primary" }, "Log in");
  const form = h("form", { class: "card login", onsubmit: async (event) => {
    event.preventDefault();
    submit.disabled = true;
    setToken(input.value.trim());
    try {
      await begin();
    } catch (problem) {
      setToken("");
      submit.disabled = false;
      trouble.className = "failure";
      trouble.textContent = problem.status === 401 ? "This token is not valid. Has it been removed, or is a part of it missing?" : problem.message;
      input.select();
    }
  } },
  h("h1", null, "Skink"), h("p", null, "This fleet is looked after with tokens."), trouble,
  h("label", { for: "token" }, "Token"), input, submit,
  h("p", { class: "note" }, "On the gateway, ", h("code", null, "skinkctl tokens add panel --scope operate"), " makes one and shows it once. It is kept until this tab is closed. Behind a proxy that logs people in, leave it empty."));
  fill(document.getElementById("app"), h("main", { id: "main", class: "center", tabindex: "-1" }, form));
  input.focus();
}

// ---- header ---------------------------------------------------------------------------------------------------------

function themeButton() {
  const isDark = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const element = h("button", { type: "button", class: "quiet" });
  const say = () => {
    element.textContent = isDark() ? "☀" : "☾";
    element.setAttribute("aria-label", isDark() ? "Light colours" : "Dark colours");
    element.title = element.getAttribute("aria-label");
  };
  element.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem("skink.theme", theme);
    } catch {
      // it is forgotten with the page
    }
    say();
    emit("theme");
  });
  say();
  return element;
}

function progress(run) {
  const share = run.rounds ? run.rounds_done / run.rounds : 0;
  const bar = h("span", { class: "progress-fill" });
  bar.style.width = `${100 * share}%`;
  return h("a", { class: "run-now", href: `#/runs/${run.number}` }, h("span", { class: "run-name" }, `run ${run.number}`),
    h("span", { class: "progress", role: "progressbar", "aria-label": `rounds of run ${run.number}`, "aria-valuemin": "0", "aria-valuemax": String(run.rounds), "aria-valuenow": String(run.rounds_done) }, bar),
    h("span", { class: "counter", "data-counter": "rounds" }, `${integer(run.rounds_done)} / ${integer(run.rounds)}`));
}

const kRemedies = {
  standby: "Stop one of the two coordinators. Nothing is lost; this one leads when the other one is stopped.",
  "broker lost": "Is the broker up, is its certificate valid, and does the configuration name it? Nothing moves until it is there; nothing is lost.",
  waiting: "Switch the missing devices on, or stop the run. A run with a limit fails by itself when it is over.",
  stalled: "The open round of the run says which devices have not answered. They are replaced when their deadline is over.",
  paused: "Resume it when it shall go on.",
};

let lastPhase = "";
function drawStatus(now, banner) {
  const { status, link, modelHash } = state;
  if (!status) return;
  fill(now, phase(status.phase),
    status.broker_connected ? pill("broker", "good") : pill("no broker", "bad"),
    link.is === "live" ? null : pill(link.is === "waiting" ? "not live" : "connecting", link.is === "waiting" ? "bad" : "busy"),
    h("a", { href: "#/fleet", class: "count" }, `${integer(status.devices_online)} online`),
    status.run ? progress(status.run) : h("span", { class: "faint" }, "no run is open"),
    modelHash ? h("span", { class: "model-hash" }, "model ", hash(modelHash)) : null);
  const reason = status.reason ?? (status.phase === "stalled" ? "The run has stalled." : "");
  const lines = [];
  if (link.is === "waiting") lines.push(["bad", h("strong", null, "Not live: "), `${link.text} What you see may be old; the page tries again by itself.`]);
  if (reason || kRemedies[status.phase]) {
    lines.push([["broker lost", "standby", "stalled"].includes(status.phase) ? "bad" : "warn", h("strong", null, `${status.phase}: `), `${reason}${reason && !/[.!?]$/.test(reason) ? ". " : " "}`, h("span", { class: "remedy" }, kRemedies[status.phase] ?? "")]);
  }
  banner.hidden = lines.length === 0;
  fill(banner, lines.map(([kind, ...text]) => h("p", { class: `banner ${kind}` }, text)));
  const said = `${status.phase}${reason ? `: ${reason}` : ""}`;
  if (status.phase !== lastPhase) announce(`The service is ${said}`);
  lastPhase = status.phase;
}

function frame(signal) {
  const { session } = state;
  const now = h("div", { class: "now" });
  const banner = h("section", { class: "banners", "aria-label": "What is wrong" });
  const links = Object.entries(kSections).map(([name, text]) => h("a", { href: `#/${name}`, "data-section": name }, text));
  const out = button("Log out", () => {
    setToken("");
    showLogin();
  }, { kind: "quiet" });
  fill(document.getElementById("app"),
    h("header", { class: "bar" }, h("a", { class: "brand", href: "#/" }, h("img", { src: "/assets/icon.svg", alt: "", width: "24", height: "24" }), "Skink ", h("span", { class: "fleet" }, session.fleet)),
      now, h("div", { class: "who" }, h("span", { class: "faint", title: `Skink ${session.version}` }, `${session.name} (${session.scope})`), themeButton(), token() ? out : null)),
    h("nav", { "aria-label": "Sections", class: "sections" }, links, h("a", { href: "/help.html", class: "end" }, "Meanings")),
    banner, h("main", { id: "main", tabindex: "-1" }));
  const draw = () => drawStatus(now, banner);
  on("status", draw, signal);
  on("link", draw, signal);
  draw();
}

// ---- what the header knows ------------------------------------------------------------------------------------------

async function refreshStatus(signal) {
  try {
    state.status = await get("/api/v1/status", signal);
    const run = state.status.run;
    if (run && run.rounds_done > 0) {
      const last = await get(`/api/v1/runs/${run.number}/rounds?after=${run.rounds_done - 1}&limit=1`, signal);
      state.modelHash = last.items[0]?.model_sha256 ?? state.modelHash;
    }
    if (!run) state.modelHash = null;
    emit("status");
  } catch (problem) {
    if (problem.name !== "AbortError" && problem.status !== 401 && state.link.is !== "live") emit("link", state.link);
  }
}

function watch(signal) {
  const refresh = oneAtATime(() => refreshStatus(signal));
  on("event", ({ type, data }) => {
    if (type !== "round") state.events = [data, ...state.events].slice(0, 200);
    if (type === "round") {
      state.modelHash = data.model_sha256;
      if (state.status?.run?.number === data.run) {
        state.status.run.rounds_done = data.rounds_done;
        emit("status");
      }
    } else if (/^(run|broker|service)\b/.test(type) && type !== "run.transcript" && type !== "run.evaluation") {
      refresh();
    }
  }, signal);
  on("reload", refresh, signal);
  const timer = setInterval(() => document.visibilityState === "visible" && refresh(), 4000);
  signal.addEventListener("abort", () => clearInterval(timer));
}

// ---- views ----------------------------------------------------------------------------------------------------------

/// The run that is open, else the list.
function homeView(main, signal) {
  const run = state.status?.run;
  if (!run) return runsView(main, signal);
  location.replace(`#/runs/${run.number}`);
  return undefined;
}

function route() {
  if (!state.session) return;
  const path = location.hash.replace(/^#\/?/, "");
  view?.abort();
  view = new AbortController();
  const main = document.getElementById("main");
  fill(main);
  main.removeAttribute("aria-busy");
  const found = kRoutes.find(([pattern]) => pattern.test(path));
  for (const link of document.querySelectorAll("[data-section]")) {
    if (link.dataset.section === found?.[1]) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!found) return void fill(main, h("h1", null, "There is no such view"), h("p", null, h("a", { href: "#/" }, "To the runs")));
  const parameter = found[0].exec(path)[1];
  document.title = `${kSections[found[1]]}${parameter ? ` ${decodeURIComponent(parameter)}` : ""} · ${state.session.fleet} · Skink`;
  found[2](main, view.signal, parameter === undefined ? undefined : decodeURIComponent(parameter));
}

/// Throws the problem when the token is not good.
async function begin() {
  state.session = await get("/api/v1/session");
  app?.abort();
  app = new AbortController();
  frame(app.signal);
  await refreshStatus(app.signal);
  watch(app.signal);
  follow(app.signal);
  route();
}

window.addEventListener("hashchange", () => {
  route();
  document.getElementById("main")?.focus({ preventScroll: true });
  window.scrollTo(0, 0);
});
on("logout", (said) => showLogin(said));

/// Without a token nothing is asked: it would be refused.
if (!token()) showLogin();
else begin().catch((problem) => {
  if (problem.status === 401 || problem.status === 429) return showLogin(problem.status === 429 ? problem.message : "");
  fill(document.getElementById("app"), h("main", { id: "main", class: "center" }, h("section", { class: "card" }, h("h1", null, "Skink"),
    h("p", { role: "alert", class: "failure" }, problem.message), button("Try again", () => location.reload(), { kind: "primary" }))));
  return undefined;
});
