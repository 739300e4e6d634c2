// Files that the page saved earlier: a submission, which it sends, or number and PIN, with which it
// looks at the case. Their text comes from the frame; only what is exactly as saved is used.

const KEY = /^[A-Za-z0-9_-]{16,64}$/;
const NAME = /^[a-z0-9-]{1,64}$/;
const CROP = /^crop-[a-z0-9.-]{1,32}$/; // the command makes them, this page does not

/** Open what was saved; explain what is wrong with another file. */
async function openSaved(text) {
  showError("open-error");
  if (IS_FILE) return showError("open-error", [t("open.offline")]);
  const saved = parseSubmission(text);
  const codes = saved ? null : parseCodes(text);
  if (saved && saved.server !== null && saved.server !== location.origin) {
    return showError("open-error", [t("open.other-site", { server: saved.server })]);
  }
  if (saved) return sendSaved(saved);
  if (!codes) return showError("open-error", [t("open.wrong")]);
  try {
    labels = codes;
    await openCase(codes.number, codes.pin);
  } catch (error) {
    labels = null;
    showError("open-error", describeError(error));
  }
}

/** Show a saved submission, to be sent. It may have been sent before: that opens no second case. */
function sendSaved({ key, body }) {
  forgetImages();
  submission = { key, pin: body.pin, body, text: formatBody(body), isUncertain: false, isOpened: true };
  $("statements").reset();
  showError("check-error");
  showScreen("check");
}

/** Return {key, server, body} of a saved submission, or null if the text is none. */
function parseSubmission(text) {
  try {
    const { unseen_submission: version, server, idempotency_key: key, body } = JSON.parse(text);
    const { images, statements, pin } = body;
    const { adult, depicted, without_consent } = statements;
    const isConfirmed = adult === true && depicted === true && without_consent === true;
    const isServer = server === null || new URL(server).origin === server;
    const isKept = version === 1 && isServer && KEY.test(key) && parsePin(pin) === pin && isConfirmed;
    if (!isKept || images.length < 1 || images.length > MAX_IMAGES) return null;
    return { key, server, body: { images: images.map(parseImage), statements: { adult, depicted, without_consent }, pin } };
  } catch {
    return null; // not JSON, or a field is missing or of another type
  }
}

/** Return an image of a saved submission; throw if it is not as the page or the command saves it. */
function parseImage({ hashes, convention }) {
  if (!hashes.length || !hashes.every(isSavedHash) || !NAME.test(convention)) throw new TypeError();
  return { hashes: hashes.map(({ pdq, quality, view }) => ({ pdq, quality, view })), convention };
}

function isSavedHash(hash) {
  return isHash(CROP.test(hash.view) ? { ...hash, view: "original" } : hash);
}

/** Return {number, pin, texts} of a text with number and PIN, in any language, or null. */
function parseCodes(text) {
  const number = /UN-[0-9A-Z]{4}-[0-9A-Z]{4}/.exec(text)?.[0];
  const pin = /\b(?!UN-)[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b/.exec(text)?.[0];
  if (!number || !pin || !parseCaseNumber(number) || !parsePin(pin)) return null;
  const lines = text.matchAll(/^\D{1,20}(\d{1,4}): (.{1,80})$/gm);
  return { number, pin, texts: new Map(Array.from(lines, ([, n, label]) => [Number(n), label])) };
}
