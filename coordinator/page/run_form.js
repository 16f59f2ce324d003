// What is asked for when a run is queued.

import { all, ask, get } from "./api.js";
import { dialog, field, figure, h } from "./dom.js";
import { emit } from "./session.js";

/// "meta.rounds = 30" on each line, as --set has them.
function parseOverrides(text) {
  const set = {};
  for (const line of text.split("\n").map((one) => one.trim()).filter(Boolean)) {
    const at = line.indexOf("=");
    if (at < 1) throw new Error(`“${line}”: KEY = VALUE expected on each line, as in meta.rounds = 30.`);
    set[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return set;
}

async function modelOptions(select, chosen) {
  try {
    const models = await all("/api/v1/models");
    for (const model of models.reverse()) {
      const loss = model.figures?.loss_after;
      select.append(h("option", { value: String(model.number), selected: model.number === chosen }, `model ${model.number}: ${model.experiment}${loss === undefined || loss === null ? "" : `, loss ${figure(loss)}`}`));
    }
  } catch {
    select.append(h("option", { value: "0", disabled: true }, "the models cannot be loaded"));
  }
}

/// `like`: a run whose order is taken over.
export async function queueDialog(like) {
  const text = h("textarea", { name: "experiment", rows: "9", required: true, spellcheck: "false" });
  const file = h("input", { type: "file", accept: ".toml,text/plain", onchange: async () => {
    if (file.files[0]) text.value = await file.files[0].text();
  } });
  const overrides = h("textarea", { name: "set", rows: "3", spellcheck: "false", placeholder: "meta.rounds = 200" });
  const init = h("select", { name: "init_model" }, h("option", { value: "0" }, "as the experiment says"));
  const group = h("input", { name: "group", maxlength: "64" });
  const label = h("input", { name: "label", maxlength: "128", placeholder: "floor=1" });
  const firmware = h("input", { name: "firmware", maxlength: "32" });
  const wait = h("input", { name: "wait_s", type: "number", min: "0", value: "0" });
  const release = h("select", { name: "release" }, h("option", { value: "manual" }, "by hand"), h("option", { value: "auto" }, "when it is finished"), h("option", { value: "gated" }, "if a group gains by it"));
  const gate = { group: h("input", { name: "gate_group", maxlength: "64" }), gain: h("input", { name: "least_gain", type: "number", step: "any", value: "0" }),
    devices: h("input", { name: "least_devices", type: "number", min: "1", max: "100000", value: "1" }) };
  const repeat = { every: h("input", { name: "every_s", type: "number", min: "1", max: "2147483647" }), worse: h("input", { name: "devices_worse", type: "number", min: "1", max: "100000" }),
    fresh: h("input", { name: "new_devices", type: "number", min: "1", max: "100000" }), latest: h("input", { name: "from_latest", type: "checkbox" }) };
  const key = crypto.getRandomValues(new Uint32Array(4)).join("-"); // a second click queues no second run
  dialog(like ? `Queue run ${like.number} again` : "Queue a run", {
    confirm: "Queue it",
    body: h("div", { class: "form" }, field("Experiment file", file, "Read here, and sent as text."), field("Experiment", text, "The text of an experiment file: docs/experiment.md."),
      field("Overrides", overrides, "One on each line, as with --set."),
      h("div", { class: "columns" }, field("Begins with", init), field("Its model is released", release),
        field("Only the group", group), field("Only the label", label), field("Only firmware that begins with", firmware),
        field("Tried first by the group", gate.group, "With “if a group gains by it”."), field("They must gain, of loss", gate.gain), field("How many must judge", gate.devices),
        field("Waits for its devices, s", wait, "0: for ever. Then it fails, and the next one begins.")),
      h("details", null, h("summary", null, "Again and again"), h("p", { class: "note" }, "With one of these, a schedule is made that queues such a run each time; the first by time after as many seconds."),
        h("div", { class: "columns" }, field("Every so many seconds", repeat.every), field("When so many devices gain nothing", repeat.worse, "By adapting the release that they keep."),
          field("When so many devices are new", repeat.fresh), field("Begins with the latest it has learned", repeat.latest)))),
    work: async (data) => {
      const order = { experiment: data.get("experiment"), set: parseOverrides(data.get("set")), init_model: Number(data.get("init_model")), group: data.get("group").trim(),
        label: data.get("label").trim(), firmware: data.get("firmware").trim(), release: data.get("release"), wait_s: Number(data.get("wait_s")) };
      if (order.release === "gated") order.gate = { group: data.get("gate_group").trim(), least_gain: Number(data.get("least_gain")), least_devices: Number(data.get("least_devices")), ...(like?.gate ? { wait_s: like.gate.wait_s } : {}) };
      const schedule = scheduleOf(data);
      if (schedule) {
        await make("/api/v1/schedules", { ...order, ...schedule }, key);
        location.hash = "#/runs";
        emit("schedules");
        return;
      }
      const run = await make("/api/v1/runs", order, key);
      location.hash = `#/runs/${run.number}`;
    },
  });
  modelOptions(init, like?.init_model);
  if (!like) return;
  overrides.value = like.overrides.filter(({ key: name }) => name !== "init").map(({ key: name, value }) => `${name} = ${value}`).join("\n");
  group.value = like.selection.group ?? "";
  label.value = like.selection.label ?? "";
  firmware.value = like.selection.firmware ?? "";
  wait.value = String(like.wait_s);
  release.value = like.release;
  gate.group.value = like.gate?.group ?? "";
  gate.gain.value = String(like.gate?.least_gain ?? 0);
  gate.devices.value = String(like.gate?.least_devices ?? 1);
  try {
    text.value = (await get(`/api/v1/runs/${like.number}/details`)).experiment;
  } catch (problem) {
    text.placeholder = problem.message;
  }
}

/// What is asked for in "Again and again"; null: nothing is.
function scheduleOf(data) {
  const schedule = { from_latest: data.get("from_latest") !== null };
  for (const name of ["every_s", "devices_worse", "new_devices"]) if (data.get(name)) schedule[name] = Number(data.get(name));
  return Object.keys(schedule).length > 1 ? schedule : null;
}

async function make(path, order, key) {
  return (await ask("POST", path, { body: order, more: { "Idempotency-Key": key } })).json();
}
