// What the person calls each image, to tell them apart later. It is in this page's memory, and in the
// file that they save with number and PIN; it is never sent.

const MAX_LABEL = 80;

let labels = null; // {number, count, texts}: of which case, of how many images, and the text by image

/** Show a field per image of the case that was just opened. */
function renderLabels() {
  const count = screen === "done" && labels ? labels.count : 0;
  $("name-images").hidden = count === 0;
  $("labels").replaceChildren(...Array.from({ length: count }, (_, i) => labelField(i + 1)));
}

function labelField(n) {
  const input = el("input");
  // A spelling service or the form history would take the text elsewhere.
  Object.assign(input, { value: labelOf(n), maxLength: MAX_LABEL, autocomplete: "off", spellcheck: false });
  input.oninput = () => {
    labels.texts.set(n, input.value);
    hasUnsavedWork = true;
    $("codes-status").textContent = "";
  };
  return el("li", "", "", el("label", "", "", el("span", "", t("case.image", { n })), input));
}

/** Return what the person called an image, or "". */
const labelOf = (n) => labels?.texts.get(n)?.trim() ?? "";

/** Return the lines of the saved file about the images that have a label. */
function labelLines() {
  const numbers = [...labels.texts.keys()].filter(labelOf).sort((a, b) => a - b);
  const lines = numbers.map((n) => `${t("case.image", { n })}: ${labelOf(n)}\n`);
  return lines.length ? `\n${lines.join("")}` : "";
}
