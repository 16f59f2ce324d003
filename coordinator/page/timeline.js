// The last rounds as bars, of which one is chosen; and the devices of the chosen one as lanes of time.

import { duration, fill, h, integer, pill, s, table } from "./dom.js";

const kOutcomes = { taken: "good", open: "busy", replaced: "warn", dropped: "bad", diverged: "bad", refused: "bad" };
const kShown = 40;

function sentence(round) {
  const parts = [`round ${integer(round.round)}`, duration(round.duration_ms), `${round.updates} taken`];
  for (const what of ["replaced", "diverged", "refused"]) if (round[what]) parts.push(`${round[what]} ${what}`);
  return parts.join(", ");
}

/// Bars of rounds, chosen by pointer or arrow keys. `onchoose(round)`: null follows the latest one.
export class Timeline {
  constructor(onchoose) {
    this.onchoose = onchoose;
    this.rounds = [];
    this.chosen = null;
    this.picture = s("svg", { class: "rounds", preserveAspectRatio: "none", "aria-hidden": "true" });
    this.said = h("p", { class: "reading" });
    this.element = h("div", { class: "timeline", role: "slider", tabindex: "0", "aria-label": "Round", "aria-valuemin": "0" }, this.picture);
    this.element.addEventListener("keydown", (event) => this.key(event));
    this.picture.addEventListener("click", (event) => this.click(event));
  }

  key(event) {
    const last = this.rounds.length - 1;
    const at = this.index();
    const to = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, PageDown: at - 10, PageUp: at + 10, Home: 0, End: last }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    this.choose(event.key === "End" ? last : Math.min(last, Math.max(0, to)));
  }

  click(event) {
    const box = this.picture.getBoundingClientRect();
    const slots = Math.max(this.rounds.length, 24);
    const at = Math.floor(((event.clientX - box.left) / box.width) * slots);
    if (at < this.rounds.length) this.choose(at);
  }

  /// The last one is the latest, which is followed.
  choose(index) {
    this.chosen = index === this.rounds.length - 1 ? null : this.rounds[index].round;
    this.draw(this.rounds);
    this.onchoose(this.rounds[index].round);
  }

  index() {
    if (this.chosen === null) return this.rounds.length - 1;
    const at = this.rounds.findIndex((round) => round.round === this.chosen);
    return at < 0 ? this.rounds.length - 1 : at;
  }

  current() {
    return this.rounds[this.index()] ?? null;
  }

  draw(rounds) {
    this.rounds = rounds;
    const slots = Math.max(rounds.length, 24);
    const most = Math.max(1, ...rounds.map((round) => round.duration_ms));
    const at = this.index();
    this.picture.setAttribute("viewBox", `0 0 ${slots * 10} 100`);
    fill(this.picture, rounds.map((round, i) => {
      const tall = Math.max(3, (92 * round.duration_ms) / most);
      const trouble = round.diverged + round.refused > 0 ? "bad" : round.replaced > 0 ? "warn" : "good";
      return s("g", { class: i === at ? "chosen" : null },
        s("rect", { x: i * 10, y: 0, width: 10, height: 100, class: "hit" }),
        s("rect", { x: i * 10 + 1.5, y: 100 - tall, width: 7, height: tall, class: trouble }), s("title", null, sentence(round)));
    }));
    const round = rounds[at];
    this.said.textContent = round ? sentence(round) : "";
    this.element.setAttribute("aria-valuemin", rounds[0]?.round ?? 0);
    this.element.setAttribute("aria-valuemax", rounds.at(-1)?.round ?? 0);
    this.element.setAttribute("aria-valuenow", round?.round ?? 0);
    this.element.setAttribute("aria-valuetext", round ? sentence(round) : "no round yet");
  }
}

function lane(one, end) {
  const width = 260;
  const place = (ms) => (width * Math.min(ms ?? end, end)) / Math.max(1, end);
  const picture = s("svg", { class: "lane", viewBox: `0 0 ${width} 14`, preserveAspectRatio: "none", "aria-hidden": "true" });
  if (one.asked_ms === null) return picture;
  const heard = one.answered_ms ?? one.finished_ms ?? end;
  const until = one.finished_ms ?? end;
  const bar = (from, to, name) => s("rect", { x: place(from), y: 3, width: Math.max(1.5, place(to) - place(from)), height: 8, class: name });
  picture.append(bar(one.asked_ms, heard, "wait"));
  if (one.answered_ms !== null) picture.append(bar(heard, Math.max(until, heard), `answer ${kOutcomes[one.outcome]}`));
  return picture;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? sorted[Math.floor(sorted.length / 2)] : 0;
}

/// Who took part in a round; stragglers first.
export function lanes(round, whole, onwhole) {
  const ended = (one) => one.finished_ms ?? round.elapsed_ms;
  const took = (one) => ended(one) - (one.asked_ms ?? 0); // who took a place over late is not slow
  const typical = median(round.participants.filter((one) => one.outcome === "taken").map(took));
  const slow = (one) => took(one) > Math.max(2 * typical, typical + 20) || one.outcome === "replaced" || one.outcome === "dropped";
  const sorted = [...round.participants].sort((a, b) => ended(b) - ended(a) || a.slot - b.slot);
  const shown = whole ? sorted : sorted.slice(0, kShown);
  const end = Math.max(1, round.elapsed_ms, ...round.participants.map(ended));
  const stragglers = sorted.filter(slow).length;
  const columns = [
    { name: "device", cell: (one) => h("a", { href: `#/devices/${encodeURIComponent(one.device)}` }, one.device) },
    { name: `0 – ${duration(end)}`, cell: (one) => lane(one, end) },
    { name: "outcome", cell: (one) => [pill(one.outcome, kOutcomes[one.outcome]), one.reason ? [" ", h("a", { href: `/help.html#${one.reason}` }, one.reason)] : null,
      slow(one) && one.outcome === "taken" ? h("span", { class: "straggler" }, " straggler") : null] },
    { name: "asked", number: true, cell: (one) => (one.asked_ms === null ? "away" : duration(one.asked_ms)) },
    { name: "first answer", number: true, cell: (one) => duration(one.answered_ms) },
    { name: "finished", number: true, cell: (one) => duration(one.finished_ms) },
  ];
  return h("div", { class: "lanes" },
    h("p", { class: "note" }, `Round ${integer(round.round)}${round.is_open ? ", open" : ""}: ${round.participants.length} places, ${stragglers} straggler${stragglers === 1 ? "" : "s"}. The slowest first: grey until the first answer, then until the end.`,
      round.is_complete ? "" : " There were more than 1,000; the others are not kept."),
    table(`Devices of round ${round.round}`, columns, shown, { none: "No device had a place in this round.", rowClass: (one) => (slow(one) ? "slow" : "") }),
    sorted.length > shown.length ? h("button", { type: "button", onclick: onwhole }, `Show all ${integer(sorted.length)}`) : null);
}

export const timelineKey = () => h("ul", { class: "key" },
  [["online", "all taken"], ["excluded", "somebody was replaced"], ["revoked", "diverged or refused"]].map(([name, text]) => {
    const mark = h("span", { class: "swatch", "aria-hidden": "true" });
    mark.style.background = `var(--state-${name})`;
    return h("li", null, mark, text);
  }));
