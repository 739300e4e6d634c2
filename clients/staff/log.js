// The audit log with its filters, and the proof of it.

const KINDS = [
  "alerts.read", "audit.exported", "audit.key-changed", "audit.read", "audit.verified", "bank.submitted", "bank.withdrawn",
  "benign.added", "benign.removed", "case.linked", "case.pin-refused", "case.submitted", "case.withdrawn",
  "feed.delivered", "feedback.given", "key.approved", "key.hit-rate", "key.issued", "key.limited", "key.listed",
  "key.paused", "key.probing", "key.resumed", "key.revoked", "key.rotated", "log.renamed", "match.hit", "match.missed",
  "overdue.listed", "retention.erased", "review.decided", "review.listed", "review.opened", "statistics.read",
  "webhook.deleted", "webhook.registered", "webhook.replayed", "withdrawal.confirmed",
];
const PAGE = 50;

let entries = []; // those on the screen, the newest first
let checkpoint = ""; // the one on the screen, as it was signed

/** Shows the log by the filters, from its end, or what is older than what is shown. */
async function showLog(older = false) {
  const before = older ? entries.at(-1)?.position : undefined;
  const asked = { kind: $("kind").value, actor: $("actor").value.trim(), subject: $("subject").value.trim() };
  const page = await readLog({ ...asked, before, limit: PAGE });
  entries = older ? [...entries, ...page.entries] : page.entries;
  $("older").hidden = page.entries.length < PAGE || entries.at(-1)?.position === 1;
  fill($("entries"), ["No.", "When (UTC)", "Kind", "Actor", "Case", "Details"], entries.map(entryRow), "No entry is like that.");
  $("links").textContent = await linked();
  announce(`${count(entries.length, "entry", "entries")} shown`);
}

function entryRow(entry) {
  const kind = button(entry.kind, () => filterBy("kind", entry.kind), "link");
  const actor = button(entry.actor, () => filterBy("actor", entry.actor), "link");
  const subject = entry.subject ? button(entry.subject.slice(0, 8), () => filterBy("subject", entry.subject), "link mono") : "";
  if (subject) subject.title = entry.subject;
  return [String(entry.position), time(entry.at), kind, actor, subject, detailsOf(entry.details)];
}

/** What an entry says, a name and a value each; the long ones are folded. */
function detailsOf(details) {
  const said = Object.entries(details).filter(([, value]) => value !== null && value !== "");
  return el("div", "details", "", ...said.map(([name, value]) => {
    const text = typeof value === "object" ? canonical(value) : String(value);
    return el("div", "", "", el("span", "soft", `${name} `), text.length > 90 ? folded(text) : el("span", "", text));
  }));
}

function folded(text) {
  return el("details", "", "", el("summary", "", `${text.slice(0, 60)}…`), el("code", "", text));
}

function filterBy(name, value) {
  $(name).value = value;
  return attempt(() => showLog());
}

/** Computes again what links the entries that follow each other on the screen. */
async function linked() {
  let fit = 0;
  for (let i = 0; i + 1 < entries.length; i += 1) {
    const [entry, before] = [entries[i], entries[i + 1]];
    if (entry.position !== before.position + 1) continue;
    const previous = Uint8Array.from(before.digest.match(/../g), (byte) => parseInt(byte, 16));
    if (await digestAfter(previous, entry) !== entry.digest) throw new Broken(entry.position, "it is not linked to the one before");
    fit += 1;
  }
  return fit ? `${count(fit, "entry fits", "entries fit")} the digest of the one before: computed here.` : "";
}

async function showChain() {
  const [page, note] = await Promise.all([readLog({ limit: 1 }), readCheckpoint()]);
  checkpoint = note;
  $("checkpoint").textContent = note;
  facts($("head"), [
    ["Entries", page.head.position.toLocaleString("en")],
    ["Digest of the last", code(page.head.digest)],
    ["Signed checkpoint", `of ${count(parseCheckpoint(note).size, "entry", "entries")}`],
  ]);
}

async function verifyLog() {
  const kept = $("kept").value.trim() ? parseCheckpoint($("kept").value) : null;
  if ($("kept").value.trim() && !kept) throw new Trouble("form", "This is not a checkpoint: paste it whole, with the line of its signature.");
  const result = $("walked");
  result.className = "";
  result.textContent = "Reading …";
  try {
    const verifier = await readVerifier();
    if (kept && await isSigned(kept, verifier) === false) throw new Trouble("form", "The checkpoint that you kept is not signed with this service’s key.");
    const found = await verifyExport(await readExport(), kept, (size) => {
      result.textContent = `${size.toLocaleString("en")} entries fit so far …`;
    });
    const signed = await isSigned(found, verifier);
    if (signed === false) throw new Broken(found.size, "the checkpoint behind it is not signed with the service’s key");
    const { same_root: same } = await tellVerified({ fits: true, position: found.size, root: hex(found.root) });
    if (!same) throw new Trouble("form", "The log that was exported fits, but is not the one that the service has.");
    result.textContent = verified(found, kept, signed);
    result.className = "good";
  } catch (error) {
    result.textContent = "";
    if (error instanceof Broken) await tellVerified({ fits: false, position: error.position }).catch(() => {});
    throw error;
  }
}

function verified({ size }, kept, signed) {
  const parts = [`All ${count(size, "entry fits", "entries fit")}: each digest, and the root of the tree that the checkpoint signs.`];
  parts.push(signed ? "The signature is good." : "This browser cannot check the signature (Ed25519).");
  if (kept) parts.push(`The log has grown from your checkpoint of ${kept.size.toLocaleString("en")}.`);
  return parts.join(" ");
}

function saveCheckpoint() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([checkpoint], { type: "application/octet-stream" }));
  link.download = `checkpoint-${parseCheckpoint(checkpoint).size}.txt`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60e3);
}
