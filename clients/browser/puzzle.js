// The search of a proof of work, in a Worker: for each puzzle, the first counter for which the first
// four bytes of SHA-256("<prefix>:<puzzle>:<counter>") are under the target (docs/intake.md). Written
// out here, because crypto.subtle answers each call by a promise, ten times as slow, and is not there
// on pages without TLS. SHA-256 is FIPS 180-4's.

const REPORT = 5000; // tries between two reports
const primes = [2];
for (let n = 3; primes.length < 64; n++) if (primes.every((prime) => n % prime)) primes.push(n);
const fraction = (root) => (root % 1) * 2 ** 32;
const START = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
const ROUNDS = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)));
const words = new Int32Array(64);

const turn = (x, by) => (x >>> by) | (x << (32 - by));

/** The state after one more block, the 64 bytes of `bytes` from `offset`. */
function compress(state, bytes, offset) {
  for (let i = 0; i < 16; i++) words[i] = bytes.getInt32(offset + 4 * i);
  for (let i = 16; i < 64; i++) {
    const [x, y] = [words[i - 15], words[i - 2]];
    const small = turn(x, 7) ^ turn(x, 18) ^ (x >>> 3);
    words[i] = words[i - 16] + small + words[i - 7] + (turn(y, 17) ^ turn(y, 19) ^ (y >>> 10));
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const one = (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + h + ROUNDS[i] + words[i];
    const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  return [a, b, c, d, e, f, g, h].map((value, i) => (value + state[i]) | 0);
}

/** The first counter under the target; what stays the same at the front is hashed once. */
function solve(prefix, target) {
  let state = START;
  const front = new DataView(new TextEncoder().encode(prefix).buffer);
  const whole = front.byteLength - (front.byteLength % 64);
  for (let at = 0; at < whole; at += 64) state = compress(state, front, at);
  const end = new DataView(new ArrayBuffer(128));
  let kept = 0;
  for (; whole + kept < front.byteLength; kept++) end.setUint8(kept, front.getUint8(whole + kept));
  for (let counter = 0; ; counter++) {
    const digits = String(counter);
    const length = kept + digits.length;
    const size = length < 56 ? 64 : 128;
    for (let i = 0; i < digits.length; i++) end.setUint8(kept + i, digits.charCodeAt(i));
    end.setUint8(length, 0x80);
    for (let i = length + 1; i < size; i++) end.setUint8(i, 0);
    end.setUint32(size - 4, 8 * (whole + length));
    let digest = compress(state, end, 0);
    if (size > 64) digest = compress(digest, end, 64);
    if (digest[0] >>> 0 < target) return counter;
    if (counter % REPORT === REPORT - 1) self.postMessage({ tries: REPORT });
  }
}

self.onmessage = ({ data: { prefix, puzzles, target } }) => {
  for (const puzzle of puzzles) {
    const counter = solve(`${prefix}:${puzzle}:`, target);
    self.postMessage({ puzzle, counter, tries: (counter % REPORT) + 1 });
  }
};
