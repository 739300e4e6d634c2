// Translations. assemble.py puts TEXTS in front of this script, made from texts/*.json: the keys
// once, and each language's texts in the order of the keys.

const LANGUAGES = Object.keys(TEXTS.languages);

let language = preferredLanguage();
let texts = textsIn(language);

/** Return the first of the browser's languages that is supported, else English. */
function preferredLanguage() {
  const wanted = navigator.languages.map((tag) => tag.toLowerCase().split("-")[0]);
  return wanted.find((code) => LANGUAGES.includes(code)) ?? "en";
}

/** Return a language's texts by key. */
function textsIn(code) {
  return Object.fromEntries(TEXTS.keys.map((key, i) => [key, TEXTS.languages[code][i]]));
}

function setLanguage(code) {
  language = code;
  texts = textsIn(code);
}

/** Return the text `key` with its {placeholders} filled in. `values.n` selects the plural form of a
 *  text that has several. Return "" for an unknown key. */
function t(key, values = {}) {
  const text = texts[key] ?? "";
  const form = text.other ? text[new Intl.PluralRules(language).select(values.n)] ?? text.other : text;
  return form.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Return the texts whose keys start with `section.`, by the rest of the key. */
function textsUnder(section) {
  const keys = TEXTS.keys.filter((key) => key.startsWith(`${section}.`));
  return Object.fromEntries(keys.map((key) => [key.slice(section.length + 1), texts[key]]));
}

/** Format a date in the person's language and country. */
function formatDate(iso) {
  const locale = navigator.languages.find((tag) => tag.toLowerCase().split("-")[0] === language);
  return new Intl.DateTimeFormat(locale ?? language, { dateStyle: "long" }).format(new Date(iso));
}
