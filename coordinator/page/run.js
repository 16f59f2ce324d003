// One run: how it learns, which devices gain, what its rounds take, what it costs on the network; and its controls.

import { all, change, get } from "./api.js";
import { byteBars, Curve, histogram } from "./charts.js";
import { button, bytes, card, choice, dialog, duration, facts, failure, figure, fill, h, hash, integer, loading, oneAtATime, percent, phase, show, table, throttle, time } from "./dom.js";
import { queueDialog } from "./run_form.js";
import { doneOf, selectionText } from "./runs.js";
import { lacks, on, state } from "./session.js";
import { lanes, Timeline, timelineKey } from "./timeline.js";

const kRounds = 120; // that the timeline shows
const kWorst = 5;

const kAxes = {
  rounds: { text: "rounds", value: (e) => e.rounds, say: (x) => integer(Math.round(x)) },
  bytes: { text: "bytes", value: (e) => e.uplink_bytes + e.downlink_bytes, say: bytes },
  time: { text: "time", value: (e) => e.duration_ms, say: duration },
};
const kMetrics = { accuracy: { text: "accuracy", say: percent }, loss: { text: "loss", say: (y) => figure(y, 3) } };

// ---- head and controls ----------------------------------------------------------------------------------------------

function control(run, action, text, { ask: question, kind, reload }) {
  const send = async () => {
    await change("POST", `/api/v1/runs/${run.number}:${action}`);
    reload();
  };
  const start = question ? () => dialog(`${text} run ${run.number}?`, { confirm: text, kind, body: h("p", null, question), work: send })
    : async (event) => {
      event.currentTarget.disabled = true;
      try {
        await send();
      } catch (problem) {
        dialog(`Run ${run.number}`, { confirm: "Try again", body: h("p", null, problem.message), work: send });
        reload();
      }
    };
  return button(text, start, { refused: lacks("operate"), kind });
}

function head(run, reload) {
  const isOver = ["finished", "stopped", "failed"].includes(run.phase);
  return h("div", { class: "title" },
    h("h1", null, `Run ${run.number} `, h("span", { class: "faint" }, run.experiment), " ", phase(run.phase)),
    h("div", { class: "buttons" },
      isOver || run.phase === "paused" ? null : control(run, "pause", "Pause", { reload }),
      run.phase === "paused" ? control(run, "resume", "Resume", { reload, kind: "primary" }) : null,
      isOver ? null : control(run, "stop", "Stop", { reload, kind: "danger", ask: "It ends for good. The model that it has learned until now is kept." }),
      button("Queue again", () => queueDialog(run), { refused: lacks("operate") })));
}

function about(run) {
  return facts({
    Rounds: h("span", { "data-counter": "run-rounds" }, `${integer(doneOf(run))} of ${integer(run.rounds)}`),
    Devices: selectionText(run.selection), "Begins with": run.init_model ? h("a", { href: "#/models" }, `model ${run.init_model}`) : null,
    Release: run.release === "auto" ? "when it is finished" : "by hand", Queued: time(run.queued), Begun: time(run.begun), Ended: run.ended ? time(run.ended) : null,
    Waits: run.wait_s ? `${integer(run.wait_s)} s for its devices` : null, Reason: run.reason,
  });
}

// ---- the curve ------------------------------------------------------------------------------------------------------

function curveRow(evaluation, metric, x) {
  const point = (when) => {
    const mean = evaluation[`${metric}_${when}`];
    const spread = evaluation.over_devices[`${metric}_${when}`];
    return mean === null ? [null, null, null] : [spread?.p10 ?? mean, mean, spread?.p90 ?? mean];
  };
  return [x, point("before"), point("after")];
}

