// The building blocks of the screens: elements, buttons, error messages, downloads.

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

const paragraphs = (...lines) => el("div", "sentences", "", ...lines.map((line) => el("p", "", line)));

/** Show an error in the alert box `id`, where a screen reader announces it; without lines, clear it. */
function showError(id, lines = [], ...actions) {
  $(id).replaceChildren(...lines.map((line) => el("p", "", line)), ...actions);
}

/** Return the lines that explain an ApiError: the page's own text if it has one, else the service's.
 *  `adviceKey` is the text that follows when there was no answer. */
function describeError(error, adviceKey = "errors.no-answer-look") {
  if (!(error instanceof ApiError)) throw error;
  if (error.slug === "no-answer") return [t("errors.no-answer"), t(adviceKey)];
  return [t("errors.refused"), t(`errors.${error.slug}`) || error.detail];
}

/** Disable a button while `work` runs, and show a text on it for each of the two states. */
async function whileDisabled(id, busyKey, idleKey, work) {
  $(id).disabled = true;
  $(id).textContent = t(busyKey);
  await work();
  $(id).disabled = false;
  $(id).textContent = t(idleKey);
}

function download(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60e3);
}
