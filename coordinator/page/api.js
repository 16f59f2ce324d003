// The service's interface: requests, pages of lists, and the stream of events.

import { emit, setToken, state, token } from "./session.js";

const kAnswerMs = 30000;

/// An answer that is no success, or none at all (status 0).
export class Problem extends Error {
  constructor(status, code, detail) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

function headers(more) {
  const secret = token();
  return secret ? { Authorization: `Bearer ${secret}`, ...more } : { ...more };
}

async function problemOf(response) {
  let said = {};
  try {
    said = await response.json();
  } catch {
    // a proxy between us and the service has answered
  }
  const wait = response.headers.get("Retry-After");
  const detail = said.detail ?? `The server answered ${response.status} ${response.statusText}.`;
  return new Problem(response.status, said.code ?? "", wait ? `${detail} Try again in ${wait} s.` : detail);
}

/// The response to a request; throws a Problem. A token that is refused ends the session.
export async function ask(method, path, { body, signal, more } = {}) {
  const options = { method, signal, cache: "no-store", credentials: "omit", headers: headers(more) };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "unreachable", "The service does not answer. Is skink-coordinator running, and the network up?");
  }
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (problem.status === 401 && state.session) {
    setToken("");
    emit("logout", "The token is not valid any more. Log in with another one.");
  }
  throw problem;
}

/// A service that takes the question and never answers counts as away after a while: what is asked next waits for it.
export async function get(path, signal) {
  const limit = AbortSignal.timeout(kAnswerMs);
  return (await ask("GET", path, { signal: signal ? AbortSignal.any([signal, limit]) : limit })).json();
}

export async function change(method, path, body) {
  const response = await ask(method, path, { body });
  return response.status === 204 ? null : response.json();
}

/// All items of a list. `onPage` is called with those of each page.
export async function all(path, { signal, onPage, after = "" } = {}) {
  const items = [];
  for (let next = after; next !== null; ) {
    const mark = path.includes("?") ? "&" : "?";
    const page = await get(`${path}${mark}limit=500${next === "" ? "" : `&after=${encodeURIComponent(next)}`}`, signal);
    items.push(...page.items);
    onPage?.(page.items, items);
    next = page.next;
  }
  return items;
}

/// Saves what a path answers as a file: a link could not carry the token.
export async function download(path, name) {
  const blob = await (await ask("GET", path)).blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// ---- the stream -----------------------------------------------------------------------------------------------------

const kSilenceMs = 40000; // the service says something every 15 s
const kLongestWaitMs = 30000;

/// One block of text/event-stream; a comment has no data.
function parse(block) {
  const event = { id: "", type: "message", data: "" };
  for (const line of block.split("\n")) {
    if (line.startsWith("id:")) event.id = line.slice(3).trim();
    else if (line.startsWith("event:")) event.type = line.slice(6).trim();
    else if (line.startsWith("data:")) event.data += line.slice(5).trim();
  }
  return event;
}

/// Reads one connection to its end.
async function read(response, onEvent, onBytes) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onBytes();
    text += value.replaceAll("\r", "");
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const event = parse(block);
      if (event.data) onEvent(event);
    }
  }
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
    window.addEventListener("online", () => (clearTimeout(timer), resolve()), { once: true, signal });
  });
}

function setLink(is, text) {
  state.link = { is, text };
  emit("link", state.link);
}

/// Follows the events until `signal` is aborted; each comes as "event" on the bus, and "reload" when some were missed.
export async function follow(signal) {
  let last = "";
  for (let failures = 0; !signal.aborted; ) {
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    signal.addEventListener("abort", stop, { once: true });
    let watchdog = 0;
    const heard = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(stop, kSilenceMs);
    };
    try {
      heard();
      const more = { Accept: "text/event-stream", ...(last && { "Last-Event-ID": last }) };
      const response = await ask("GET", "/api/v1/events", { signal: attempt.signal, more });
      if (failures > 0 && !last) emit("reload");
      failures = 0;
      setLink("live", "");
      await read(response, (event) => {
        if (event.id) last = event.id;
        if (event.type === "gap" || event.type === "lagged") {
          last = "";
          emit("reload");
        } else {
          emit("event", { type: event.type, data: JSON.parse(event.data) });
        }
      }, heard);
    } catch (problem) {
      if (signal.aborted || problem.status === 401) return;
      setLink("waiting", problem instanceof Problem ? problem.message : "The stream of events has ended.");
    } finally {
      clearTimeout(watchdog);
      signal.removeEventListener("abort", stop);
      attempt.abort();
    }
    if (signal.aborted) return;
    const wait = Math.min(kLongestWaitMs, 500 * 2 ** failures) * (0.75 + Math.random() / 2);
    failures += 1;
    if (state.link.is === "live") setLink("waiting", "The stream of events has ended.");
    await pause(wait, signal);
  }
}
