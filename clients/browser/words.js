// The page's texts, in the person's language. TEXTS is put in front by assemble.py, from texts/:
// the keys once, and each language's texts in the order of the keys.

const LANGUAGES = Object.keys(TEXTS.languages);

let language = preferred();
let words = load(language);

/** The first of the browser's languages that there is, else English. */
function preferred() {
  const wanted = navigator.languages.map((tag) => tag.toLowerCase().split("-")[0]);
  return wanted.find((code) => LANGUAGES.includes(code)) ?? "en";
}

function load(code) {
  return Object.fromEntries(TEXTS.keys.map((key, i) => [key, TEXTS.languages[code][i]]));
}

/** The text `key` with its {names} filled in; a text with plural forms is chosen by `values.n`. */
function say(key, values = {}) {
  const text = words[key] ?? "";
  const form = text.other ? text[new Intl.PluralRules(language).select(values.n)] ?? text.other : text;
  return form.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** A day, as it is written in the person's language and country. */
function day(iso) {
  const own = navigator.languages.find((tag) => tag.toLowerCase().split("-")[0] === language);
  return new Intl.DateTimeFormat(own ?? language, { dateStyle: "long" }).format(new Date(iso));
}

/** The texts whose keys start with `section.`, without it. */
function section(name) {
  const own = TEXTS.keys.filter((key) => key.startsWith(`${name}.`));
  return Object.fromEntries(own.map((key) => [key.slice(name.length + 1), words[key]]));
}

function use(code) {
  language = code;
  words = load(code);
}
