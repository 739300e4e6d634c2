// What the picker shows: a row per file, a summary, and the texts, in the language that the page sends.

const list = document.getElementById("images");
const ICONS = { waiting: "·", working: "…", ready: "✓", refused: "!" };

let texts = null;

/** Return the text `key` with its {placeholders} filled in. */
function t(key, values = {}) {
  return (texts?.[key] ?? "").replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function createElement(tag, className) {
  const element = document.createElement(tag);
  element.className = className;
  return element;
}

function createRow(entry) {
  entry.row = createElement("li", "");
  entry.icon = createElement("span", "icon");
  entry.icon.ariaHidden = "true";
  entry.label = createElement("bdi", "name");
  entry.label.textContent = entry.name;
  entry.status = createElement("span", "status");
  entry.bar = createElement("progress", "");
  entry.removeButton = createElement("button", "quiet");
  entry.removeButton.type = "button";
  entry.removeButton.onclick = () => remove(entry);
  entry.status.append(entry.bar);
  entry.row.append(entry.icon, entry.label, entry.status, entry.removeButton);
  return entry.row;
}

function render(entry) {
  if (!entry) return;
  entry.row.className = entry.state;
  entry.icon.textContent = ICONS[entry.state === "working" && entry.original ? "ready" : entry.state];
  entry.removeButton.textContent = t("remove");
  entry.removeButton.ariaLabel = t("remove-one", { name: entry.name });
  if (entry.state === "working") {
    entry.bar.value = entry.progress;
    entry.bar.ariaLabel = t("working", { name: entry.name });
    if (!entry.bar.isConnected) entry.status.replaceChildren(entry.bar);
  } else {
    const key = entry.state === "refused" ? `refused-${entry.reason}` : entry.state;
    entry.status.textContent = t(key, { millions: MAX_PIXELS / 1e6 });
  }
}

function renderSummary() {
  const ready = entries.filter((each) => each.state === "ready").length;
  const pending = countPending();
  const total = entries.length;
  const key = pending > 0 ? "summary-working" : "summary-done";
  document.getElementById("summary").textContent = total === 0 ? "" : t(key, { ready, total });
}

function renderAll() {
  for (const element of document.querySelectorAll("[data-i18n]")) {
    element.textContent = t(element.dataset.i18n);
  }
  list.ariaLabel = t("list");
  entries.forEach(render);
  renderSummary();
}

function setLanguage(data) {
  texts = data.texts;
  document.documentElement.lang = data.language;
  document.documentElement.dir = data.direction;
  renderAll();
}
