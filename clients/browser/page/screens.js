// The screens: one <section> of index.html at a time, in the person's language.

const IS_FILE = location.protocol === "file:";
const MAX_IMAGES = 1000;
const STEPS = ["pick", "check", "done"];

let screen = "start";

function showScreen(name) {
  screen = name;
  for (const section of document.querySelectorAll("main > section")) {
    section.hidden = (section.dataset.of ?? section.id) !== name; // what is after the frame is a second section
  }
  keepOwnEntry();
  if (name === "open") showError("open-error");
  showFrame(name);
  if (name === "check") prepareSubmission();
  const current = STEPS.indexOf(name);
  $("steps").hidden = current < 0;
  for (const step of $("steps").children) {
    const index = STEPS.indexOf(step.dataset.step);
    step.classList.toggle("past", index < current);
    if (index === current) step.setAttribute("aria-current", "step");
    else step.removeAttribute("aria-current");
  }
  render();
  const title = document.querySelector(`#${name} h1`);
  title.tabIndex = -1;
  title.focus({ preventScroll: true });
  scrollTo(0, 0);
}

/** Write every text of the page in the current language. */
function render() {
  document.documentElement.lang = language;
  document.documentElement.dir = texts.direction;
  for (const element of document.querySelectorAll("[data-i18n]")) {
    element.textContent = t(element.dataset.i18n);
  }
  for (const element of document.querySelectorAll("[data-i18n-label]")) {
    element.setAttribute("aria-label", t(element.dataset.i18nLabel));
  }
  $("picker").title = t("pick.frame");
  renderPick();
  renderCheck();
  renderCase();
  renderLabels();
}

function renderPick() {
  const isOverLimit = hashedImages.size > MAX_IMAGES;
  $("to-check").disabled = hashedImages.size === 0 || pendingCount > 0 || isOverLimit;
  let text = hashedImages.size ? t("pick.ready", { n: hashedImages.size }) : t("pick.none");
  if (pendingCount > 0) text = t("pick.wait");
  if (isOverLimit) text = t("pick.most", { n: MAX_IMAGES });
  if ($("pick-status").textContent !== text) $("pick-status").textContent = text; // announced only once
}

/** Forget everything, and show the start. */
function startAgain() {
  forgetImages();
  [newCase, currentCase, labels, hasUnsavedWork] = [null, null, null, false];
  for (const id of ["number", "pin", "saved-pin", "case-title"]) $(id).textContent = "";
  showScreen("start");
}
