// PINs, case numbers and idempotency keys. PINs and keys are made here, on the person's device.

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; // Crockford's base32

const randomBytes = (count) => crypto.getRandomValues(new Uint8Array(count));
const inGroups = (code) => code.match(/.{4}/g).join("-");

/** Return a new PIN: 60 random bits as XXXX-XXXX-XXXX. 32 divides 256, so every character is
 *  equally likely. */
function newPin() {
  return inGroups(Array.from(randomBytes(12), (byte) => ALPHABET[byte % 32]).join(""));
}

/** Return 128 random bits in hex. The service opens one case per key, however often it is sent. */
function newIdempotencyKey() {
  return Array.from(randomBytes(16), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Return a typed case number as UN-XXXX-XXXX, or null if it is not one. */
function parseCaseNumber(text) {
  const code = parseCode(normalized(text).replace(/^UN/, ""), 8);
  return code && `UN-${code}`;
}

/** Return a typed PIN as XXXX-XXXX-XXXX, or null if it is not one. */
const parsePin = (text) => parseCode(normalized(text), 12);

/** Read base32 as people type it: in any case, with or without separators, O for 0, I and L for 1. */
function normalized(text) {
  return text.toUpperCase().replace(/[\s-]/g, "").replace(/O/g, "0").replace(/[IL]/g, "1");
}

function parseCode(code, length) {
  const isValid = code.length === length && [...code].every((character) => ALPHABET.includes(character));
  return isValid ? inGroups(code) : null;
}
