// The service's calls, and the codes that are made here. Nothing is kept but in this page's memory.

const CONVENTION = "pdq-srgb-full-1";
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; // Crockford's base32

const MOST_CHALLENGES = 3;

/** An answer that is not what was asked for: `slug` of the problem, `detail` for a person, `work` to
 *  be done first, and the places in what was sent that are at fault. */
class Trouble extends Error {
  constructor(slug, { detail = "", work, errors } = {}) {
    super(detail || slug);
    this.slug = slug;
    this.detail = String(detail);
    this.work = work;
    this.places = Array.isArray(errors) ? errors.map(({ at }) => String(at)) : [];
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
  throw new Trouble(String(answer.type).split(":").pop(), answer);
}


/** Submits, and does the work that is asked for it; `tell` is given the share of that, 0 to 1. */
async function submitCase({ key, text }, tell) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
  for (let challenges = 0; ; challenges++) {
    try {
      return await call("POST", "/v1/cases", headers, text);
    } catch (error) {
      const asked = error.slug === "work-required" && challenges < MOST_CHALLENGES;
      if (!asked || !isFeasible(error.work)) throw error;
      headers["Unseen-Work"] = await prove(error.work, key, tell);
    }
  }
}

const showCase = (number, pin) => call("GET", `/v1/cases/${number}`, { "Unseen-Pin": pin });
const withdraw = (number, pin, image) =>
  call("DELETE", `/v1/cases/${number}${image ? `/images/${image}` : ""}`, { "Unseen-Pin": pin });
