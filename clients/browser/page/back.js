// The browser's Back button, which on a phone is how people go back. On every screen but the start, an
// entry of the page's own is on top of the history: Back takes it away and the page shows the screen
// before. It then goes forward to that entry again, unless it is at the start.

let isGoingBack = false;
let isLeaving = false;

const isOnOwnEntry = () => Boolean(history.state?.isOwn);

/** Add the page's own entry, if this screen has to have it. */
function keepOwnEntry() {
  if (screen !== "start" && !isOnOwnEntry() && !isGoingBack) history.pushState({ isOwn: true }, "");
}

/** Show the screen before this one; stay where codes would be lost, or while something is sent. */
function goBack() {
  const isUnsaved = newCase !== null && hasUnsavedWork;
  if (screen === "check") $("check-back").click(); // nothing, if it is disabled
  else if (screen === "case" && isUnsaved) showScreen("done");
  else if (screen === "done" && isUnsaved) askToSave();
  else if (["done", "saved", "case"].includes(screen)) startAgain();
  else showScreen("start");
}

function askToSave() {
  $("codes-status").textContent = t("done.unsaved");
  $("save-codes").focus();
}

/** Leave for another site, so that neither Back nor Forward leads here. */
function leaveFor(url) {
  if (!isOnOwnEntry()) return location.replace(url);
  isLeaving = true;
  history.replaceState({ hasLeft: true }, ""); // this entry stays: Forward leads to it, and on at once
  history.back();
  setTimeout(() => location.replace(url), 300); // if the browser does not go back
}

addEventListener("popstate", ({ state }) => {
  if (isLeaving) return location.replace(EXIT_URL);
  if (state?.isOwn) return;
  isGoingBack = true;
  goBack();
  isGoingBack = false;
  if (screen !== "start") history.forward();
});
