// The second half of PDQ: from 64 x 64 samples of a view to its hash and its quality. The first half
// is box-filter.js; what is said there about single precision holds here too.

const CORNER = 16;

/** The first 16 rows of the 64-point cosine transform, without the constant one. */
const COSINES = (() => {
  const scale = f32(Math.sqrt(2 / SAMPLES));
  const angle = (i, j) => (Math.PI / 2 / SAMPLES) * (i + 1) * (2 * j + 1);
  return Float32Array.from({ length: CORNER * SAMPLES }, (_, at) =>
    scale * Math.cos(angle(Math.floor(at / SAMPLES), at % SAMPLES)));
})();

/** Return the 16 x 16 corner of a block's cosine transform: Meta's dct64To16. */
function transformCorner(block) {
  const half = new Float32Array(CORNER * SAMPLES);
  const out = new Float32Array(CORNER * CORNER);
  for (let i = 0; i < CORNER; i++) {
    for (let j = 0; j < SAMPLES; j++) {
      let sum = f32(0);
      for (let k = 0; k < SAMPLES; k++) {
        sum = f32(sum + f32(COSINES[i * SAMPLES + k] * block[k * SAMPLES + j]));
      }
      half[i * SAMPLES + j] = sum;
    }
    for (let j = 0; j < CORNER; j++) {
      let sum = f32(0);
      for (let k = 0; k < SAMPLES; k++) {
        sum = f32(sum + f32(half[i * SAMPLES + k] * COSINES[j * SAMPLES + k]));
      }
      out[i * CORNER + j] = sum;
    }
  }
  return out;
}

/** Return the quality, 0 to 100, by the gradients in a block: Meta's pdqImageDomainQualityMetric. */
function quality(block) {
  const gradient = (a, b) => Math.trunc(Math.abs(f32(f32(f32(a - b) * 100) / 255)));
  let total = 0;
  for (let i = 0; i < SAMPLES; i++) {
    for (let j = 0; j < SAMPLES; j++) {
      const here = block[i * SAMPLES + j];
      if (i + 1 < SAMPLES) total += gradient(here, block[(i + 1) * SAMPLES + j]);
      if (j + 1 < SAMPLES) total += gradient(here, block[i * SAMPLES + j + 1]);
    }
  }
  return Math.min(100, Math.trunc(total / 90));
}

/** Return the hash, 64 hex digits, most significant first: a bit is set if its coefficient is over
 *  the median. */
function hash(block) {
  const coefficients = transformCorner(block);
  const median = coefficients.slice().sort()[coefficients.length / 2 - 1];
  let hex = "";
  for (let top = coefficients.length - 1; top > 0; top -= 4) {
    let digit = 0;
    for (let i = 0; i < 4; i++) digit = 2 * digit + (coefficients[top - i] > median ? 1 : 0);
    hex += digit.toString(16);
  }
  return hex;
}

/** Compute the luma, 0 to 255, of one row of RGBA pixels at `offset`; rounded once, as in pdqhash. */
function luma(rgba, offset, out) {
  for (let x = 0, p = offset; x < out.length; x++, p += 4) {
    out[x] = 0.299 * rgba[p] + 0.587 * rgba[p + 1] + 0.114 * rgba[p + 2];
  }
}
