// The audit log panel: the newest entries, filtered, with their hash chain recomputed.

const PAGE_SIZE = 50;

let entries = []; // those on the screen, newest first

/** Show the newest entries that pass the filters or, if `older`, add those before the ones shown. */
async function showLog(older = false) {
  const before = older ? entries.at(-1)?.position : undefined;
  const filters = { kind: $("kind").value, actor: $("actor").value.trim(), subject: $("subject").value.trim() };
  const page = await fetchLatestEntries({ ...filters, before, limit: PAGE_SIZE });
  entries = older ? [...entries, ...page.entries] : page.entries;
  $("older").hidden = page.entries.length < PAGE_SIZE || entries.at(-1)?.position === 1;
  const headings = ["Entry", "Time (UTC)", "Kind", "Actor", "Case", "Details"];
  fillTable($("entries"), headings, entries.map(entryRow), "No matching entries.");
  const links = await countVerifiedLinks();
  $("links").textContent = links
    ? `Checked in this browser: ${count(links, "entry links", "entries link")} to the previous entry by digest.`
    : "";
  announce(`${count(entries.length, "entry", "entries")} shown`);
}

function entryRow(entry) {
  const kind = createButton(entry.kind, () => filterBy("kind", entry.kind), "link");
  const actor = createButton(entry.actor, () => filterBy("actor", entry.actor), "link");
  const subject = entry.subject ? createButton(entry.subject.slice(0, 8), () => filterBy("subject", entry.subject), "link mono") : "";
  if (subject) subject.title = entry.subject;
  return [String(entry.position), time(entry.at), kind, actor, subject, entryDetails(entry.details)];
}

/** Return an entry's details, a name and a value each; long values are collapsed. */
function entryDetails(details) {
  const given = Object.entries(details).filter(([, value]) => value !== null && value !== "");
  return el("div", "details", "", ...given.map(([name, value]) => {
    const text = typeof value === "object" ? canonicalJson(value) : String(value);
    return el("div", "", "", el("span", "soft", `${name} `), text.length > 90 ? collapsed(text) : el("span", "", text));
  }));
}

function collapsed(text) {
  return el("details", "", "", el("summary", "", `${text.slice(0, 60)}…`), el("code", "", text));
}

function filterBy(field, value) {
  $(field).value = value;
  return attempt(() => showLog());
}

/** Recompute the digest of every entry whose predecessor is on the screen too; return their number. */
async function countVerifiedLinks() {
  let links = 0;
  for (let i = 0; i + 1 < entries.length; i += 1) {
    const [entry, previous] = [entries[i], entries[i + 1]];
    if (entry.position !== previous.position + 1) continue;
    if (await chainDigest(fromHex(previous.digest), entry) !== entry.digest) {
      throw new VerificationError(entry.position, "its digest does not link it to the previous entry");
    }
    links += 1;
  }
  return links;
}
