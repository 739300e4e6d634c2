// Shows one panel at a time, and connects the controls to what they do.

const PANELS = {
  overview: showOverview,
  review: showReviews,
  log: () => showLog(),
  integrity: showIntegrity,
  overdue: showOverdue,
  keys: showKeys,
};

/** Show a panel, and fetch its contents. */
async function showPanel(panel) {
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== panel;
  for (const tab of document.querySelectorAll("[data-panel]")) {
    if (tab.dataset.panel === panel) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  const title = document.querySelector(`#${panel} h1`);
  title.tabIndex = -1;
  title.focus({ preventScroll: true });
  scrollTo(0, 0);
  await attempt(PANELS[panel]);
}

for (const tab of document.querySelectorAll("[data-panel]")) tab.onclick = () => showPanel(tab.dataset.panel);
const periodButtons = document.querySelectorAll("[data-period]");
for (const button of periodButtons) {
  button.onclick = () => {
    period = button.dataset.period;
    setPressed(periodButtons, button);
    return attempt(showOverview, button);
  };
}
const stateButtons = document.querySelectorAll("[data-state]");
for (const button of stateButtons) {
  button.onclick = () => {
    reviewState = button.dataset.state;
    setPressed(stateButtons, button);
    return attempt(showReviews, button);
  };
}
for (const kind of AUDIT_KINDS) $("kinds").append(new Option(kind));
$("filters").onsubmit = (event) => {
  event.preventDefault();
  attempt(() => showLog(), $("apply-filters"));
};
$("older").onclick = () => attempt(() => showLog(true), $("older"));
$("verify-form").onsubmit = (event) => {
  event.preventDefault();
  attempt(verifyLog, $("verify"));
};
$("save-checkpoint").onclick = saveCheckpoint;
addEventListener("resize", drawCharts);
// A page restored from the back/forward cache would still show its data.
addEventListener("pageshow", (event) => event.persisted && location.reload());
