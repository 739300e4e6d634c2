// The panel of responses that platforms owe.

const MISSING_RESPONSES = {
  match: "Removal after a match",
  review: "Result of a review",
  withdrawal: "Confirmation of a withdrawal",
};

async function showOverdue() {
  const { hours, overdue } = await fetchOverdue();
  $("overdue-lead").textContent = `Platforms have owed these responses for more than ${count(hours, "hour")}. Oldest first.`;
  const rows = overdue.map((each) => [
    each.platform,
    MISSING_RESPONSES[each.what],
    el("span", "", `${elapsed(each.since)}, since `, time(each.since)),
    each.feedback ? FEEDBACK[each.feedback] : "none",
    code(each.record),
  ]);
  const headings = ["Platform", "Missing", "Waiting", "Feedback", "Record"];
  fillTable($("overdue-table"), headings, rows, "No overdue responses.");
  announce(rows.length ? count(rows.length, "overdue response") : "No overdue responses.");
}
