// The screens of a case that is there already: find it, see it, withdraw from it.

const OPINIONS = ["pending-review", "not-removed", "not-intimate"]; // of a platform; of others nothing is said
let shown = null; // {number, pin, case}: the case on the screen

const el = (tag, className = "", text = "", ...children) => {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  element.append(...children);
  return element;
};

function button(text, onclick, className = "") {
  const made = el("button", className, text);
  made.type = "button";
  made.onclick = onclick;
  return made;
}

/** What went wrong, for a person: our own words where there are any, else the service's. */
function explain(error, noAnswer = "trouble.no-answer-look") {
  if (!(error instanceof Trouble)) throw error;
  if (error.slug === "no-answer") return [say("trouble.no-answer"), say(noAnswer)];
  return [say("trouble.refused"), say(`trouble.${error.slug}`) || error.detail];
}

/** Shows trouble in an alert box, or clears it; a screen reader hears it at once. */
function trouble(id, lines = [], ...more) {
  $(id).replaceChildren(...lines.map((line) => el("p", "", line)), ...more);
}

async function find(event) {
  event.preventDefault();
  const number = readCode($("find-number").value, 8);
  const pin = readCode($("find-pin").value, 12);
  $("find-number").ariaInvalid = String(number === null);
  $("find-pin").ariaInvalid = String(pin === null);
  if (OFFLINE) return trouble("find-trouble", [say("case.offline")]);
  if (!number || !pin) {
    $(number ? "find-pin" : "find-number").focus();
    return trouble("find-trouble", [say(number ? "trouble.form-pin" : "trouble.form-number")]);
  }
  trouble("find-trouble");
  await busy("look", "case.looking", "case.look", async () => {
    try {
      await look(number, pin);
    } catch (error) {
      trouble("find-trouble", explain(error));
    }
  });
}

/** Fetches a case and shows it; throws Trouble. */
async function look(number, pin) {
  shown = { number, pin, case: await showCase(number, pin) };
  $("finder").reset();
  $("case-did").textContent = "";
  go("case");
}

function renderCase() {
  if (!shown) return;
  const { number, case: found } = shown;
  $("case-title").textContent = say("case.title", { number });
  badge($("case-status"), found.status);
  $("case-since").textContent = say("case.since", { date: day(found.submitted_at) });
  $("case-images").replaceChildren(...found.images.map(imageRow));
  $("case-platforms").replaceChildren(...platformRows(found.platforms, found.images));
  $("case-all").replaceChildren();
  if (found.status !== "withdrawn") {
    const ask = () => confirmIn($("case-all"), say("case.sure-all"), null);
    $("case-all").append(button(say("case.withdraw-all"), ask));
  }
}

/** A status in words; one that is newer than this page as the service writes it. */
function badge(element, status) {
  element.textContent = say(`case.${status}`) || String(status).replaceAll("_", " ");
  element.className = ["withdrawn", "declined"].includes(status) ? "badge off" : "badge";
  return element;
}

function imageRow(image) {
  const n = image.image;
  const date = image.last_match_at && day(image.last_match_at);
  const what = image.matches ? say("case.found", { n: image.matches, date }) : say("case.none-found");
  const row = el("li", "", "", el("strong", "", say("case.image", { n })));
  const about = say(`case.${image.status}-about`);
  row.append(badge(el("span"), image.status), sentences(what, ...(about ? [about] : [])));
  if (image.status !== "withdrawn") {
    const ask = button(say("case.withdraw"), () => confirmIn(row, say("case.sure-one", { n }), n), "quiet");
    ask.ariaLabel = say("case.withdraw-one", { n });
    row.append(ask);
  }
  return row;
}

function platformRows(platforms, images) {
  if (!platforms?.length) return [el("li", "soft", say("case.no-platforms"))];
  const withdrawn = images.some((image) => image.status === "withdrawn");
  return platforms.map((one) => el("li", "", "", el("strong", "", one.platform),
    sentences(...platformLines(one, withdrawn))));
}

const sentences = (...lines) => el("div", "what", "", ...lines.map((line) => el("p", "", line)));

/** What one platform had, found, did and confirmed, a sentence each; what is unknown is left out. */
function platformLines(one, withdrawn) {
  const on = (key, at) => (at ? say(key, { date: day(at) }) : "");
  const found = { n: one.matches, date: one.last_match_at && day(one.last_match_at) };
  return [
    on("case.delivered", one.delivered_at),
    one.matches ? say("case.found", found) : say("case.none-found"),
    on("case.removed", one.removed_at),
    OPINIONS.includes(one.feedback) && say(`case.${one.feedback}`),
    on("case.confirmed", one.withdrawal_confirmed_at) || (withdrawn && one.delivered_at && say("case.unconfirmed")),
  ].filter(Boolean);
}

/** Asks before a withdrawal, in place: a dialog would be closed by Escape, which leaves. */
function confirmIn(place, question, image) {
  renderCaseQuestions();
  const opener = place.querySelector("button");
  opener.hidden = true;
  const yes = button(say("case.yes"), () => withdrawNow(yes, image), "grave");
  const no = button(say("case.no"), () => {
    box.remove();
    opener.hidden = false;
    opener.focus();
  });
  const box = el("div", "sure", "", el("p", "", question), el("div", "buttons", "", no, yes));
  box.role = "group";
  box.ariaLabel = question;
  place.append(box);
  no.focus();
}

/** Takes away a question that is still open. */
function renderCaseQuestions() {
  for (const box of document.querySelectorAll(".sure")) box.querySelector("button").click();
}

async function withdrawNow(pressed, image) {
  pressed.disabled = true;
  pressed.textContent = say("case.withdrawing");
  trouble("case-trouble");
  try {
    shown.case = await withdraw(shown.number, shown.pin, image);
    $("case-did").textContent = say("case.did");
  } catch (error) {
    trouble("case-trouble", explain(error));
  }
  renderCase();
  $("case-title").focus();
}
