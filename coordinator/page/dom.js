// Elements, and how things are said. Text is inserted as text: nothing that a server or a device says becomes markup.

function put(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

function set(element, properties) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "selected") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  return element;
}

/// h("a", {href: "#/runs", onclick: f}, "text", element, [more])
export function h(tag, properties, ...children) {
  return put(set(document.createElement(tag), properties), children);
}

export function s(tag, properties, ...children) {
  return put(set(document.createElementNS("http://www.w3.org/2000/svg", tag), properties), children);
}

/// Replaces what is in an element.
export function fill(element, ...children) {
  element.replaceChildren();
  return put(element, children);
}

let ids = 0;
export function newId() {
  ids += 1;
  return `i${ids}`;
}

/// For screen readers.
export function announce(text) {
  document.getElementById("live").textContent = text;
}

// ---- numbers --------------------------------------------------------------------------------------------------------

const kInteger = new Intl.NumberFormat("en");

export function integer(value) {
  return value === null || value === undefined ? "–" : kInteger.format(value);
}

export function figure(value, digits = 4) {
  if (value === null || value === undefined) return "–";
  if (value !== 0 && (Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3)) return value.toExponential(2);
  return Number(value.toPrecision(digits)).toString();
}

export function percent(value) {
  return value === null || value === undefined ? "–" : `${(100 * value).toFixed(1)} %`;
}

export function bytes(value) {
  if (value === null || value === undefined) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit += 1) value /= 1000;
  return `${unit === 0 ? Math.round(value) : value.toPrecision(3)} ${units[unit]}`;
}

export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60000) return `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s`;
  const minutes = Math.round(ms / 60000);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 2880) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.round(minutes / 1440)} days`;
}

/// A time of the service's, with the whole of it as a tooltip.
export function time(iso) {
  if (!iso) return h("span", { class: "faint" }, "–");
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return h("span", null, iso);
  const today = date.toDateString() === new Date().toDateString();
  const clock = date.toLocaleTimeString("en-GB");
  const two = (n) => String(n).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return h("time", { datetime: iso, title: iso }, today ? clock : `${day} ${clock}`);
}

// ---- parts ----------------------------------------------------------------------------------------------------------

export function card(title, { tools, note, wide, name } = {}, ...children) {
  const id = newId();
  return h("section", { class: `card${wide ? " wide" : ""}${name ? ` ${name}` : ""}`, "aria-labelledby": id },
    h("header", null, h("h2", { id }, title), tools ? h("div", { class: "tools" }, tools) : null),
    note ? h("p", { class: "note" }, note) : null, children);
}

const kMarks = { good: "●", bad: "▲", warn: "◆", idle: "○", busy: "◐" };

/// A state as a word, a mark and a colour.
export function pill(text, kind) {
  return h("span", { class: `pill ${kind}` }, h("span", { "aria-hidden": "true" }, kMarks[kind] ?? "○"), " ", text);
}

const kPhases = { running: "good", finished: "good", released: "good", waiting: "busy", queued: "busy", judging: "busy",
  paused: "warn", stopped: "warn", "held back": "warn", stalled: "bad", failed: "bad", "broker lost": "bad", standby: "bad", idle: "idle" };
export function phase(text) {
  return pill(text, kPhases[text] ?? "idle");
}

/// A button. `refused` says why it cannot be used; it stays in the tab order, so that everybody can learn why.
export function button(text, onclick, { refused, kind, label } = {}) {
  if (!refused) return h("button", { type: "button", class: kind ?? "", onclick, "aria-label": label }, text);
  const id = newId();
  return h("span", { class: "refused" },
    h("button", { type: "button", class: kind ?? "", "aria-disabled": "true", "aria-describedby": id, "aria-label": label,
      title: refused }, text), h("span", { id, class: "unseen" }, refused));
}

/// A hash: its beginning, and a button that copies it.
export function hash(text) {
  if (!text) return h("span", { class: "faint" }, "–");
  const said = h("span", { class: "unseen", role: "status" });
  const two = "M5 5V1.500h9.500V11H11 M1.500 5H11v9.500H1.500z";
  const drawn = s("path", { d: two });
  const icon = s("svg", { class: "copied", viewBox: "0 0 16 16", "aria-hidden": "true" }, drawn);
  const copy = h("button", { type: "button", class: "copy", title: `${text}: copy`, "aria-label": `Copy the hash ${text.slice(0, 8)}` },
    h("code", null, text.slice(0, 8)), icon);
  copy.addEventListener("click", async () => {
    let done = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      done = false; // over plain HTTP browsers may forbid it: then it is shown to be copied by hand
    }
    said.textContent = done ? "copied" : text;
    if (!done) fill(copy.querySelector("code"), text);
    if (done) drawn.setAttribute("d", "M2 8.500l4 4L14 3.500");
    setTimeout(() => drawn.setAttribute("d", two), 1500);
  });
  return h("span", { class: "hash" }, copy, said);
}

/// A table that scrolls by itself when it is wide. Columns: {name, cell(row), number}.
export function table(caption, columns, rows, { none = "Nothing yet.", rowClass } = {}) {
  if (rows.length === 0) return h("p", { class: "empty" }, none);
  const head = columns.map((column) => h("th", { scope: "col", class: column.number ? "number" : null }, column.name));
  const line = (row) => h("tr", { class: rowClass?.(row) || null }, columns.map((column, i) =>
    h(i === 0 ? "th" : "td", { scope: i === 0 ? "row" : null, class: column.number ? "number" : null }, column.cell(row))));
  return h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption },
    h("table", null, h("caption", { class: "unseen" }, caption), h("thead", null, h("tr", null, head)),
      h("tbody", null, rows.map(line))));
}

/// {name: value} as a list of facts; values that are null are left out.
export function facts(pairs) {
  return h("dl", { class: "facts" }, Object.entries(pairs).filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))));
}

export function loading(what) {
  return h("p", { class: "loading", role: "status" }, h("span", { class: "spinner", "aria-hidden": "true" }), ` Loading ${what} …`);
}

/// What went wrong, and what to do.
export function failure(problem, again) {
  return h("div", { class: "failure", role: "alert" }, h("p", null, problem.message ?? String(problem)),
    problem.code && problem.status ? h("p", { class: "faint" }, "Code: ", h("a", { href: `/help.html#${problem.code}` }, problem.code)) : null,
    again ? button("Try again", again) : null);
}

