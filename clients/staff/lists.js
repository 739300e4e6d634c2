// The overview, what is overdue, and platforms with their keys.

const SPANS = { hour: 48, day: 30 };
const OWED = { match: "a match without a removal", review: "a review that was begun", withdrawal: "a withdrawal to confirm" };

const ALERTS = {
  "key.probing": "Look-ups like a walk around one hash",
  "key.paused": "Paused: it went on",
  "key.hit-rate": "Far more hits than is usual for it",
};

let span = "hour";
let statistics = null;

async function showOverview() {
  const [found, owed, { alerts }] = await Promise.all(
    [readStatistics(span, SPANS[span]), readOverdue(), readAlerts()]);
  statistics = found;
  showOpenCount(found.open_reviews);
  facts($("tiles"), [
    ["hashes can be matched", found.hashes.toLocaleString("en")],
    ["wait for a decision", tile(found.open_reviews, "review")],
    ["answers are overdue", tile(owed.overdue.length, "overdue")],
  ]);
  const rows = alerts.map((each) => [time(each.at), ALERTS[each.kind] ?? each.kind, each.key ? `No. ${each.key}` : "", detailsOf(each.details)]);
  fill($("alerts"), ["When (UTC)", "What", "Key", "Details"], rows, "No alerts.");
  drawPlots();
}

function tile(n, panel) {
  const made = button(n.toLocaleString("en"), () => open(panel), "link");
  made.ariaLabel = `${n}: show ${panel}`;
  return made;
}

/** Draws as wide as there is room, so that letters keep their size. */
function drawPlots() {
  if (!statistics || $("overview").hidden) return;
  const room = $("plots").clientWidth;
  const columns = room > 900 ? 2 : 1;
  const width = Math.max(240, Math.floor((room - 16 * (columns - 1)) / columns) - 38);
  const series = (name) => statistics.stretches.map((each) => [each.at, each[name]]);
  $("plots").replaceChildren(
    bars("Uploads that matched", series("matched"), statistics.by, width),
    bars("Uploads that did not match", series("missed"), statistics.by, width),
    bars("Images submitted", series("images"), statistics.by, width),
    bars("Images withdrawn", series("withdrawn"), statistics.by, width),
  );
}

async function showOverdue() {
  const { hours, overdue } = await readOverdue();
  $("overdue-lead").textContent = `What platforms have not answered for more than ${count(hours, "hour")}, the oldest first.`;
  const rows = overdue.map((each) => [
    each.platform, OWED[each.what], el("span", "", `${ago(each.since)}, since `, time(each.since)),
    each.feedback ? SAYS[each.feedback] : "nothing", code(each.record),
  ]);
  fill($("owed"), ["Platform", "Owes", "For", "Says", "Record"], rows, "Nothing is overdue.");
  announce(rows.length ? count(rows.length, "answer is overdue", "answers are overdue") : "Nothing is overdue.");
}

async function showKeys() {
  const { keys } = await readKeys();
  const names = [...new Set(keys.map((key) => key.platform))].sort();
  $("platforms").replaceChildren(...names.map((name) => {
    const rows = keys.filter((key) => key.platform === name).map(keyRow);
    const table = fill(el("table"), ["No.", "May", "Status", "Issued", "Ends", "Note", "Do"], rows, "");
    const scroll = el("div", "scroll", "", table);
    Object.assign(scroll, { tabIndex: 0, role: "region", ariaLabel: `Keys of ${name}` });
    return el("section", "", "", el("h2", "", name), scroll);
  }));
}

function keyRow(key) {
  const actions = el("div", "actions");
  const offer = (name, question, work, className) => {
    const opener = button(name, () => confirmIn(actions, opener, question, name, async () => {
      await work(key.id);
      await showKeys();
      announce(`Key ${key.id}: done`);
      document.querySelector("#keys h1").focus();
    }), `small ${className}`);
    opener.ariaLabel = `${name} key ${key.id}`;
    actions.append(opener);
  };
  if (key.status === "pending") offer("Approve", `Key ${key.id} may then do what it says, on your word.`, approveKey, "");
  if (["pending", "in-force"].includes(key.status)) offer("Revoke", `Key ${key.id} opens nothing from then on, for good.`, revokeKey, "grave");
  const status = el("span", key.status === "in-force" ? "badge" : "badge off", key.status.replace("-", " "));
  const issued = el("span", "", "", time(key.created_at), ` by ${key.issued_by}`, key.approved_by ? `, approved by ${key.approved_by}` : "");
  return [String(key.id), key.scopes.join(", "), status, issued, time(key.revoked_at ?? key.expires_at), key.note, actions];
}
