// PDQ, Meta's 256-bit perceptual hash, of an image and of its seven mirrored and turned views.
//
// The algorithm is Meta's (github.com/facebook/ThreatExchange, pdq/): luma, a box filter along rows
// and columns, twice, 64 x 64 samples, a 16 x 16 corner of the cosine transform, and its median.
// The C++ computes in single precision and its rounding decides bits, so every operation here is
// rounded alike: by Math.fround, or by being stored in a Float32Array.
//
// The filter streams. Rows go in once from the top and once from the bottom, each sweep gives four
// views, and only as many rows as the box is high are held. A view is filtered on its own and not
// derived from another, because a box of even width is off centre and rounding depends on order.

const f32 = Math.fround;
const SAMPLES = 64;
const CORNER = 16;

// The views of each sweep. Rows first: the row as it is, the row from its end. Columns first: the
// same for the views that are turned by a quarter, whose rows are the columns of the image.
const SWEEPS = {
  down: { rowsFirst: ["original", "mirror"], columnsFirst: ["mirror-turn-270", "turn-270"] },
  up: { rowsFirst: ["mirror-turn-180", "turn-180"], columnsFirst: ["turn-90", "mirror-turn-90"] },
};

/** The box for a side of `length` pixels; Meta's computeJaroszFilterWindowSize. */
function boxSize(length) {
  return Math.floor((length + 2 * SAMPLES - 1) / (2 * SAMPLES));
}

/** The 64 positions of `length` that are kept after filtering; Meta's decimateFloat. */
function samplePositions(length) {
  return Array.from({ length: SAMPLES }, (_, i) => Math.floor(((i + 0.5) * length) / SAMPLES));
}

/** The window of each output of a running mean over `length` values: `ends` says how many values
 *  have come in by then, `shares` is one over how many of them are in the box.
 *
 *  Multiplying by a share in double precision and rounding once gives the same single as dividing
 *  does: a quotient of a 24-bit number and a count under 2^16 is never nearer than 2^-42 of itself
 *  to the middle between two singles, nor upon it, and the product is off by 2^-52 at most. */
function windows(length, positions) {
  const size = boxSize(length);
  const ends = Int32Array.from(positions, (at) => at + ((size + 2) >> 1));
  const inBox = (end) => Math.min(end, length) - Math.max(0, end - size);
  return { size, ends, shares: Float64Array.from(ends, (end) => 1 / inBox(end)) };
}

/** Running means along four rows at once, Meta's box1DFloat: the four sums do not wait for each
 *  other. Rows have zeros at both ends, so that values come and go alike everywhere. */
function boxAlong([p, q, r, s], from, step, [first, second, third, fourth], to, toStep, box) {
  const { size, ends, shares } = box;
  let [a, b, c, d] = [f32(0), f32(0), f32(0), f32(0)];
  const back = step * size;
  for (let i = 0, right = 0, x = from; i < ends.length; i++, to += toStep) {
    for (const end = ends[i]; right < end; right++, x += step) {
      a = f32(f32(a + p[x]) - p[x - back]);
      b = f32(f32(b + q[x]) - q[x - back]);
      c = f32(f32(c + r[x]) - r[x - back]);
      d = f32(f32(d + s[x]) - s[x - back]);
    }
    first[to] = a * shares[i];
    second[to] = b * shares[i];
    third[to] = c * shares[i];
    fourth[to] = d * shares[i];
  }
}

const allPositions = (length) => Array.from({ length }, (_, i) => i);
const four = (length) => Array.from({ length: 4 }, () => new Float32Array(length));
const paddedLength = (width) => width + 2 * boxSize(width);

// Stages. Rows go on four at a time, with their numbers; they are valid until `next` returns.

/** Filters along rows of `width`, from the left and from the right: each row that comes out holds
 *  both, end to end. What comes in is such a pair already, or one row for both. All of the outputs
 *  are kept, with the zeros about them, or the 64 samples. */
function rowBox(width, { paired, sampled }, next) {
  const pad = boxSize(width);
  const padded = paddedLength(width);
  const box = windows(width, sampled ? samplePositions(width) : allPositions(width));
  const out = four(2 * (sampled ? SAMPLES : padded));
  const last = pad + width - 1;
  return (rows, numbers) => {
    boxAlong(rows, pad, 1, out, sampled ? 0 : pad, 1, box);
    boxAlong(rows, last + (paired ? padded : 0), -1, out,
      sampled ? SAMPLES : padded + last, sampled ? 1 : -1, box);
    next(out, numbers);
  };
}