/// Fills `host` with what `work` gives: first that it loads, then the result or why there is none.
export async function show(host, what, work, signal) {
  if (!host.hasChildNodes()) fill(host, loading(what));
  try {
    const content = await work();
    if (!signal?.aborted) fill(host, content);
  } catch (problem) {
    if (problem.name === "AbortError" || signal?.aborted) return;
    fill(host, failure(problem, () => {
      fill(host);
      show(host, what, work, signal);
    }));
  }
}

export function field(label, control, hint) {
  const id = newId();
  control.id = id;
  if (hint) control.setAttribute("aria-describedby", `${id}h`);
  return h("div", { class: "field" }, h("label", { for: id }, label), control,
    hint ? h("small", { id: `${id}h` }, hint) : null);
}

/// Some choices of which one is pressed.
export function choice(label, options, chosen, onchange) {
  const group = h("div", { class: "choice", role: "group", "aria-label": label });
  for (const [value, text] of Object.entries(options)) {
    group.append(h("button", { type: "button", "aria-pressed": String(value === chosen), onclick: (event) => {
      for (const other of group.children) other.setAttribute("aria-pressed", String(other === event.currentTarget));
      onchange(value);
    } }, text));
  }
  return group;
}

/// Asks before something is done. `work` is called with the form's data; what it throws is shown, and the dialog stays.
export function dialog(title, { body, confirm, kind, work }) {
  const id = newId();
  const said = h("div", { role: "alert" });
  const submit = h("button", { type: "submit", class: kind ?? "primary" }, confirm);
  const close = () => box.close();
  const form = h("form", { method: "dialog" }, h("h2", { id }, title), body, said,
    h("div", { class: "buttons" }, h("button", { type: "button", onclick: close }, "Cancel"), submit));
  const box = h("dialog", { "aria-labelledby": id }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    fill(said);
    try {
      await work(new FormData(form));
      close();
    } catch (problem) {
      fill(said, failure(problem));
    }
    submit.disabled = false;
  });
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
  return box;
}

/// Does `work` at most every `ms`, and once more after the last call.
export function throttle(ms, work) {
  let timer = 0;
  let last = 0;
  return () => {
    if (timer) return;
    timer = setTimeout(() => {
      timer = 0;
      last = performance.now();
      work();
    }, Math.max(0, last + ms - performance.now()));
  };
}

/// `work`, never twice at once. Who asks while it is at work gets what it finds when it is done once more: an answer
/// that was on its way then may be older than what he has heard.
export function oneAtATime(work) {
  let now = null;
  let next = null;
  const ask = () => {
    if (now === null) return (now = work().finally(() => (now = null)));
    next ??= now.catch(() => {}).then(() => {
      next = null;
      return ask();
    });
    return next;
  };
  return ask;
}
