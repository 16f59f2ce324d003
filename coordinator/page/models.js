// What was learned, what devices shall use, and what is tried by a few before the others get it.

import { all, change, download } from "./api.js";
import { button, bytes, card, dialog, failure, field, figure, fill, h, hash, integer, loading, oneAtATime, percent, phase, show, table, throttle, time } from "./dom.js";
import { lacks, on, state } from "./session.js";

function noKey() {
  return state.session.releases ? "" : "The service has no key to sign releases with: name its folder as [release] pki in the configuration.";
}

function figuresOf({ figures }) {
  if (!figures) return h("span", { class: "faint" }, "not evaluated");
  const accuracy = figures.accuracy_after !== undefined && figures.accuracy_after !== null;
  return accuracy ? `accuracy ${percent(figures.accuracy_before)} → ${percent(figures.accuracy_after)}` : `loss ${figure(figures.loss_before)} → ${figure(figures.loss_after)}`;
}

function groupField(required) {
  return h("input", { name: "group", maxlength: "64", required, list: "groups", autocomplete: "off" });
}

function groupList(devices) {
  return h("datalist", { id: "groups" }, [...new Set(devices.map((device) => device.group).filter(Boolean))].map((group) => h("option", { value: group })));
}

class ModelsView {
  constructor(main, signal) {
    this.signal = signal;
    this.models = h("div");
    this.releases = h("div");
    this.trials = h("div");
    fill(this.releases, loading("releases"));
    this.lists = h("div");
    this.load = oneAtATime(() => this.read());
    this.loadReleases = oneAtATime(() => this.readReleases());
    fill(main, h("div", { class: "title" }, h("h1", null, "Models")),
      h("div", { class: "stack" }, card("Registry", { wide: true, name: "registry", note: "Every run that is over leaves its model." }, this.models),
        card("Releases", { wide: true, name: "releases", note: "What devices shall use. A device confirms a release when it has fetched, checked and kept it." }, this.releases),
        card("Trials", { wide: true, name: "trials", note: "A group judges a new model against the one that all have, on its own samples; the gate decides." }, this.trials)), this.lists);
  }

  release(model) {
    dialog(`Release model ${model.number}?`, {
      confirm: "Release it",
      body: h("div", { class: "form" }, h("p", null, `${model.experiment} after ${integer(model.rounds)} rounds of run ${model.run}: `, figuresOf(model), ". Devices fetch it, check its signature and use it; to go back, release an older model again."),
        field("Only the group", groupField(false), "Empty: all devices.")),
      work: async (data) => {
        await change("POST", "/api/v1/releases", { model: model.number, group: data.get("group").trim() });
        this.load();
      },
    });
  }

  attempt(model) {
    const gain = h("input", { name: "least_gain", type: "number", step: "any", value: "0" });
    const least = h("input", { name: "least_devices", type: "number", min: "1", value: "1" });
    const wait = h("input", { name: "wait_s", type: "number", min: "0", value: "600" });
    dialog(`Try model ${model.number}`, {
      confirm: "Try it",
      body: h("div", { class: "form" }, h("p", null, "The devices of a group evaluate it and the released one, before and after adaptation. Nobody uses it before the gate has decided."),
        field("Group", groupField(true)), field("Least gain", gain, "Mean over devices of the loss after adaptation: old minus new."), field("Least devices", least), field("Longest wait, s", wait, "For each of the two models.")),
      work: async (data) => {
        await change("POST", "/api/v1/trials", { model: model.number, group: data.get("group").trim(), least_gain: Number(data.get("least_gain")), least_devices: Number(data.get("least_devices")), wait_s: Number(data.get("wait_s")) });
        this.load();
      },
    });
  }

  modelTable(models) {
    const byHash = new Map(models.map((model) => [model.sha256, model.number]));
    const parent = (model) => (model.parent === null ? h("span", { class: "faint" }, "at random") : byHash.has(model.parent) ? `model ${byHash.get(model.parent)}` : hash(model.parent));
    const refused = lacks("operate") || noKey();
    const columns = [
      { name: "model", cell: (m) => `model ${m.number}` }, { name: "hash", cell: (m) => hash(m.sha256) },
      { name: "experiment", cell: (m) => m.experiment }, { name: "run", cell: (m) => (m.run ? h("a", { href: `#/runs/${m.run}` }, `run ${m.run}`) : "brought") },
      { name: "rounds", number: true, cell: (m) => integer(m.rounds) }, { name: "figures", cell: figuresOf }, { name: "parent", cell: parent },
      { name: "size", number: true, cell: (m) => bytes(m.bytes) }, { name: "created", cell: (m) => time(m.created) },
      { name: "actions", cell: (m) => h("span", { class: "buttons" }, button("Export", () => this.save(m), { label: `Export model ${m.number}` }),
        button("Release …", () => this.release(m), { refused, label: `Release model ${m.number}` }), button("Try …", () => this.attempt(m), { refused, label: `Try model ${m.number}` })) },
    ];
    return table("Models", columns, [...models].reverse(), { none: "There is no model yet: the first run that is over leaves one." });
  }

