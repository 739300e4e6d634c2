// What the page and the picker's frame tell each other. The page never holds a file: from the frame
// it takes hashes and counts, and what was saved, and only in exactly the expected form, field by field.

let hashedImages = new Map(); // image id in the picker -> its hashes
let pendingCount = 0; // images that are still being hashed
let numberedImages = []; // ids of the images that were sent or saved, in the order of their numbers

function isHash({ pdq, quality, view }) {
  const isQuality = Number.isInteger(quality) && quality >= MIN_QUALITY && quality <= 100;
  return /^[0-9a-f]{64}$/.test(pdq) && isQuality && VIEW_NAMES.includes(view);
}

const HANDLERS = {
  __proto__: null,
  ready: () => sendLanguage(),
  height: ({ px }) => {
    if (Number.isInteger(px) && px > 0) $("picker").style.blockSize = `${px}px`;
  },
  pending: ({ count }) => {
    if (Number.isInteger(count)) pendingCount = count;
  },
  hashed: ({ image, hashes }) => {
    if (!Number.isInteger(image) || !(hashes.length >= 1 && hashes.length <= VIEW_NAMES.length)) return;
    if (!hashes.every(isHash)) return;
    hashedImages.set(image, hashes.map(({ pdq, quality, view }) => ({ pdq, quality, view })));
    hasUnsavedWork = true;
  },
  removed: ({ image }) => hashedImages.delete(image),
  file: ({ text }) => {
    if (screen === "open") openSaved(String(text));
  },
  exit: () => quickExit(),
};

addEventListener("message", ({ source, data }) => {
  if (source !== $("picker").contentWindow || !HANDLERS[data.kind]) return;
  HANDLERS[data.kind](data);
  renderPick();
});

function sendToPicker(message) {
  $("picker").contentWindow.postMessage(message, "*"); // its origin is opaque, so there is none to name
}

function sendLanguage() {
  sendToPicker({ kind: "language", language, direction: texts.direction, texts: textsUnder("picker") });
}

/** Show the frame on the screens that need it, as what they need. */
function showFrame(name) {
  const isOwnCase = name === "case" && currentCase.number === newCase?.number;
  const hasNumbers = numberedImages.length > 0 && (isOwnCase || name === "done" || name === "saved");
  const mode = { pick: "images", open: "file" }[name] ?? (hasNumbers ? "numbers" : null);
  $("picker").hidden = !mode;
  if (mode) sendToPicker({ kind: "mode", mode, images: numberedImages });
}

/** Mark in the picker the images that the service refused, and leave them out of the submission. */
function markRefused(places) {
  const submitted = [...hashedImages.keys()];
  const named = places.map((path) => submitted[/^images\.(\d+)\./.exec(path)?.[1]]);
  for (const image of new Set(named.filter((id) => hashedImages.delete(id)))) {
    sendToPicker({ kind: "refused", image });
  }
}

function forgetSubmission() {
  hashedImages = new Map();
  submission = null;
  $("check-back").disabled = false;
}

function forgetImages() {
  forgetSubmission();
  numberedImages = [];
  sendToPicker({ kind: "clear" });
}
