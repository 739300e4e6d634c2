// The building blocks of the panels: elements, tables, messages, confirmations.

const $ = (id) => document.getElementById(id);

const el = (tag, className = "", text = "", ...children) => {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  element.append(...children);
  return element;
};

function createButton(text, onclick, className = "") {
  const button = el("button", className, text);
  button.type = "button";
  button.onclick = onclick;
  return button;
}

const formatNumber = (n) => n.toLocaleString("en");
const count = (n, one, many = `${one}s`) => `${formatNumber(n)} ${n === 1 ? one : many}`;

const TIME_FORMAT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium", timeZone: "UTC" });

/** Return a <time> in UTC, so that staff in different places read the same. */
function time(iso) {
  if (!iso) return "";
  const element = el("time", "", TIME_FORMAT.format(new Date(iso)));
  element.dateTime = iso;
  return element;
}

/** Return the time since a moment, in hours or, from two days on, in days. */
function elapsed(iso) {
  const hours = (Date.now() - new Date(iso)) / 3_600_000;
  return hours >= 48 ? count(Math.floor(hours / 24), "day") : count(Math.max(0, Math.floor(hours)), "hour");
}

function code(text) {
  const element = el("code", "", text);
  element.translate = false;
  return element;
}

/** Fill a table with headings and rows of texts or elements; without rows, show `emptyText`. */
function fillTable(table, headings, rows, emptyText) {
  const headRow = el("tr", "", "", ...headings.map((heading) => {
    const cell = el("th", "", heading);
    cell.scope = "col";
    return cell;
  }));
  const createRow = (cells) => el("tr", "", "", ...cells.map((content, i) => {
    const cell = el("td", "", "", content);
    cell.dataset.heading = headings[i];
    return cell;
  }));
  const emptyRow = el("tr", "", "", el("td", "soft", emptyText));
  emptyRow.firstChild.colSpan = headings.length;
  table.replaceChildren(el("thead", "", "", headRow), el("tbody", "", "", ...(rows.length ? rows.map(createRow) : [emptyRow])));
  return table;
}

/** Fill a <dl> with pairs of a term and its description. */
function fillList(list, pairs) {
  list.replaceChildren(...pairs.map(([term, value]) => el("div", "", "", el("dt", "", term), el("dd", "", "", value))));
}

/** Announce something to a screen reader. */
function announce(text) {
  $("announcement").textContent = text;
}

function showError(text = "") {
  $("error").replaceChildren(...(text ? [el("p", "", text)] : []));
}

/** Run `work` with a button disabled, and show the error if it fails. */
async function attempt(work, button = null) {
  showError();
  if (button) button.disabled = true;
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ApiError || error instanceof VerificationError)) throw error;
    if (error.slug === "not-authenticated" && !$("panels").hidden) signOut("revoked");
    showError(error.message);
    return undefined;
  } finally {
    if (button) button.disabled = false;
  }
}

/** Mark one button of a group as pressed. */
function setPressed(group, pressed) {
  for (const button of group) button.setAttribute("aria-pressed", String(button === pressed));
}

/** Ask in place before an action; `fields` are shown between the question and the buttons. */
function confirmInPlace(container, opener, question, actionText, action, ...fields) {
  for (const open of document.querySelectorAll(".confirm")) open.cancel();
  const box = el("form", "confirm", "", el("p", "", question), ...fields);
  box.setAttribute("aria-label", question);
  box.cancel = () => {
    box.remove();
    opener.focus();
  };
  const confirm = el("button", "danger", actionText);
  box.append(el("div", "buttons", "", createButton("Cancel", box.cancel), confirm));
  box.onsubmit = (event) => {
    event.preventDefault();
    attempt(action, confirm);
  };
  box.onkeydown = (event) => {
    if (event.key === "Escape") box.cancel();
  };
  container.append(box);
  (box.querySelector("textarea") ?? box.querySelector("button")).focus();
}

function download(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60e3);
}