  async save(model) {
    try {
      await download(`/api/v1/models/${model.number}/file`, `model-${model.number}.skm`);
    } catch (problem) {
      dialog(`Model ${model.number}`, { confirm: "Try again", body: h("p", null, problem.message), work: () => download(`/api/v1/models/${model.number}/file`, `model-${model.number}.skm`) });
    }
  }

  releaseTable(releases, devices) {
    const addressed = (r) => devices.filter((d) => d.takes_releases && !d.revoked && (r.group === null || d.group === r.group));
    const columns = [
      { name: "release", cell: (r) => `release ${r.number}` }, { name: "model", cell: (r) => [`model ${r.model} `, hash(r.model_sha256)] },
      { name: "for", cell: (r) => (r.group === null ? "all" : `group ${r.group}`) },
      { name: "confirmed", number: true, cell: (r) => {
        const to = addressed(r);
        return h("span", { "data-confirmed": r.number }, `${integer(to.filter((d) => d.release === r.number).length)} of ${integer(to.length)}`);
      } },
      { name: "uses it", cell: (r) => {
        const uses = {};
        for (const d of addressed(r)) if (d.release === r.number) uses[d.release_use] = (uses[d.release_use] ?? 0) + 1;
        return Object.entries(uses).map(([use, count]) => `${use}: ${integer(count)}`).join(", ");
      } },
      { name: "refused", number: true, cell: (r) => integer(devices.filter((d) => d.release_refused?.number === r.number).length) },
      { name: "created", cell: (r) => time(r.created) },
    ];
    return table("Releases", columns, [...releases].reverse(), { none: "Nothing was released yet. “Release …” above gives a model to all devices or to a group." });
  }

  trialTable(trials) {
    const gains = (trial) => {
      const list = Object.entries(trial.gains).sort((a, b) => a[1] - b[1]);
      if (list.length === 0) return "";
      const mean = list.reduce((sum, [, gain]) => sum + gain, 0) / list.length;
      return h("details", null, h("summary", null, `mean ${figure(mean, 3)} of ${list.length}`), h("ul", null, list.slice(0, 100).map(([device, gain]) => h("li", null, h("a", { href: `#/devices/${encodeURIComponent(device)}` }, device), ` ${figure(gain, 3)}`))));
    };
    const columns = [
      { name: "trial", cell: (t) => `trial ${t.number}` }, { name: "model", cell: (t) => `model ${t.model}${t.old_model ? ` against ${t.old_model}` : ""}` }, { name: "group", cell: (t) => t.group },
      { name: "phase", cell: (t) => phase(t.phase) }, { name: "gate", cell: (t) => `gain ≥ ${figure(t.least_gain)}, devices ≥ ${integer(t.least_devices)}, ${integer(t.wait_s)} s` },
      { name: "gain by device", cell: gains }, { name: "reason", cell: (t) => t.reason ?? "" },
      { name: "runs", cell: (t) => [t.old_run ? [h("a", { href: `#/runs/${t.old_run}` }, `run ${t.old_run}`), " "] : null, h("a", { href: `#/runs/${t.new_run}` }, `run ${t.new_run}`)] },
      { name: "release", number: true, cell: (t) => t.release ?? "–" }, { name: "created", cell: (t) => time(t.created) },
    ];
    return table("Trials", columns, [...trials].reverse(), { none: "No model was tried yet. “Try …” above lets a group judge one first." });
  }

  async read() {
    const get = (name) => all(`/api/v1/${name}`, { signal: this.signal });
    await Promise.all([show(this.models, "models", async () => this.modelTable(await get("models")), this.signal),
      show(this.trials, "trials", async () => this.trialTable(await get("trials")), this.signal), this.loadReleases()]);
  }

  /// What devices confirm is no event: they are asked again while one is missing.
  async readReleases() {
    try {
      const [releases, devices] = await Promise.all([all("/api/v1/releases", { signal: this.signal }), all("/api/v1/devices", { signal: this.signal })]);
      if (this.signal.aborted) return;
      const text = JSON.stringify(releases) + devices.map((d) => `${d.id}${d.group}${d.release}${d.release_use}${d.revoked}`).join();
      if (text === this.told) return;
      this.told = text;
      fill(this.lists, groupList(devices));
      fill(this.releases, this.releaseTable(releases, devices));
    } catch (problem) {
      if (problem.name !== "AbortError" && this.told === undefined) fill(this.releases, failure(problem, () => this.loadReleases()));
    }
  }
}

export function modelsView(main, signal) {
  const view = new ModelsView(main, signal);
  view.load();
  const again = throttle(500, () => view.load());
  on("event", ({ type }) => (/^(model|release|trial)\./.test(type) ? again() : null), signal);
  on("reload", again, signal);
  const timer = setInterval(() => document.visibilityState === "visible" && view.loadReleases(), 3000);
  signal.addEventListener("abort", () => clearInterval(timer));
}
