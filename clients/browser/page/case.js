// The screens for an existing case: find it, look at it, withdraw from it.

const FEEDBACK_TEXTS = ["pending-review", "not-removed", "not-intimate"]; // other values have no text here
let currentCase = null; // {number, pin, case}: the case on the screen

async function handleFind(event) {
  event.preventDefault();
  const number = parseCaseNumber($("find-number").value);
  const pin = parsePin($("find-pin").value);
  $("find-number").setAttribute("aria-invalid", number === null);
  $("find-pin").setAttribute("aria-invalid", pin === null);
  if (IS_FILE) return showError("find-error", [t("case.offline")]);
  if (!number || !pin) {
    $(number ? "find-pin" : "find-number").focus();
    return showError("find-error", [t(number ? "errors.form-pin" : "errors.form-number")]);
  }
  showError("find-error");
  await whileDisabled("find-submit", "case.looking", "case.look", async () => {
    try {
      await openCase(number, pin);
    } catch (error) {
      showError("find-error", describeError(error));
    }
  });
}

/** Fetch a case and show it; throw ApiError. */
async function openCase(number, pin) {
  currentCase = { number, pin, case: await fetchCase(number, pin) };
  $("find-form").reset();
  $("case-result").textContent = "";
  showScreen("case");
}

function renderCase() {
  if (!currentCase) return;
  const { number, case: found } = currentCase;
  const around = t("case.title", { number: "|" }).split("|");
  $("case-title").replaceChildren(around[0], el("span", "whole", number), around[1]);
  renderBadge($("case-status"), found.status);
  $("case-since").textContent = t("case.since", { date: formatDate(found.submitted_at) });
  $("case-images").replaceChildren(...found.images.map(imageRow));
  $("case-platforms").replaceChildren(...platformRows(found.platforms, found.images));
  $("case-withdrawal").replaceChildren();
  if (found.status !== "withdrawn") {
    const ask = () => confirmWithdrawal($("case-withdrawal"), t("case.sure-all"), null);
    $("case-withdrawal").append(createButton(t("case.withdraw-all"), ask));
  }
}

/** Show a status as text; one that this page does not know is shown as the service writes it. */
function renderBadge(element, status) {
  element.textContent = t(`case.${status}`) || String(status).replaceAll("_", " ");
  element.className = ["withdrawn", "declined"].includes(status) ? "badge off" : "badge";
  return element;
}

function imageRow(image) {
  const n = image.image;
  const label = labels?.number === currentCase.number ? labelOf(n) : "";
  const title = el("strong", "", t("case.image", { n }), ...(label ? [el("bdi", "label", label)] : []));
  const row = el("li", "", "", title);
  const about = t(`case.${image.status}-about`);
  row.append(renderBadge(el("span"), image.status), paragraphs(matchesText(image), ...(about ? [about] : [])));
  if (image.status !== "withdrawn") {
    const ask = () => confirmWithdrawal(row, t("case.sure-one", { n }), n);
    const button = createButton(t("case.withdraw"), ask, "quiet");
    button.setAttribute("aria-label", t("case.withdraw-one", { n }));
    row.append(button);
  }
  return row;
}

/** Return how often, and when last, an image was found, or found by one platform. */
function matchesText({ matches, last_match_at: at }) {
  return matches ? t("case.found", { n: matches, date: at && formatDate(at) }) : t("case.none-found");
}

function platformRows(platforms, images) {
  if (!platforms?.length) return [el("li", "soft", t("case.no-platforms"))];
  const isWithdrawn = images.some((image) => image.status === "withdrawn");
  return platforms.map((each) => el("li", "", "", el("strong", "", each.platform),
    paragraphs(...platformTexts(each, isWithdrawn))));
}

/** Return what one platform received, found, did and confirmed, a sentence each; what is unknown is
 *  left out. */
function platformTexts(platform, isWithdrawn) {
  const dated = (key, at) => (at ? t(key, { date: formatDate(at) }) : "");
  return [
    dated("case.delivered", platform.delivered_at),
    matchesText(platform),
    dated("case.removed", platform.removed_at),
    FEEDBACK_TEXTS.includes(platform.feedback) && t(`case.${platform.feedback}`),
    dated("case.confirmed", platform.withdrawal_confirmed_at) ||
      (isWithdrawn && platform.delivered_at && t("case.unconfirmed")),
  ].filter(Boolean);
}

/** Ask in place before a withdrawal. Not in a dialog: Escape would close it, but here it must leave. */
function confirmWithdrawal(container, question, image) {
  closeConfirmations();
  const opener = container.querySelector("button");
  opener.hidden = true;
  const yes = createButton(t("case.yes"), () => handleWithdraw(yes, image), "danger");
  const no = createButton(t("case.no"), () => {
    box.remove();
    opener.hidden = false;
    opener.focus();
  });
  const box = el("div", "confirm", "", el("p", "", question), el("div", "buttons", "", no, yes));
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", question);
  container.append(box);
  no.focus();
}

function closeConfirmations() {
  for (const box of document.querySelectorAll(".confirm")) box.querySelector("button").click();
}

async function handleWithdraw(button, image) {
  button.disabled = true;
  button.textContent = t("case.withdrawing");
  showError("case-error");
  try {
    currentCase.case = await withdraw(currentCase.number, currentCase.pin, image);
    $("case-result").textContent = t("case.did");
  } catch (error) {
    showError("case-error", describeError(error));
  }
  renderCase();
  $("case-title").focus();
}
