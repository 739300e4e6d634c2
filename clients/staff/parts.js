// What the panels are made of.

const $ = (id) => document.getElementById(id);

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

const count = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

const WHEN = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium", timeZone: "UTC" });

/** A moment, in UTC: staff of several places read the same. */
function time(iso) {
  if (!iso) return "";
  const element = el("time", "", WHEN.format(new Date(iso)));
  element.dateTime = iso;
  return element;
}

/** How long ago, in the largest unit. */
function ago(iso) {
  const hours = (Date.now() - new Date(iso)) / 3_600_000;
  return hours >= 48 ? count(Math.floor(hours / 24), "day") : count(Math.max(0, Math.floor(hours)), "hour");
}

function code(text) {
  const element = el("code", "", text);
  element.translate = false;
  return element;
}

/** Fills a table: headings, and rows of texts or elements; `none` where there is no row. */
function fill(table, headings, rows, none) {
  const head = el("tr", "", "", ...headings.map((heading) => {
    const cell = el("th", "", heading);
    cell.scope = "col";
    return cell;
  }));
  const line = (cells) => el("tr", "", "", ...cells.map((cell, i) => {
    const made = el("td", "", "", cell);
    made.dataset.heading = headings[i];
    return made;
  }));
  const empty = el("tr", "none", "", el("td", "soft", none));
  empty.firstChild.colSpan = headings.length;
  table.replaceChildren(el("thead", "", "", head), el("tbody", "", "", ...(rows.length ? rows.map(line) : [empty])));
  return table;
}

function facts(list, pairs) {
  list.replaceChildren(...pairs.map(([name, value]) => el("div", "", "", el("dt", "", name), el("dd", "", "", value))));
}

/** Says something to who cannot see it happen. */
function announce(text) {
  $("said").textContent = text;
}

function trouble(text = "") {
  $("trouble").replaceChildren(...(text ? [el("p", "", text)] : []));
}

/** Does something that may fail: a button is off meanwhile, and what went wrong is shown. */
async function attempt(work, pressed = null) {
  trouble();
  if (pressed) pressed.disabled = true;
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Trouble || error instanceof Broken)) throw error;
    if (error.slug === "not-authenticated" && !$("panels").hidden) leave("revoked");
    trouble(error.message);
    return undefined;
  } finally {
    if (pressed) pressed.disabled = false;
  }
}

/** Marks one of a group of buttons as the one that is chosen. */
function choose(group, chosen) {
  for (const each of group) each.ariaPressed = String(each === chosen);
}

/** Asks in place before something is done; `fields` are put between the question and the buttons. */
function confirmIn(place, opener, question, yesText, onYes, ...fields) {
  for (const open of document.querySelectorAll(".sure")) open.cancel();
  const box = el("form", "sure", "", el("p", "", question), ...fields);
  box.ariaLabel = question;
  box.cancel = () => {
    box.remove();
    opener.focus();
  };
  const yes = el("button", "grave", yesText);
  box.append(el("div", "buttons", "", button("Cancel", box.cancel), yes));
  box.onsubmit = (event) => {
    event.preventDefault();
    attempt(onYes, yes);
  };
  box.onkeydown = (event) => {
    if (event.key === "Escape") box.cancel();
  };
  place.append(box);
  (box.querySelector("textarea") ?? box.querySelector("button")).focus();
}
