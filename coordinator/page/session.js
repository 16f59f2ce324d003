// What the page knows: whose token it has, where the service stands, whether the stream of events is connected. Views
// listen on the bus; nothing here touches the document.

const kToken = "skink.token";
const bus = new EventTarget();

export const state = {
  session: null, // GET /api/v1/session
  status: null, // GET /api/v1/status, kept up to date by events
  modelHash: null, // of the last round
  events: [], // the latest that the stream told, the newest first: the log has them a second later
  link: { is: "connecting", text: "" }, // of the stream: connecting, live, waiting
};

/// Calls `listener` with the detail of each such happening until `signal` is aborted.
export function on(type, listener, signal) {
  bus.addEventListener(type, (event) => listener(event.detail), { signal });
}

export function emit(type, detail) {
  bus.dispatchEvent(new CustomEvent(type, { detail }));
}

/// The token lives as long as the tab.
export function token() {
  try {
    return sessionStorage.getItem(kToken) ?? "";
  } catch {
    return state.token ?? "";
  }
}

export function setToken(text) {
  state.token = text;
  try {
    if (text) sessionStorage.setItem(kToken, text);
    else sessionStorage.removeItem(kToken);
  } catch {
    // storage is forbidden: it lives as long as the page
  }
}

const kScopes = ["read", "operate", "admin"];

/// Why the token does not permit what needs `scope`; empty: it does.
export function lacks(scope) {
  const has = state.session?.scope ?? "read";
  if (kScopes.indexOf(has) >= kScopes.indexOf(scope)) return "";
  return `Your token has the scope “${has}”; this needs “${scope}”.`;
}
