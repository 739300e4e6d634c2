// What the picker shows: a row per file, a summary, and the texts, in the language that the page sends.

const list = document.getElementById("images");
const ICONS = { waiting: "·", working: "…", ready: "✓", refused: "!" };

let texts = null;
let arePicturesHidden = false;

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
  entry.icon.setAttribute("aria-hidden", "true");
  entry.label = createElement("bdi", "name");
  entry.label.textContent = entry.name;
  entry.status = createElement("span", "status");
  entry.bar = createElement("progress", "");
  entry.removeButton = createElement("button", "quiet");
  entry.removeButton.type = "button";
  entry.removeButton.onclick = () => remove(entry);
  entry.status.append(entry.bar);
  entry.picture = createElement("canvas", "picture");
  entry.picture.setAttribute("aria-hidden", "true");
  entry.picture.hidden = true;
  entry.row.append(entry.icon, entry.picture, entry.label, entry.status, entry.removeButton);
  return entry.row;
}

/** Show a picture of an image. It is in this frame's memory only, and goes with the page. */
function showPicture(entry, picture) {
  [entry.picture.width, entry.picture.height] = [picture.width, picture.height];
  entry.picture.getContext("bitmaprenderer").transferFromImageBitmap(picture);
  entry.hasPicture = true;
  renderPictures();
}

function renderPictures() {
  const button = document.getElementById("pictures");
  const shown = entries.filter((each) => each.hasPicture && each.state === "ready");
  for (const entry of entries) entry.picture.hidden = arePicturesHidden || !shown.includes(entry);
  button.hidden = shown.length === 0 || mode === "file";
  button.textContent = t(arePicturesHidden ? "show" : "hide");
}

document.getElementById("pictures").onclick = () => {
  arePicturesHidden = !arePicturesHidden;
  renderPictures();
};

/** Show an image that was sent, beside the number that it has in the case. */
function renderNumbered(entry) {
  const n = numbered.indexOf(entry.id) + 1;
  entry.row.hidden = n === 0;
  entry.icon.textContent = n;
  entry.label.textContent = t("image", { n });
  entry.status.textContent = entry.name;
}

function render(entry) {
  if (!entry) return;
  entry.row.hidden = mode === "file";
  entry.removeButton.hidden = mode === "numbers";
  if (mode === "numbers") return renderNumbered(entry);
  entry.label.textContent = entry.name;
  entry.row.className = entry.state;
  entry.icon.textContent = ICONS[entry.state === "working" && entry.original ? "ready" : entry.state];
  entry.removeButton.textContent = t("remove");
  entry.removeButton.setAttribute("aria-label", t("remove-one", { name: entry.name }));
  if (entry.state === "working") {
    entry.bar.value = entry.progress;
    entry.bar.setAttribute("aria-label", t("working", { name: entry.name }));
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
  const text = mode === "numbers" ? t("numbers") : t(key, { ready, total });
  document.getElementById("summary").textContent = total === 0 || mode === "file" ? "" : text;
  // A long list scrolls, also by keyboard where it has no buttons.
  if (list.scrollHeight > list.clientHeight) list.tabIndex = 0;
  else list.removeAttribute("tabindex");
}

/** Write what can be chosen: images, or one saved file. */
function renderDrop() {
  const isFile = mode === "file";
  drop.hidden = mode === "numbers";
  input.multiple = !isFile;
  input.accept = isFile ? ".json,.txt" : "image/*";
  document.getElementById("drop-text").textContent = isFile ? t("file-drop") : t("drop");
  document.getElementById("choose").textContent = isFile ? t("file-choose") : t("choose");
}

function renderAll() {
  renderDrop();
  list.setAttribute("aria-label", t("list"));
  entries.forEach(render);
  renderPictures();
  renderSummary();
}

function setLanguage(data) {
  texts = data.texts;
  document.documentElement.lang = data.language;
  document.documentElement.dir = data.direction;
  renderAll();
}
