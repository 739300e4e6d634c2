// The submission: prepared from the hashes, shown, and sent or saved as a file.

let submission = null; // {key, pin, body, text, isUncertain, isOpened}; isUncertain: sent, but the
// answer was lost; isOpened: from a file
let newCase = null; // {number, pin}: the case that was just opened
let hasUnsavedWork = false; // whether closing the page would lose hashes or codes

/** Prepare a new submission, unless there is one whose answer was lost. */
function prepareSubmission() {
  if (submission?.isUncertain || submission?.isOpened) return;
  const pin = newPin();
  const statements = { adult: true, depicted: true, without_consent: true };
  const images = Array.from(hashedImages.values(), (hashes) => ({ hashes, convention: CONVENTION }));
  const body = { images, statements, pin };
  submission = { key: newIdempotencyKey(), pin, body, text: formatBody(body), isUncertain: false };
  $("statements").reset();
  showError("check-error");
}

/** Return the body as JSON, one hash per line; exactly this text is shown and sent. */
function formatBody(body) {
  const hash = /\{\s+("pdq": .*),\s+("quality": .*),\s+("view": .*)\s+\}/g;
  return JSON.stringify(body, null, 1).replace(hash, "{$1, $2, $3}");
}

function renderCheck() {
  const images = submission?.body.images ?? [];
  const hashes = images.reduce((sum, image) => sum + image.hashes.length, 0);
  $("check-summary").textContent = submission ? t("check.sum", { n: images.length, hashes }) : "";
  $("check-why").textContent = t("check.why", { views: VIEW_NAMES.length });
  $("body-json").textContent = submission?.text ?? "";
  const idleKey = submission?.isUncertain ? "errors.send-again" : "check.send";
  $("send").textContent = t(IS_FILE ? "check.save" : $("send").disabled ? "check.sending" : idleKey);
}

async function handleSend(event) {
  event.preventDefault();
  const boxes = [...event.target.querySelectorAll("input")];
  const missing = boxes.find((box) => !box.checked);
  if (missing) {
    showError("check-error", [t("check.missing")]);
    return missing.focus();
  }
  if (IS_FILE) return saveSubmission();
  showError("check-error");
  $("check-back").disabled = true;
  await whileDisabled("send", "check.sending", "check.send", () =>
    submitCase(submission, showWorkProgress).then(handleAccepted, handleFailed));
  showWorkProgress(null);
  renderCheck();
}

/** Show how much of the proof of work is done, 0 to 1; hide it if null. */
function showWorkProgress(progress) {
  $("work").hidden = progress === null;
  $("work-progress").value = progress ?? 0;
  const text = progress === null ? "" : t("check.work");
  if ($("work-reason").textContent !== text) $("work-reason").textContent = text; // announced only once
}

function handleAccepted(answer) {
  newCase = { number: answer.case, pin: submission.pin };
  numberedImages = submission.isOpened ? [] : [...hashedImages.keys()];
  labels = { number: newCase.number, count: submission.body.images.length, texts: new Map() };
  $("number").textContent = newCase.number;
  $("pin").textContent = newCase.pin;
  $("codes-status").textContent = "";
  forgetSubmission();
  hasUnsavedWork = true;
  showScreen("done");
}

/** Without an answer, keep the submission as it is: sent again, the service recognises it. */
function handleFailed(error) {
  const isLost = ["no-answer", "unavailable", "internal"].includes(error.slug);
  // A request for work says nothing about an earlier attempt.
  if (error.slug !== "work-required") submission.isUncertain = isLost;
  $("check-back").disabled = submission.isUncertain;
  markRefused(error.places);
  const save = createButton(t("errors.keep-file"), saveSubmission, "link");
  const actions = submission.isUncertain ? [save] : [];
  showError("check-error", describeError(error, "errors.no-answer-send"), ...actions);
}

/** Save the submission as a file, which this page and `unseen submit --from` can send. */
function saveSubmission() {
  const { key, body, pin } = submission;
  const server = IS_FILE ? null : location.origin;
  download("submission.json", JSON.stringify(
    { unseen_submission: 1, server, idempotency_key: key, body }, null, 1));
  hasUnsavedWork = false;
  $("saved-pin").textContent = pin;
  numberedImages = [...hashedImages.keys()];
  if (!IS_FILE) showError("check-error", [t("open.kept", { open: t("start.have-file") }), t("done.saved")]);
  else if (screen !== "saved") showScreen("saved");
}

/** Report whether the case number and the PIN were copied or saved. */
function reportCodes(key) {
  if (key !== "done.not-copied") hasUnsavedWork = false;
  $("codes-status").textContent = t(key);
}

async function copyCodes() {
  try {
    await navigator.clipboard.writeText(t("done.text", newCase));
    reportCodes("done.copied");
  } catch {
    reportCodes("done.not-copied");
  }
}

function saveCodes() {
  download(`${newCase.number}.txt`, t("done.text", newCase) + labelLines());
  reportCodes("done.saved");
}

function printCodes() {
  hasUnsavedWork = false;
  print();
}
