// The overview panel: totals, charts over time, alerts.

const PERIODS = { hour: 48, day: 30 }; // how many of each unit are shown
const CHARTS = {
  matched: "Matched uploads",
  missed: "Unmatched uploads",
  images: "Submitted images",
  withdrawn: "Withdrawn images",
};
const ALERT_TITLES = {
  "key.probing": "Lookups that probe around one hash",
  "feedback.bulk": "A platform disputes very many hashes",
  "review.opened": "Hashes became suspect: see the review queue",
  "key.hit-rate": "Unusually high share of matches",
};

let period = "hour";
let statistics = null;

async function showOverview() {
  const [found, { overdue }, { alerts }] = await Promise.all(
    [fetchStatistics(period, PERIODS[period]), fetchOverdue(), fetchAlerts()]);
  statistics = found;
  showOpenCount(found.open_reviews);
  fillList($("tiles"), [
    ["active hashes", formatNumber(found.hashes)],
    ["open reviews", linkToPanel(found.open_reviews, "review")],
    ["overdue responses", linkToPanel(overdue.length, "overdue")],
  ]);
  const rows = alerts.map((alert) =>
    [time(alert.at), ALERT_TITLES[alert.kind] ?? alert.kind, String(alert.key ?? ""), entryDetails(alert.details)]);
  fillTable($("alerts"), ["Time (UTC)", "Alert", "Key", "Details"], rows, "No alerts.");
  drawCharts();
}

function linkToPanel(n, panel) {
  const button = createButton(formatNumber(n), () => showPanel(panel), "link");
  button.setAttribute("aria-label", `${n}: open ${panel}`);
  return button;
}

/** Draw the charts in the width that is available, so that their text keeps its size. */
function drawCharts() {
  if (!statistics || $("overview").hidden) return;
  const available = $("charts").clientWidth;
  const columns = available > 900 ? 2 : 1;
  const width = Math.max(240, Math.floor((available - 16 * (columns - 1)) / columns) - 38);
  $("charts").replaceChildren(...Object.entries(CHARTS).map(([name, title]) =>
    barChart(title, statistics.stretches.map((each) => [each.at, each[name]]), statistics.by, width)));
}
