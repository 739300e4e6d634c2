// The page: sign in, one panel at a time, sign out.

const PANELS = { overview: showOverview, review: showReviews, log: () => showLog(), chain: showChain, overdue: showOverdue, keys: showKeys };
const IDLE = 15 * 60_000;
const ENDED = {
  "#idle": "You did nothing for 15 minutes, so the session has ended.",
  "#revoked": "Your key is not in force any more, so the session has ended.",
};

let idle = 0; // the timer that ends the session

/** Opens a panel, and reads anew what is in it. */
async function open(panel) {
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== panel;
  for (const tab of document.querySelectorAll("[data-panel]")) {
    if (tab.dataset.panel === panel) tab.ariaCurrent = "page";
    else tab.removeAttribute("aria-current");
  }
  const title = document.querySelector(`#${panel} h1`);
  title.tabIndex = -1;
  title.focus({ preventScroll: true });
  scrollTo(0, 0);
  await attempt(PANELS[panel]);
}

async function enter(event) {
  event.preventDefault();
  const typed = { key: $("key").value.trim(), reason: $("why").value.trim() };
  if (/[^\x21-\x7e]/.test(typed.key)) return trouble("This is not a key: it has letters, digits, - and _ only.");
  session = typed;
  const found = await attempt(readOverdue, $("enter"));
  if (!found) {
    session = null;
    return undefined;
  }
  $("sign-in-form").reset();
  $("as").textContent = `Reason: ${session.reason}`;
  for (const id of ["as", "sign-out", "panels"]) $(id).hidden = false;
  stayAwake();
  return open("overview");
}

/** Forgets key and reason, and all that was read: the page begins anew, and may say why. */
function leave(why = "") {
  if (!session) return;
  session = null;
  history.replaceState(null, "", why ? `#${why}` : location.pathname);
  location.reload();
}

function stayAwake() {
  clearTimeout(idle);
  if (session) idle = setTimeout(() => leave("idle"), IDLE);
}

$("sign-in-form").onsubmit = enter;
$("sign-out").onclick = () => leave();
for (const tab of document.querySelectorAll("[data-panel]")) tab.onclick = () => open(tab.dataset.panel);
for (const chosen of document.querySelectorAll("[data-span]")) {
  chosen.onclick = () => {
    span = chosen.dataset.span;
    choose(document.querySelectorAll("[data-span]"), chosen);
    return attempt(showOverview, chosen);
  };
}
for (const chosen of document.querySelectorAll("[data-state]")) {
  chosen.onclick = () => {
    state = chosen.dataset.state;
    choose(document.querySelectorAll("[data-state]"), chosen);
    return attempt(showReviews, chosen);
  };
}
for (const kind of KINDS) $("kinds").append(new Option(kind));
$("filters").onsubmit = (event) => {
  event.preventDefault();
  attempt(() => showLog(), $("filter"));
};
$("older").onclick = () => attempt(() => showLog(true), $("older"));
$("verify").onsubmit = (event) => {
  event.preventDefault();
  attempt(verifyLog, $("verify-now"));
};
$("save-checkpoint").onclick = saveCheckpoint;
addEventListener("resize", drawPlots);
for (const kind of ["keydown", "pointerdown"]) addEventListener(kind, stayAwake);
// Coming back by the browser's own history finds nothing.
addEventListener("pageshow", (event) => event.persisted && location.reload());
trouble(ENDED[location.hash]);
history.replaceState(null, "", location.pathname);
$("key").focus();