/** Filters down the columns of `height` rows; `positions` are the rows that are wanted. */
function columnBox(length, height, positions, next) {
  const { size, ends, shares } = windows(height, positions);
  const held = Array.from({ length: size }, () => new Float32Array(length));
  const sum = new Float32Array(length);
  const nothing = new Float32Array(length);
  const out = four(length);
  const numbers = [];
  let came = 0;
  let went = 0;
  const slide = (row, to) => {
    const old = held[came % size];
    const share = shares[went];
    for (let x = 0; x < length; x++) {
      const value = row[x];
      const total = f32(f32(sum[x] + value) - old[x]);
      old[x] = value;
      sum[x] = total;
      to[x] = total * share;
    }
  };
  const take = (row) => {
    slide(row, out[numbers.length]);
    came++;
    if (ends[went] === came) numbers.push(positions[went++]);
    if (numbers.length === 4 || (numbers.length > 0 && went === ends.length)) {
      next(out, numbers);
      numbers.length = 0;
    }
  };
  return (rows, { length: count }) => {
    for (let i = 0; i < count; i++) take(rows[i]);
    if (came === height) while (went < ends.length) take(nothing);
  };
}

/** Puts each sampled pair of rows in its two blocks: as rows, or as columns if `turned`. */
function collector(height, [first, second], turned) {
  const [line, step] = turned ? [1, SAMPLES] : [SAMPLES, 1];
  const at = samplePositions(height);
  return (rows, numbers) => numbers.forEach((y, row) => {
    for (let i = at.indexOf(y); i >= 0 && at[i] === y; i++) {
      for (let j = 0; j < SAMPLES; j++) {
        first[i * line + j * step] = rows[row][j];
        second[i * line + j * step] = rows[row][SAMPLES + j];
      }
    }
  });
}

/** One sweep: put luma into `lines`, up to four rows at a time, and `push` their numbers, in the
 *  sweep's order; then `blocks` holds the 64 x 64 samples of each of its four views. */
function sweep(width, height, names) {
  const blocks = {};
  const pairOf = (views) => views.map((view) => (blocks[view] = new Float32Array(SAMPLES ** 2)));
  const upright = collector(height, pairOf(names.rowsFirst), false);
  const turned = collector(height, pairOf(names.columnsFirst), true);
  const padded = paddedLength(width);
  const rows = four(padded);
  const lines = rows.map((row) => row.subarray(boxSize(width), boxSize(width) + width));
  // Meta's code takes an image of exactly 64 x 64 for one that is already sampled.
  if (width === SAMPLES && height === SAMPLES) {
    const pairs = () => lines.map((line) => [...line, ...line.toReversed()]);
    return { lines, blocks, push: (numbers) => (upright(pairs(), numbers), turned(pairs(), numbers)) };
  }
  const every = allPositions(height);
  const wanted = [...new Set(samplePositions(height))];
  const ends = { paired: true, sampled: true };
  const rowsFirst = rowBox(width, {}, columnBox(2 * padded, height, every,
    rowBox(width, ends, columnBox(2 * SAMPLES, height, wanted, upright))));
  const columnsFirst = columnBox(padded, height, every, rowBox(width, {},
    columnBox(2 * padded, height, wanted, rowBox(width, ends, turned))));
  return { lines, blocks, push: (numbers) => (rowsFirst(rows, numbers), columnsFirst(rows, numbers)) };
}

/** The first 16 rows of the 64-point cosine transform, without the constant one. */
const COSINES = (() => {
  const scale = f32(Math.sqrt(2 / SAMPLES));
  const angle = (i, j) => (Math.PI / 2 / SAMPLES) * (i + 1) * (2 * j + 1);
  return Float32Array.from({ length: CORNER * SAMPLES }, (_, at) =>
    scale * Math.cos(angle(Math.floor(at / SAMPLES), at % SAMPLES)));
})();

/** The 16 x 16 corner of a block's cosine transform; Meta's dct64To16. */
function corner(block) {
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

/** 0 to 100: how much there is to see in a block; Meta's pdqImageDomainQualityMetric. */
function quality(block) {
  const step = (a, b) => Math.trunc(Math.abs(f32(f32(f32(a - b) * 100) / 255)));
  let total = 0;
  for (let i = 0; i < SAMPLES; i++) {
    for (let j = 0; j < SAMPLES; j++) {
      const here = block[i * SAMPLES + j];
      if (i + 1 < SAMPLES) total += step(here, block[(i + 1) * SAMPLES + j]);
      if (j + 1 < SAMPLES) total += step(here, block[i * SAMPLES + j + 1]);
    }
  }
  return Math.min(100, Math.trunc(total / 90));
}

/** 64 hex digits, most significant first: a bit is set where the corner is over its median. */
function bits(block) {
  const values = corner(block);
  const median = values.slice().sort()[values.length / 2 - 1];
  let hex = "";
  for (let top = values.length - 1; top > 0; top -= 4) {
    let digit = 0;
    for (let i = 0; i < 4; i++) digit = 2 * digit + (values[top - i] > median ? 1 : 0);
    hex += digit.toString(16);
  }
  return hex;
}

/** Luma, 0 to 255, of one row of RGBA pixels from `offset`; rounded once, as pdqhash does it. */
function luma(rgba, offset, out) {
  for (let x = 0, p = offset; x < out.length; x++, p += 4) {
    out[x] = 0.299 * rgba[p] + 0.587 * rgba[p + 1] + 0.114 * rgba[p + 2];
  }
}
