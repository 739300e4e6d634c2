// The Worker that solves puzzles: for each, it finds the first counter for which the first four bytes
// of SHA-256("<prefix>:<puzzle>:<counter>") are below the target (docs/intake.md).

const TRIES_PER_REPORT = 5000;

/** Return the first counter below the target. The full blocks of the prefix are hashed only once. */
function solve(prefix, target) {
  let state = INITIAL_STATE;
  const front = new DataView(new TextEncoder().encode(prefix).buffer);
  const whole = front.byteLength - (front.byteLength % 64);
  for (let at = 0; at < whole; at += 64) state = compress(state, front, at);
  const end = new DataView(new ArrayBuffer(128));
  let rest = 0;
  for (; whole + rest < front.byteLength; rest++) end.setUint8(rest, front.getUint8(whole + rest));
  for (let counter = 0; ; counter++) {
    const digits = String(counter);
    const length = rest + digits.length;
    const size = length < 56 ? 64 : 128;
    for (let i = 0; i < digits.length; i++) end.setUint8(rest + i, digits.charCodeAt(i));
    end.setUint8(length, 0x80);
    for (let i = length + 1; i < size; i++) end.setUint8(i, 0);
    end.setUint32(size - 4, 8 * (whole + length));
    let digest = compress(state, end, 0);
    if (size > 64) digest = compress(digest, end, 64);
    if (digest[0] >>> 0 < target) return counter;
    if (counter % TRIES_PER_REPORT === TRIES_PER_REPORT - 1) self.postMessage({ tries: TRIES_PER_REPORT });
  }
}

self.onmessage = ({ data: { prefix, puzzles, target } }) => {
  for (const puzzle of puzzles) {
    const counter = solve(`${prefix}:${puzzle}:`, target);
    self.postMessage({ puzzle, counter, tries: (counter % TRIES_PER_REPORT) + 1 });
  }
};
