// Runs that are queued again and again: by time, or when devices say that it is time.

import { all, change } from "./api.js";
import { button, card, dialog, duration, fill, h, integer, oneAtATime, show, table, throttle, time } from "./dom.js";
import { lacks, on } from "./session.js";

/// What makes a schedule due, in words.
function whenText({ every_s: every, devices_worse: worse, new_devices: fresh }) {
  const parts = [every && `every ${duration(every * 1000)}`, worse && `when ${integer(worse)} devices gain nothing by their release`, fresh && `when ${integer(fresh)} devices are new`];
  return parts.filter(Boolean).join(", or ");
}

function columnsOf(load) {
  const refused = lacks("operate");
  const send = async (schedule, enabled) => {
    await change("PATCH", `/api/v1/schedules/${schedule.number}`, { enabled });
    load();
  };
  const enable = (schedule, enabled) => async () => {
    try {
      await send(schedule, enabled);
    } catch (problem) {
      dialog(`Schedule ${schedule.number}`, { confirm: "Try again", body: h("p", null, problem.message), work: () => send(schedule, enabled) });
    }
  };
  const remove = (schedule) => dialog(`Remove schedule ${schedule.number}?`, { confirm: "Remove it", kind: "danger",
    body: h("p", null, `“${schedule.name}” queues no run any more. Its runs and models stay.`),
    work: async () => {
      await change("DELETE", `/api/v1/schedules/${schedule.number}`);
      load();
    } });
  return [
    { name: "schedule", cell: (s) => `${s.number}: ${s.name}` }, { name: "experiment", cell: (s) => s.experiment }, { name: "queues a run", cell: whenText },
    { name: "begins with", cell: (s) => (s.from_latest ? "its latest model" : s.init_model ? `model ${s.init_model}` : "the experiment's") }, { name: "release", cell: (s) => s.release },
    { name: "runs", number: true, cell: (s) => integer(s.runs) }, { name: "last", cell: (s) => (s.last_run ? h("a", { href: `#/runs/${s.last_run}` }, `run ${s.last_run}`) : "none") },
    { name: "next by time", cell: (s) => (s.enabled ? time(s.next) : "paused") },
    { name: "actions", cell: (s) => h("span", { class: "buttons" }, s.enabled ? button("Pause", enable(s, false), { refused, label: `Pause schedule ${s.number}` }) : button("Resume", enable(s, true), { refused, label: `Resume schedule ${s.number}` }),
      button("Remove …", () => remove(s), { refused, label: `Remove schedule ${s.number}` })) },
  ];
}

export function schedulesCard(signal) {
  const list = h("div");
  const load = oneAtATime(() => show(list, "schedules", async () =>
    table("Schedules", columnsOf(load), await all("/api/v1/schedules", { signal }), { none: "There is none. “Queue a run” makes one when it says that the run is repeated." }), signal));
  const again = throttle(1000, load);
  on("event", ({ type }) => (type.startsWith("schedule.") || type === "run.queued" ? again() : null), signal);
  on("reload", load, signal);
  on("schedules", load, signal);
  load();
  return card("Schedules", { wide: true, name: "schedules", note: "Runs that the service queues by itself." }, list);
}