function curveTable(evaluations, classifies) {
  const spread = (metric, when, say) => (e) => {
    const q = e.over_devices[`${metric}_${when}`];
    return h("span", null, say(e[`${metric}_${when}`]), q ? h("span", { class: "faint" }, ` (${say(q.p10)} – ${say(q.p90)})`) : null);
  };
  const loss = (y) => figure(y, 4);
  const columns = [{ name: "rounds", number: true, cell: (e) => integer(e.rounds) }, { name: "devices", number: true, cell: (e) => integer(e.devices) },
    { name: "loss before", number: true, cell: spread("loss", "before", loss) }, { name: "loss after", number: true, cell: spread("loss", "after", loss) }];
  if (classifies) columns.push({ name: "accuracy before", number: true, cell: spread("accuracy", "before", percent) }, { name: "accuracy after", number: true, cell: spread("accuracy", "after", percent) });
  columns.push({ name: "bytes so far", number: true, cell: (e) => bytes(e.uplink_bytes + e.downlink_bytes) }, { name: "time so far", number: true, cell: (e) => duration(e.duration_ms) });
  return h("details", null, h("summary", null, "As a table"), table("Evaluations, with the 10th and 90th percentile of the devices", columns, [...evaluations].reverse().slice(0, 200)));
}

class CurveCard {
  constructor(signal) {
    this.axis = "rounds";
    this.metric = null;
    this.scale = "log"; // of a loss: after adaptation it is small from the beginning
    this.evaluations = [];
    this.curve = new Curve({ label: "Learning curve" });
    this.body = h("div", { class: "grow" }, loading("evaluations"));
    this.tools = h("div", { class: "tools" });
    this.element = card("Learning curve", { tools: this.tools, wide: true, name: "learning", note: "Held-out devices, before and after they adapt. Line: mean of all samples; band: 10th to 90th percentile of the devices." }, this.body);
    on("theme", () => this.draw(), signal);
    signal.addEventListener("abort", () => this.curve.destroy());
  }

  update(evaluations, classifies) {
    this.evaluations = evaluations;
    if (this.metric === null || this.classifies !== classifies) {
      this.classifies = classifies;
      this.metric = classifies ? "accuracy" : "loss";
      const metrics = Object.fromEntries(Object.entries(kMetrics).map(([name, { text }]) => [name, text]));
      fill(this.tools, classifies ? choice("Figure", metrics, this.metric, (metric) => (this.metric = metric, this.draw())) : null,
        choice("Along", Object.fromEntries(Object.entries(kAxes).map(([name, { text }]) => [name, text])), this.axis, (axis) => (this.axis = axis, this.draw())),
        choice("Scale", { linear: "linear", log: "log" }, this.scale, (scale) => (this.scale = scale, this.draw())));
    }
    this.draw();
  }

  isPositive(evaluation) {
    return ["before", "after"].every((when) => (evaluation.over_devices[`loss_${when}`]?.p10 ?? evaluation[`loss_${when}`] ?? 1) > 0);
  }

  draw() {
    if (this.metric === null) return;
    const usable = this.evaluations.filter((e) => e[`${this.metric}_before`] !== null);
    if (usable.length === 0) {
      return void fill(this.body, h("p", { class: "empty" }, "No evaluation yet. One is made before the first round, every [evaluation] every rounds, and at the end, by the held-out devices."));
    }
    const isOpen = this.body.querySelector("details")?.open;
    const tableOf = curveTable(this.evaluations, this.classifies);
    tableOf.open = Boolean(isOpen);
    const axis = kAxes[this.axis];
    const { say } = kMetrics[this.metric];
    const last = usable.at(-1);
    if (!this.body.contains(this.curve.element)) fill(this.body, this.curve.element, h("ul", { class: "key" }, h("li", null, h("span", { class: "swatch before" }), "before adaptation"), h("li", null, h("span", { class: "swatch after" }), "after adaptation")), tableOf);
    else this.body.querySelector("details").replaceWith(tableOf);
    this.curve.draw({
      rows: usable.map((e) => curveRow(e, this.metric, axis.value(e))), labels: [axis.text, "before", "after"], colours: ["before", "after"],
      x: axis.say, y: say, xLabel: axis.text, yLabel: this.metric, log: this.scale === "log" && this.metric === "loss" && usable.every((e) => this.isPositive(e)),
      summary: `${this.metric} over ${usable.length} evaluations; the last after ${integer(last.rounds)} rounds: ${say(last[`${this.metric}_before`])} before adaptation, ${say(last[`${this.metric}_after`])} after. A table follows.`,
    });
  }
}

