// The file picker, in a sandboxed frame without network access. Images stay in here. What goes out,
// by postMessage, is listed in docs/page.md and checked by the page: hashes, counts, a height, and the
// text of a file that the page itself saved earlier.

const drop = document.getElementById("drop");
const input = document.getElementById("files");

let nextId = 1;
let entries = []; // {id, file, name, state, reason, progress, original}, in the order they were chosen
let isHashing = false;
let mode = "images"; // or "file": choose a saved file; or "numbers": show which image has which number
let numbered = []; // ids, in the order of their numbers

const MAX_SAVED = 4e6; // bytes; a submission of a thousand images has a fourth of that
const SAVED = /^\s*\{\s*"unseen_submission"|^[^\0]{0,99}UN-[0-9A-Z]{4}-[0-9A-Z]{4}/;

const postToPage = (message) => parent.postMessage(message, "*");

const worker = workerFactory(hashingWorker)();

worker.onmessage = ({ data }) => {
  const entry = entries.find((each) => each.id === data.id);
  if (data.hashes || data.refused) isHashing = false;
  if (entry?.state === "working") update(entry, data);
  render(entry);
  hashNext();
};
worker.onerror = () => {
  isHashing = true; // without a Worker nothing can be hashed, now or later
  for (const entry of entries) if (entry.state !== "ready") refuse(entry, "memory");
  renderAll();
  hashNext();
};

/** Apply a message of the Worker to an entry: its progress, its first hash, all hashes, or a refusal. */
function update(entry, { progress, original, hashes, picture, refused }) {
  if (progress) entry.progress = progress;
  if (refused) refuse(entry, refused);
  if (entries.some((each) => original && each.original === original)) return refuse(entry, "duplicate");
  entry.original ??= original;
  if (!hashes) return;
  entry.state = "ready";
  entry.file = null;
  showPicture(entry, picture);
  postToPage({ kind: "hashed", image: entry.id, hashes });
}

function refuse(entry, reason) {
  entry.state = "refused";
  entry.reason = reason;
  entry.original = null;
  entry.file = null;
}

/** Mark an image that the service has refused. */
function markRefusedByService(entry) {
  if (!entry) return;
  refuse(entry, "service");
  render(entry);
  hashNext();
}

const countPending = () => entries.filter((each) => ["waiting", "working"].includes(each.state)).length;

/** Send the next file to the Worker. One at a time, so that only one decoded image is in memory. */
function hashNext() {
  const waiting = entries.filter((each) => each.state === "waiting");
  postToPage({ kind: "pending", count: countPending() });
  renderSummary();
  if (isHashing || waiting.length === 0) return;
  const [entry] = waiting;
  isHashing = true;
  entry.state = "working";
  worker.postMessage({ id: entry.id, file: entry.file });
  render(entry);
}

/** Send the text of a saved file to the page. What is too large to be one, or no text, is not sent. */
async function openSaved(file) {
  const text = file.size <= MAX_SAVED ? await file.text().catch(() => "") : "";
  postToPage({ kind: "file", text: SAVED.test(text) ? text : "" });
}

function add(files) {
  if (mode === "file") return files.length && openSaved(files[0]);
  for (const file of files) {
    const entry = { id: nextId++, file, name: file.name, state: "waiting", progress: 0 };
    entries.push(entry);
    list.append(createRow(entry));
    render(entry);
  }
  hashNext();
}

function remove(entry) {
  entries = entries.filter((each) => each !== entry);
  entry.row.remove();
  postToPage({ kind: "removed", image: entry.id });
  input.focus();
  hashNext();
}

function setMode(data) {
  [mode, numbered] = [data.mode, data.images];
  renderAll();
}

function clear() {
  entries = [];
  numbered = [];
  list.replaceChildren();
  hashNext();
}

addEventListener("message", ({ source, data }) => {
  if (source !== parent) return;
  if (data.kind === "clear") clear();
  if (data.kind === "refused") markRefusedByService(entries.find((each) => each.id === data.image));
  if (data.kind === "language") setLanguage(data);
  if (data.kind === "mode") setMode(data);
});

input.addEventListener("change", () => {
  add(input.files);
  input.value = "";
});
addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("dragging");
});
addEventListener("dragleave", () => drop.classList.remove("dragging"));
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("dragging");
  add(event.dataTransfer.files);
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing) postToPage({ kind: "exit" });
});

new ResizeObserver(([{ target }]) => {
  postToPage({ kind: "height", px: Math.ceil(target.getBoundingClientRect().height) });
}).observe(document.querySelector("main"));
postToPage({ kind: "ready" });
