// The service's calls, and the codes that are made here. Nothing is kept but in this page's memory.

const CONVENTION = "pdq-srgb-full-1";
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; // Crockford's base32

/** An answer that is not what was asked for: `slug` of the problem, `detail` for a person. */
class Trouble extends Error {
  constructor(slug, detail = "") {
    super(detail || slug);
    this.slug = slug;
    this.detail = detail;
  }
}

const random = (count) => crypto.getRandomValues(new Uint8Array(count));

/** A PIN: 60 random bits as XXXX-XXXX-XXXX. 32 divides 256, so every character is as likely. */
function newPin() {
  return grouped(Array.from(random(12), (byte) => ALPHABET[byte % 32]).join(""));
}

/** 128 random bits: the service opens one case a key, however often it is sent. */
function newKey() {
  return Array.from(random(16), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const grouped = (code) => code.match(/.{4}/g).join("-");

/** A code as a person may write it, in its proper form, or null. */
function readCode(text, length) {
  const meant = text.toUpperCase().replace(/[\s-]/g, "").replace(/O/g, "0").replace(/[IL]/g, "1");
  const code = length === 8 ? meant.replace(/^UN/, "") : meant;
  if (code.length !== length || [...code].some((one) => !ALPHABET.includes(one))) return null;
  return (length === 8 ? "UN-" : "") + grouped(code);
}

/** One call; throws Trouble("no-answer") or the service's own problem. */
async function call(method, path, headers, body) {
  let response;
  let answer;
  try {
    response = await fetch(path, { method, headers, body, cache: "no-store", credentials: "omit" });
    answer = await response.json();
  } catch {
    throw new Trouble("no-answer");
  }
  if (response.ok) return answer;
  throw new Trouble(String(answer.type).split(":").pop(), String(answer.detail ?? ""));
}

const submitCase = ({ key, text }) =>
  call("POST", "/v1/cases", { "Content-Type": "application/json", "Idempotency-Key": key }, text);
const showCase = (number, pin) => call("GET", `/v1/cases/${number}`, { "Unseen-Pin": pin });
const withdraw = (number, pin, image) =>
  call("DELETE", `/v1/cases/${number}${image ? `/images/${image}` : ""}`, { "Unseen-Pin": pin });
