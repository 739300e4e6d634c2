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

/** Running mean along a pair of rows that lie end to end; Meta's box1DFloat, on both at once (the
 *  two sums do not wait for each other, and no closure holds them: four times as fast). */
function boxAlongRows(pair, out, size) {
  const n = pair.length / 2;
  const lead = (size + 2) >> 1;
  let a = f32(0);
  let b = f32(0);
  let right = 0;
  let left = 0;
  let at = 0;
  for (; right < size; right++) {
    a = f32(a + pair[right]);
    b = f32(b + pair[n + right]);
    if (right + 1 < lead) continue;
    out[at] = a / (right + 1);
    out[n + at++] = b / (right + 1);
  }
  for (; right < n; right++, left++, at++) {
    a = f32(f32(a + pair[right]) - pair[left]);
    b = f32(f32(b + pair[n + right]) - pair[n + left]);
    out[at] = a / size;
    out[n + at] = b / size;
  }
  for (let held = size - 1; at < n; left++, held--, at++) {
    a = f32(a - pair[left]);
    b = f32(b - pair[n + left]);
    out[at] = a / held;
    out[n + at] = b / held;
  }
}

// Stages: each is a function that takes a row (valid until it returns) and its number.

/** Filters along a pair of rows. */
function rowBox(length, next) {
  const out = new Float32Array(2 * length);
  return (pair, y) => {
    boxAlongRows(pair, out, boxSize(length));
    next(out, y);
  };
}

/** Filters down the columns of `height` rows; `wanted` names the rows that are needed (or all). */
function columnBox(length, height, next, wanted = null) {
  const size = boxSize(height);
  const lead = (size + 2) >> 1;
  const kept = Array.from({ length: size }, () => new Float32Array(length));
  const sum = new Float32Array(length);
  const out = new Float32Array(length);
  let held = 0;
  let emitted = 0;
  const emit = () => {
    const y = emitted++;
    if (wanted && !wanted.has(y)) return;
    const by = held;
    for (let x = 0; x < length; x++) out[x] = sum[x] / by;
    next(out, y);
  };
  const add = (row) => {
    for (let x = 0; x < length; x++) sum[x] += row[x];
    held++;
  };
  const drop = (row) => {
    for (let x = 0; x < length; x++) sum[x] -= row[x];
    held--;
  };
  const slide = (row, old) => {
    for (let x = 0; x < length; x++) sum[x] = f32(sum[x] + row[x]) - old[x];
  };
  return (row, y) => {
    const slot = kept[y % size];
    if (y < size) add(row);
    else slide(row, slot);
    slot.set(row);
    if (y + 1 >= lead) emit();
    if (y + 1 === height) for (let i = y + 1; emitted < height; i++, emit()) drop(kept[i % size]);
  };
}

/** Lays a row and its reverse end to end. */
function withReverse(length, next) {
  const out = new Float32Array(2 * length);
  return (row, y) => {
    out.set(row);
    for (let x = 0; x < length; x++) out[2 * length - 1 - x] = row[x];
    next(out, y);
  };
}

/** Keeps 64 samples of each row of a pair. */
function sampled(length, next) {
  const at = samplePositions(length);
  const out = new Float32Array(2 * SAMPLES);
  return (pair, y) => {
    at.forEach((x, i) => {
      out[i] = pair[x];
      out[SAMPLES + i] = pair[length + x];
    });
    next(out, y);
  };
}

/** Puts each sampled row of a pair in its two blocks: as rows, or as columns if `turned`. */
function collector(height, [first, second], turned) {
  const [line, step] = turned ? [1, SAMPLES] : [SAMPLES, 1];
  const at = samplePositions(height);
  return (pair, y) => {
    for (let i = at.indexOf(y); i >= 0 && at[i] === y; i++) {
      for (let j = 0; j < SAMPLES; j++) {
        first[i * line + j * step] = pair[j];
        second[i * line + j * step] = pair[SAMPLES + j];
      }
    }
  };
}

/** One sweep: `push` takes every luma row with its number, in the sweep's order; then `blocks`
 *  holds the 64 x 64 samples of each of its four views. */
function sweep(width, height, names) {
  const blocks = {};
  const pairOf = (views) => views.map((view) => (blocks[view] = new Float32Array(SAMPLES ** 2)));
  const upright = collector(height, pairOf(names.rowsFirst), false);
  const turned = collector(height, pairOf(names.columnsFirst), true);
  // Meta's code takes an image of exactly 64 x 64 for one that is already sampled.
  if (width === SAMPLES && height === SAMPLES) {
    const plain = withReverse(width, (pair, y) => (upright(pair, y), turned(pair, y)));
    return { push: plain, blocks };
  }
  const rowsFirst = withReverse(width,
    rowBox(width, columnBox(2 * width, height,
      rowBox(width, sampled(width, columnBox(2 * SAMPLES, height, upright))))));
  const columnsFirst = columnBox(width, height, withReverse(width,
    rowBox(width, columnBox(2 * width, height,
      rowBox(width, sampled(width, turned)), new Set(samplePositions(height))))));
  return { push: (row, y) => (rowsFirst(row, y), columnsFirst(row, y)), blocks };
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
