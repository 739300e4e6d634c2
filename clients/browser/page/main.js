// Connects the controls to what they do, and shows the first screen.

const EXIT_URL = "https://www.wikipedia.org/"; // a neutral site, available in every language

/** Leave at once: blank the page, and show another site in its place in the history. */
function quickExit() {
  removeEventListener("beforeunload", warnBeforeClosing);
  document.body.hidden = true;
  leaveFor(EXIT_URL);
}

function warnBeforeClosing(event) {
  if (hasUnsavedWork) event.preventDefault();
}

for (const code of LANGUAGES) {
  const option = new Option(textsIn(code).language, code, false, code === language);
  option.lang = code;
  $("language").append(option);
}
$("language").onchange = () => {
  setLanguage($("language").value);
  render();
  sendLanguage();
};
for (const element of document.querySelectorAll("[data-screen]")) {
  element.onclick = () => showScreen(element.dataset.screen);
}
$("check-back").onclick = () => {
  const isOpened = submission?.isOpened;
  if (isOpened) forgetSubmission();
  showScreen(isOpened ? "open" : "pick");
};
$("to-check").onclick = () => showScreen("check");
$("statements").onsubmit = handleSend;
$("find-form").onsubmit = handleFind;
$("copy-codes").onclick = copyCodes;
$("save-codes").onclick = saveCodes;
$("save-labels").onclick = saveCodes;
$("print-codes").onclick = printCodes;
$("save-submission").onclick = saveSubmission;
$("open-new-case").onclick = () => openCase(newCase.number, newCase.pin).catch((error) => {
  showScreen("find");
  showError("find-error", describeError(error));
});
$("start-again").onclick = startAgain;
$("quick-exit").onclick = quickExit;
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing) quickExit();
});
addEventListener("beforeunload", warnBeforeClosing);
// A page restored from the back/forward cache would still show its data.
addEventListener("pageshow", (event) => event.persisted && location.reload());
// A browser would otherwise open a file that is dropped beside the picker.
for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());

if (history.state?.hasLeft) quickExit();
sendLanguage(); // in case the picker was ready before this script listened
showScreen("start");
$("not-running").remove();
for (const part of document.querySelectorAll("header, footer")) part.hidden = false;
