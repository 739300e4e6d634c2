// The panel of platforms and their keys.

const KEY_STATUSES = { "in-force": "active" }; // others are shown as the service names them
const KEY_SCOPES = {
  match: "look up hashes", feedback: "report results", feed: "read all hashes", submit: "submit hashes",
  audit: "read what staff read", admin: "manage keys, decide reviews",
};

async function showKeys() {
  const { keys } = await fetchKeys();
  const platforms = [...new Set(keys.map((key) => key.platform))].sort();
  $("platforms").replaceChildren(...platforms.map((platform) => {
    const rows = keys.filter((key) => key.platform === platform).map(keyRow);
    const table = fillTable(el("table"), ["Key", "Scopes", "Status", "Issued", "Valid until", "Fingerprint", "Note", "Actions"], rows, "");
    const scroll = el("div", "scroll", "", table);
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", `Keys of ${platform}`);
    return el("section", "", "", el("h2", "", platform), scroll);
  }));
}

function keyRow(key) {
  const status = el("span", key.status === "in-force" ? "badge" : "badge off", KEY_STATUSES[key.status] ?? key.status);
  const approval = key.approved_by ? `, approved by ${key.approved_by}` : "";
  const issued = el("span", "", "", time(key.created_at), ` by ${key.issued_by}${approval}`);
  const end = time(key.revoked_at ?? key.expires_at);
  const fingerprint = key.secret_known_to_issuer ? "secret known to its issuer" : code(key.fingerprint);
  return [String(key.id), key.scopes.join(", "), status, issued, end, fingerprint, key.note, keyActions(key)];
}

function keyActions(key) {
  const actions = el("div", "actions");
  const addAction = (name, question, work, done, className) => {
    const opener = createButton(name, () => confirmInPlace(actions, opener, question, name, async () => {
      await work(key.id);
      await showKeys();
      announce(`Key ${key.id} ${done}`);
      document.querySelector("#keys h1").focus();
    }), `small ${className}`);
    opener.setAttribute("aria-label", `${name} key ${key.id}`);
    actions.append(opener);
  };
  if (key.status === "pending") {
    const question = `Has the holder read you ${key.fingerprint}? Then key ${key.id} becomes active with the scopes shown.`;
    addAction("Approve", question, approveKey, "approved", "");
  }
  if (["unused", "pending", "in-force"].includes(key.status)) {
    addAction("Revoke", `Key ${key.id} stops working. This cannot be undone.`, revokeKey, "revoked", "danger");
  }
  return actions;
}

async function registerKey() {
  const scopes = [...document.querySelectorAll("#key-scopes input:checked")].map((box) => box.value);
  const body = { platform: $("key-platform").value, scopes, digest: $("key-digest").value.trim(), note: $("key-note").value };
  const key = await postKey(body);
  $("register-form").reset();
  await showKeys();
  announce(`Key ${key.id} is registered. Its holder has to activate it, then another admin to approve it.`);
}

for (const [scope, meaning] of Object.entries(KEY_SCOPES)) {
  const box = el("input");
  Object.assign(box, { type: "checkbox", value: scope, id: `scope-${scope}` });
  const label = el("label", "", "", box, ` ${scope}: ${meaning}`);
  label.htmlFor = box.id;
  $("key-scopes").append(label);
}
$("register-form").onsubmit = (event) => {
  event.preventDefault();
  attempt(registerKey, $("register-key"));
};
