// The page around the picker: it never sees a file. It shows one screen at a time, takes hashes
// from the frame after checking their form, and speaks to the service.

const EXIT = "https://www.wikipedia.org/"; // neutral, and as good in every language
const OFFLINE = location.protocol === "file:";
const MAX_IMAGES = 1000;
const STEPS = ["pick", "check", "done"];
const VIEW = /^(original|mirror|(mirror-)?turn-(90|180|270))$/;
const $ = (id) => document.getElementById(id);

let screen = "start";
let images = new Map(); // image id in the frame -> its hashes
let left = 0; // images still being hashed
let submission = null; // {key, pin, body, text, sent}: what will be, or was, sent
let opened = null; // {number, pin}: the case that was just made
let kept = true; // whether nothing would be lost by closing the page

// The frame. Only what has exactly the expected form is taken, field by field.

function isHash({ pdq, quality, view }) {
  const whole = Number.isInteger(quality) && quality >= 50 && quality <= 100;
  return /^[0-9a-f]{64}$/.test(pdq) && whole && VIEW.test(view);
}

const RECEIVE = {
  ready: () => tellWords(),
  height: ({ px }) => {
    if (Number.isInteger(px) && px > 0) $("frame").style.blockSize = `${px}px`;
  },
  working: ({ left: count }) => {
    if (Number.isInteger(count)) left = count;
  },
  hashed: ({ image, hashes }) => {
    if (!Number.isInteger(image) || !(hashes.length >= 1 && hashes.length <= 8)) return;
    if (!hashes.every(isHash)) return;
    images.set(image, hashes.map(({ pdq, quality, view }) => ({ pdq, quality, view })));
    kept = false;
  },
  removed: ({ image }) => images.delete(image),
  leave: () => leave(),
};

addEventListener("message", ({ source, data }) => {
  if (source !== $("frame").contentWindow || !Object.hasOwn(RECEIVE, data.kind)) return;
  RECEIVE[data.kind](data);
  renderPick();
});

function tellFrame(message) {
  $("frame").contentWindow.postMessage(message, "*"); // its origin is opaque: there is none to name
}

function tellWords() {
  tellFrame({ kind: "words", language, direction: words.direction, words: section("frame") });
}

// Screens.

function go(to) {
  screen = to;
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== to;
  if (to === "check") prepare();
  const at = STEPS.indexOf(to);
  $("steps").hidden = at < 0;
  for (const step of $("steps").children) {
    const mine = STEPS.indexOf(step.dataset.step);
    step.classList.toggle("past", mine < at);
    if (mine === at) step.ariaCurrent = "step";
    else step.removeAttribute("aria-current");
  }
  render();
  const title = document.querySelector(`#${to} h1`);
  title.tabIndex = -1;
  title.focus({ preventScroll: true });
  scrollTo(0, 0);
}

/** Puts every text in place, in the language of now. */
function render() {
  document.documentElement.lang = language;
  document.documentElement.dir = words.direction;
  for (const element of document.querySelectorAll("[data-t]")) {
    element.textContent = say(element.dataset.t);
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.ariaLabel = say(element.dataset.label);
  }
  $("frame").title = say($("frame").dataset.title);
  renderPick();
  renderCheck();
  renderCase();
}

function renderPick() {
  const tooMany = images.size > MAX_IMAGES;
  $("to-check").disabled = images.size === 0 || left > 0 || tooMany;
  let text = images.size ? say("pick.ready", { n: images.size }) : say("pick.none");
  if (left > 0) text = say("pick.wait");
  if (tooMany) text = say("pick.most", { n: MAX_IMAGES });
  if ($("picked").textContent !== text) $("picked").textContent = text;
}

/** Makes the submission anew, unless one is under way whose answer was lost. */
function prepare() {
  if (submission?.sent) return;
  const pin = newPin();
  const statements = { adult: true, depicted: true, without_consent: true };
  const listed = Array.from(images.values(), (hashes) => ({ hashes, convention: CONVENTION }));
  const body = { images: listed, statements, pin };
  submission = { key: newKey(), pin, body, text: laidOut(body), sent: false };
  $("statements").reset();
  trouble("check-trouble");
}

/** The body as JSON, a hash a line: these very characters are shown and sent. */
function laidOut(body) {
  const hash = /\{\s+("pdq": .*),\s+("quality": .*),\s+("view": .*)\s+\}/g;
  return JSON.stringify(body, null, 1).replace(hash, "{$1, $2, $3}");
}

function renderCheck() {
  const hashes = submission?.body.images.reduce((sum, image) => sum + image.hashes.length, 0);
  $("sum").textContent = submission ? say("check.sum", { n: submission.body.images.length, hashes }) : "";
  $("json").textContent = submission?.text ?? "";
  const now = submission?.sent ? "trouble.send-again" : "check.send";
  $("send").textContent = say(OFFLINE ? "check.save" : $("send").disabled ? "check.sending" : now);
}

