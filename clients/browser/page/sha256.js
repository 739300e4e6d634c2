// SHA-256's compression function (FIPS 180-4). Written out here because crypto.subtle returns a
// promise per call, which is ten times slower, and is missing on pages without TLS.

const primes = [2];
for (let n = 3; primes.length < 64; n++) if (primes.every((prime) => n % prime)) primes.push(n);
const fraction = (root) => (root % 1) * 2 ** 32;
const INITIAL_STATE = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
const ROUND_CONSTANTS = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)));
const schedule = new Int32Array(64);

const rotate = (x, by) => (x >>> by) | (x << (32 - by));

/** Return the state after one more block: the 64 bytes at `offset` of the DataView `bytes`. */
function compress(state, bytes, offset) {
  for (let i = 0; i < 16; i++) schedule[i] = bytes.getInt32(offset + 4 * i);
  for (let i = 16; i < 64; i++) {
    const [x, y] = [schedule[i - 15], schedule[i - 2]];
    const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
    schedule[i] = schedule[i - 16] + s0 + schedule[i - 7] + (rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10));
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const t1 = (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + h + ROUND_CONSTANTS[i] + schedule[i];
    const t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
  }
  return [a, b, c, d, e, f, g, h].map((value, i) => (value + state[i]) | 0);
}
