// Tokens, and who changed what: for the scope admin.

import { all, change, get } from "./api.js";
import { button, card, dialog, field, fill, h, show, table, time } from "./dom.js";
import { lacks, on, state } from "./session.js";

const kScopes = { read: "sees everything but tokens and the audit trail", operate: "also queues and changes runs, releases models, describes and revokes devices", admin: "does all" };

function showSecret(token) {
  const secret = h("input", { readonly: true, value: token.secret, class: "secret", onfocus: (event) => event.currentTarget.select() });
  dialog(`Token “${token.name}”`, { confirm: "Done", body: h("div", null, h("p", null, "It is shown this once: the service keeps only a hash of it."), field("Secret", secret)), work: async () => {} });
}

function addToken(load) {
  const name = h("input", { name: "name", maxlength: "64", required: true, autocomplete: "off" });
  const scope = h("select", { name: "scope" }, Object.entries(kScopes).map(([value, text]) => h("option", { value }, `${value}: ${text}`)));
  dialog("Add a token", { confirm: "Add it", body: h("div", { class: "form" }, field("Name", name, "Whose it is: it stands in the audit trail."), field("Scope", scope)),
    work: async (data) => {
      const token = await change("POST", "/api/v1/tokens", { name: data.get("name").trim(), scope: data.get("scope") });
      load();
      showSecret(token);
    } });
}

function tokenTable(tokens, load) {
  const remove = (token) => dialog(`Remove the token “${token.name}”?`, { confirm: "Remove it", kind: "danger", body: h("p", null, "Whoever has it can do nothing with it from now on. Open streams go on until they end."),
    work: async () => {
      await change("DELETE", `/api/v1/tokens/${token.id}`);
      load();
    } });
  return table("Tokens", [{ name: "name", cell: (t) => [t.name, t.name === state.session.name ? h("span", { class: "faint" }, " (you)") : null] }, { name: "scope", cell: (t) => t.scope }, { name: "created", cell: (t) => time(t.created) },
    { name: "actions", cell: (t) => button("Remove …", () => remove(t), { label: `Remove the token ${t.name}` }) }], tokens, { none: "There is no token: only the unix socket is open." });
}

const kAudit = [
  { name: "at", cell: (row) => time(row.at) }, { name: "who", cell: (row) => row.who }, { name: "action", cell: (row) => row.action },
  { name: "subject", cell: (row) => row.subject }, { name: "detail", cell: (row) => h("span", { class: "wrap" }, row.detail) },
];

export function accessView(main, signal) {
  const refused = lacks("admin");
  const tokens = h("div");
  const audit = h("div");
  const load = () => {
    if (refused) return;
    show(tokens, "tokens", async () => tokenTable(await all("/api/v1/tokens", { signal }), load), signal);
    show(audit, "the audit trail", async () => table("Audit trail", kAudit, (await get("/api/v1/audit?last=200", signal)).items.reverse(), { none: "Nobody has changed anything yet." }), signal);
  };
  fill(main, h("div", { class: "title" }, h("h1", null, "Access"), button("Add a token", () => addToken(load), { refused, kind: "primary" })),
    refused ? card("For administrators", { wide: true }, h("p", { class: "empty" }, `${refused} Log in with another token to see tokens and the audit trail.`))
      : h("div", { class: "stack" }, card("Tokens", { wide: true, name: "tokens", note: "Programs and people who come over the network need one." }, tokens),
        card("Audit trail", { wide: true, name: "audit", note: "Who changed what: the latest 200. skinkctl audit has all." }, audit)));
  load();
  on("reload", load, signal);
}