// ---- gains, traffic -------------------------------------------------------------------------------------------------

function gains(evaluation, reports) {
  const known = reports.filter((report) => report.gain !== null).sort((a, b) => a.gain - b.gain);
  if (known.length === 0) return h("p", { class: "empty" }, "No device has reported yet.");
  const worst = known.slice(0, kWorst).map((report) => h("li", null, h("a", { href: `#/devices/${encodeURIComponent(report.device)}` }, report.device), " ",
    h("span", { class: report.gain < 0 ? "bad-text" : "" }, figure(report.gain, 3)), h("span", { class: "faint" }, ` loss ${figure(report.loss_before, 3)} → ${figure(report.loss_after, 3)}`)));
  const diverged = reports.filter((report) => report.gain === null);
  return [h("p", { class: "note" }, `Loss before minus loss after, of ${known.length} devices after ${integer(evaluation.rounds)} rounds.`),
    histogram(known.map((report) => report.gain)), h("h3", null, "The worst"), h("ol", { class: "worst" }, worst),
    diverged.length ? h("p", { class: "note" }, `Diverged in every task: ${diverged.slice(0, 10).map((report) => report.device).join(", ")}${diverged.length > 10 ? " and others" : ""}.`) : null];
}

function traffic(last, details) {
  if (!last || !last.device_rounds) return h("p", { class: "empty" }, "No round is finished yet.");
  return [byteBars("Up", last.uplink_bytes / last.device_rounds, details.model_bytes), byteBars("Down", last.downlink_bytes / last.device_rounds, details.model_bytes),
    h("p", { class: "note" }, `Bytes of a device-round: messages of this run, evaluations too, over ${integer(last.device_rounds)} device-rounds; codecs ${details.uplink ?? "?"} up, ${details.downlink ?? "?"} down. float32: the whole model, once each way.`)];
}

// ---- the view -------------------------------------------------------------------------------------------------------

class RunView {
  constructor(main, signal, number) {
    this.signal = signal;
    this.number = number;
    this.path = `/api/v1/runs/${number}`;
    this.evaluations = [];
    this.rounds = [];
    this.whole = false;
    this.loadRun = oneAtATime(() => this.readRun());
    this.loadEvaluations = oneAtATime(() => this.readEvaluations());
    this.loadRounds = oneAtATime(() => this.readRounds());
    this.top = h("div");
    this.gains = h("div");
    this.traffic = h("div");
    this.places = h("div");
    this.curve = new CurveCard(signal);
    this.timeline = new Timeline(() => this.loadPlaces());
    this.experiment = h("div");
    fill(main, this.top, h("div", { class: "grid" }, this.curve.element, card("Gain per device", { name: "gains" }, this.gains), card("Traffic", { name: "traffic" }, this.traffic),
      card("Rounds", { wide: true, name: "round-card", tools: timelineKey(), note: "The last rounds, and how long each took. Choose one with a click or the arrow keys; at the end the latest is followed." }, this.timeline.element, this.timeline.said, this.places),
      card("Experiment", { wide: true }, this.experiment)));
    fill(this.gains, loading("reports"));
    fill(this.traffic, loading("rounds"));
  }

  async readRun() {
    this.run = await get(this.path, this.signal);
    fill(this.top, head(this.run, () => this.reload()), card("About this run", { name: "about" }, about(this.run)));
  }

  async loadDetails() {
    this.details = await get(`${this.path}/details`, this.signal);
  }

  async readEvaluations() {
    const after = this.evaluations.length ? this.evaluations.at(-1).rounds + 1 : 0;
    const fresh = await all(`${this.path}/evaluations`, { signal: this.signal, after });
    this.evaluations.push(...fresh);
    this.curve.update(this.evaluations, this.details.classifies);
    if (fresh.length === 0 && this.evaluations.length > 0) return;
    const last = this.evaluations.at(-1);
    const reports = last ? await all(`${this.path}/evaluations/${last.rounds}/devices`, { signal: this.signal }) : [];
    fill(this.gains, gains(last, reports));
  }

