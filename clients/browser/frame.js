// The picker, in a sandboxed frame without a network. Files stay in here. What goes out, by
// postMessage, is listed in docs/page.md and checked on the other side: hashes, counts, a height.

const list = document.getElementById("images");
const drop = document.getElementById("drop");
const input = document.getElementById("files");
const MARKS = { waiting: "·", working: "…", ready: "✓", refused: "!" };

let words = null;
let nextId = 1;
let entries = []; // {id, file, state, reason, share, original}, in the order they were chosen

const tell = (message) => parent.postMessage(message, "*");

const worker = spawner(hashingWorker)();

worker.onmessage = ({ data }) => {
  const entry = entries.find((one) => one.id === data.id);
  if (data.hashes || data.refused) busy = false;
  if (entry?.state === "working") hear(entry, data);
  render(entry);
  next();
};
worker.onerror = () => {
  busy = true; // without a worker nothing can be hashed, now or later
  for (const entry of entries) if (entry.state !== "ready") refuse(entry, "memory");
  renderAll();
};
let busy = false;

/** Takes what the worker says of an image: how far it is, its first hash, all of them, or why not. */
function hear(entry, { share, original, hashes, refused }) {
  if (share) entry.share = share;
  if (refused) refuse(entry, refused);
  if (entries.some((one) => original && one.original === original)) return refuse(entry, "twice");
  entry.original ??= original;
  if (!hashes) return;
  entry.state = "ready";
  entry.file = null;
  tell({ kind: "hashed", image: entry.id, hashes });
}

function refuse(entry, reason) {
  entry.state = "refused";
  entry.reason = reason;
  entry.original = null;
  entry.file = null;
}

/** What the service would not take is marked in the list. */
function refuseForGood(entry) {
  if (!entry) return;
  refuse(entry, "service");
  render(entry);
  next();
}

/** Hands the worker the next file; one at a time keeps memory to one decoded image. */
function next() {
  const waiting = entries.filter((one) => one.state === "waiting");
  const left = waiting.length + entries.filter((one) => one.state === "working").length;
  tell({ kind: "working", left });
  summarise(left);
  if (busy || waiting.length === 0) return;
  const [entry] = waiting;
  busy = true;
  entry.state = "working";
  worker.postMessage({ id: entry.id, file: entry.file });
  render(entry);
}

function add(files) {
  for (const file of files) {
    const entry = { id: nextId++, file, name: file.name, state: "waiting", share: 0 };
    entries.push(entry);
    list.append(build(entry));
    render(entry);
  }
  next();
}

function remove(entry) {
  entries = entries.filter((one) => one !== entry);
  entry.row.remove();
  tell({ kind: "removed", image: entry.id });
  input.focus();
  next();
}

/** A piece of text in the person's language, with its {names} filled in. */
function say(key, values = {}) {
  return (words?.[key] ?? "").replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function make(tag, className) {
  const element = document.createElement(tag);
  element.className = className;
  return element;
}

function build(entry) {
  entry.row = make("li", "");
  entry.mark = make("span", "mark");
  entry.mark.ariaHidden = "true";
  entry.label = make("bdi", "name");
  entry.label.textContent = entry.name;
  entry.note = make("span", "state");
  entry.bar = make("progress", "");
  entry.cancel = make("button", "quiet");
  entry.cancel.type = "button";
  entry.cancel.onclick = () => remove(entry);
  entry.note.append(entry.bar);
  entry.row.append(entry.mark, entry.label, entry.note, entry.cancel);
  return entry.row;
}

function render(entry) {
  if (!entry) return;
  entry.row.classList.remove("waiting", "working", "ready", "refused");
  entry.row.classList.add(entry.state);
  entry.mark.textContent = MARKS[entry.state === "working" && entry.original ? "ready" : entry.state];
  entry.cancel.textContent = say("remove");
  entry.cancel.ariaLabel = say("remove-one", { name: entry.name });
  if (entry.state === "working") {
    entry.bar.value = entry.share;
    entry.bar.ariaLabel = say("working", { name: entry.name });
    if (!entry.bar.isConnected) entry.note.replaceChildren(entry.bar);
  } else {
    entry.note.textContent = say(entry.state === "refused" ? `refused-${entry.reason}` : entry.state);
  }
}

function summarise(left) {
  const ready = entries.filter((one) => one.state === "ready").length;
  const total = entries.length;
  const key = left > 0 ? "summary-working" : "summary-done";
  document.getElementById("summary").textContent =
    total === 0 ? "" : say(key, { ready, total, refused: total - ready - left });
}

function renderAll() {
  for (const element of document.querySelectorAll("[data-t]")) {
    element.textContent = say(element.dataset.t);
  }
  list.ariaLabel = say("list");
  entries.forEach(render);
  next();
}

function clear() {
  entries = [];
  list.replaceChildren();
  next();
}

addEventListener("message", ({ source, data }) => {
  if (source !== parent) return;
  if (data.kind === "clear") return clear();
  if (data.kind === "refused") return refuseForGood(entries.find((one) => one.id === data.image));
  words = data.words;
  document.documentElement.lang = data.language;
  document.documentElement.dir = data.direction;
  renderAll();
});

input.addEventListener("change", () => {
  add(input.files);
  input.value = "";
});
addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
addEventListener("dragleave", () => drop.classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  add(event.dataTransfer.files);
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing) tell({ kind: "leave" });
});

new ResizeObserver(([{ target }]) => tell({ kind: "height", px: Math.ceil(target.offsetHeight) }))
  .observe(document.querySelector("main"));
tell({ kind: "ready" });