/** Runs `work` with a button off and saying so. */
async function busy(id, during, after, work) {
  $(id).disabled = true;
  $(id).textContent = say(during);
  await work();
  $(id).disabled = false;
  $(id).textContent = say(after);
}

async function send(event) {
  event.preventDefault();
  const boxes = [...event.target.querySelectorAll("input")];
  const missing = boxes.find((box) => !box.checked);
  if (missing) {
    trouble("check-trouble", [say("check.missing")]);
    return missing.focus();
  }
  if (OFFLINE) return saveSubmission();
  trouble("check-trouble");
  $("check-back").disabled = true;
  await busy("send", "check.sending", "check.send", () =>
    submitCase(submission, working).then(sent, notSent));
  working(null);
  renderCheck();
}

/** Shows how far the work is that the service asked for, or (null) nothing. */
function working(share) {
  $("work").hidden = share === null;
  $("work-share").value = share ?? 0;
  const text = share === null ? "" : say("check.work");
  if ($("work-why").textContent !== text) $("work-why").textContent = text; // announced once
}

function sent(answer) {
  opened = { number: answer.case, pin: submission.pin };
  $("number").textContent = opened.number;
  $("pin").textContent = opened.pin;
  $("kept").textContent = "";
  forgetImages();
  kept = false;
  go("done");
}

/** Without an answer the submission stays as it is, to be repeated: the service then knows it. */
function notSent(error) {
  const lost = ["no-answer", "unavailable", "internal"].includes(error.slug);
  if (error.slug !== "work-required") submission.sent = lost; // being asked for work settles nothing
  $("check-back").disabled = submission.sent;
  markRefused(error.places);
  const file = button(say("trouble.keep-file"), saveSubmission, "link");
  trouble("check-trouble", explain(error, "trouble.no-answer-send"), ...(submission.sent ? [file] : []));
}

/** Marks the images in the picker that the service named, and leaves them out from now on. */
function markRefused(places) {
  const sent = [...images.keys()];
  const named = places.map((at) => sent[/^images\.(\d+)\./.exec(at)?.[1]]);
  for (const image of new Set(named.filter((id) => images.delete(id)))) {
    tellFrame({ kind: "refused", image });
  }
}

function saveSubmission() {
  const { key, body, pin } = submission;
  const server = OFFLINE ? null : location.origin;
  download("submission.json", JSON.stringify(
    { unseen_submission: 1, server, idempotency_key: key, body }, null, 1));
  kept = true;
  $("saved-pin").textContent = pin;
  if (!OFFLINE) trouble("check-trouble", [say("done.saved")]);
  else if (screen !== "saved") go("saved");
}

function download(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60e3);
}

function keep(key) {
  kept = kept || key !== "done.not-copied";
  $("kept").textContent = say(key);
}

async function copy() {
  try {
    await navigator.clipboard.writeText(say("done.text", opened));
    keep("done.copied");
  } catch {
    keep("done.not-copied");
  }
}

function forgetImages() {
  images = new Map();
  submission = null;
  $("check-back").disabled = false;
  tellFrame({ kind: "clear" });
}

/** Forgets everything, and begins again. */
function over() {
  forgetImages();
  [opened, shown, kept] = [null, null, true];
  for (const id of ["number", "pin", "saved-pin", "case-title"]) $(id).textContent = "";
  go("start");
}

/** Leaves at once: blanks the page, and puts another site in its place in the history. */
function leave() {
  removeEventListener("beforeunload", guard);
  document.body.hidden = true;
  location.replace(EXIT);
}

function guard(event) {
  if (!kept) event.preventDefault();
}

// What can be done.

for (const code of LANGUAGES) {
  const option = new Option(TEXTS.languages[code][TEXTS.keys.indexOf("language")], code, false, code === language);
  option.lang = code;
  $("language").append(option);
}
$("language").onchange = () => {
  use($("language").value);
  render();
  tellWords();
};
for (const element of document.querySelectorAll("[data-go]")) {
  element.onclick = () => go(element.dataset.go);
}
$("to-check").onclick = () => go("check");
$("statements").onsubmit = send;
$("finder").onsubmit = find;
$("copy").onclick = copy;
$("save-text").onclick = () => {
  download(`${opened.number}.txt`, say("done.text", opened));
  keep("done.saved");
};
$("print").onclick = () => {
  kept = true;
  print();
};
$("save-again").onclick = saveSubmission;
$("look-now").onclick = () => look(opened.number, opened.pin).catch((error) => {
  go("find");
  trouble("find-trouble", explain(error));
});
$("over").onclick = over;
$("leave").onclick = leave;
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing) leave();
});
addEventListener("beforeunload", guard);
// Coming back by the browser's own history finds nothing.
addEventListener("pageshow", (event) => event.persisted && location.reload());
// A file dropped beside the picker is not opened by the browser, nor looked at.
for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());

tellWords(); // if the frame was ready before we listened
go("start");