  async readRounds() {
    const done = doneOf(this.run);
    const known = this.rounds.length ? this.rounds.at(-1).round + 1 : 0;
    const after = Math.max(known, done - kRounds);
    this.rounds.push(...(await all(`${this.path}/rounds`, { signal: this.signal, after })));
    this.rounds = this.rounds.slice(-kRounds);
    if (!this.details.model_bytes && this.rounds.length) await this.loadDetails();
    fill(this.traffic, traffic(this.rounds.at(-1), this.details));
    this.timeline.draw(this.rounds);
    await this.loadPlaces();
  }

  /// Of the chosen round; of the open one while the service says that it does not go on.
  async loadPlaces() {
    const isStuck = state.status?.phase === "stalled" && state.status.run?.number === this.number;
    const round = isStuck && this.timeline.chosen === null ? doneOf(this.run) : this.timeline.current()?.round;
    if (round === undefined) return void fill(this.places, h("p", { class: "empty" }, this.run.phase === "waiting" ? "The first round begins when the devices are there." : "No round is finished yet."));
    if (round === this.settled) return undefined; // it cannot change, or is not kept
    try {
      const places = await get(`${this.path}/rounds/${round}/participants`, this.signal);
      if (this.signal.aborted || this.places.contains(document.activeElement)) return undefined;
      const showAll = () => (this.whole = true, fill(this.places, lanes(places, true)));
      fill(this.places, lanes(places, this.whole, showAll));
      if (!places.is_open) this.settled = round;
    } catch (problem) {
      if (problem.name === "AbortError") return undefined;
      if (problem.status === 404) this.settled = round;
      fill(this.places, h("p", { class: "empty" }, problem.status === 404 ? `Who took part in round ${integer(round)} is not kept: the service remembers the last 64 rounds since it was started.` : problem.message));
    }
    return undefined;
  }

  async load() {
    await this.loadRun();
    await this.loadDetails();
    fill(this.experiment, h("details", null, h("summary", null, "Text and overrides"), this.run.overrides.length ? h("pre", { tabindex: "0", "aria-label": "Overrides" }, this.run.overrides.map(({ key, value }) => `${key} = ${value}`).join("\n")) : null,
      h("pre", { tabindex: "0", "aria-label": "Experiment" }, this.details.experiment)));
    await Promise.all([this.loadEvaluations(), this.loadRounds()]);
  }

  async reload() {
    try {
      await this.loadRun();
      if (this.details) await Promise.all([this.loadEvaluations(), this.loadRounds()]);
      else await this.load();
    } catch {
      // the header says that the service is away; the next event or reload comes here again
    }
  }

  drawCounter() {
    const counter = this.top.querySelector("[data-counter]");
    if (counter && this.run) counter.textContent = `${integer(doneOf(this.run))} of ${integer(this.run.rounds)}`;
  }
}

/// Takes what happens to the run to its view.
function listen(view, number, signal) {
  const rounds = throttle(1000, () => view.details && view.loadRounds().catch(() => {}));
  const evaluations = throttle(1000, () => view.details && view.loadEvaluations().catch(() => {}));
  const whole = throttle(300, () => view.reload());
  on("event", ({ type, data }) => {
    if (data.run !== number) return;
    if (type === "round") rounds();
    else if (type === "run.evaluation") evaluations();
    else if (type !== "run.transcript") whole();
  }, signal);
  on("status", () => view.drawCounter(), signal);
  on("reload", whole, signal);
}

export function runView(main, signal, parameter) {
  const number = Number(parameter);
  const host = h("div");
  fill(main, host);
  let view = null;
  const start = () => show(host, `run ${number}`, async () => {
    const content = h("div");
    const made = new RunView(content, signal, number);
    await made.loadRun();
    view = made;
    const begin = () => view.load().catch((problem) => problem.name !== "AbortError" && fill(view.gains, failure(problem, begin)));
    begin();
    listen(view, number, signal);
    return content;
  }, signal);
  on("reload", () => view === null && start(), signal); // the service was away when it was asked
  start();
}
