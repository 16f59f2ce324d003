// The queue: runs that wait, are open or over; and what a new one is queued with.

import { all } from "./api.js";
import { button, card, fill, h, integer, oneAtATime, phase, show, table, throttle, time } from "./dom.js";
import { queueDialog } from "./run_form.js";
import { schedulesCard } from "./schedules.js";
import { lacks, on, state } from "./session.js";

const kColumns = [
  { name: "run", cell: (run) => h("a", { href: `#/runs/${run.number}` }, `run ${run.number}`) },
  { name: "experiment", cell: (run) => [run.experiment, run.kind === "evaluate" ? h("span", { class: "faint" }, run.trial ? ` evaluation of trial ${run.trial}` : " evaluation") : null] },
  { name: "phase", cell: (run) => phase(run.phase) },
  { name: "rounds", number: true, cell: (run) => `${integer(doneOf(run))} / ${integer(run.rounds)}` },
  { name: "devices", cell: (run) => selectionText(run.selection) },
  { name: "begins with", cell: (run) => (run.init_model ? h("a", { href: "#/models" }, `model ${run.init_model}`) : "the experiment's") },
  { name: "release", cell: (run) => run.release },
  { name: "queued", cell: (run) => time(run.queued) },
  { name: "ended", cell: (run) => time(run.ended) },
  { name: "reason", cell: (run) => run.reason ?? "" },
];

/// The list has a run's rounds as of its last phase; the status has them now.
export function doneOf(run) {
  const open = state.status?.run;
  return open?.number === run.number ? open.rounds_done : run.rounds_done;
}

export function selectionText({ group, label, firmware }) {
  const parts = [group && `group ${group}`, label && `label ${label}`, firmware && `firmware ${firmware}`].filter(Boolean);
  return parts.length ? parts.join(", ") : "all";
}

export function runsView(main, signal) {
  const list = h("div");
  const queue = button("Queue a run", () => queueDialog(), { kind: "primary", refused: lacks("operate") });
  fill(main, h("div", { class: "title" }, h("h1", null, "Runs"), queue), card("All runs", { wide: true, note: "They are led one after the other, in the order of their numbers." }, list), schedulesCard(signal));
  const load = oneAtATime(() => show(list, "runs", async () => {
    const runs = await all("/api/v1/runs", { signal });
    return table("Runs", kColumns, runs.reverse(), { none: "There is no run yet. “Queue a run” takes an experiment file and begins as soon as its devices are there." });
  }, signal));
  const again = throttle(1000, load);
  on("event", ({ type }) => (type.startsWith("run.") && type !== "run.transcript") || type === "round" ? again() : null, signal);
  on("reload", again, signal);
  load();
}
