// The first half of PDQ, Meta's 256-bit perceptual hash (github.com/facebook/ThreatExchange, pdq/),
// for all views at once: a box filter along rows and columns, twice, and 64 x 64 samples.
//
// The C++ computes in single precision and its rounding decides bits, so every operation here is
// rounded in the same way: by Math.fround, or by being stored in a Float32Array.
//
// The filter streams. The image's rows go through it twice, from the top down and from the bottom
// up; each sweep produces four views and holds only as many rows as the box is high. Every view is
// filtered on its own: a box of even width is off centre and rounding depends on the order of the
// operations, so a view derived from another one can differ by a bit.

const f32 = Math.fround;
const SAMPLES = 64;

/** Return the box size for a side of `length` pixels: Meta's computeJaroszFilterWindowSize. */
function boxSize(length) {
  return Math.floor((length + 2 * SAMPLES - 1) / (2 * SAMPLES));
}

/** Return the 64 positions out of `length` that are sampled: Meta's decimateFloat. */
function samplePositions(length) {
  return Array.from({ length: SAMPLES }, (_, i) => Math.floor(((i + 0.5) * length) / SAMPLES));
}

/** Return the windows of a running mean over `length` values, one per output position: `ends` is
 *  the number of values read by then, `weights` one over the number of values in the box.
 *
 *  Multiplying by the weight in double precision and rounding once gives the same single as a
 *  division: the quotient of a 24-bit number and a count under 2^16 lies at least 2^-42 of itself
 *  from the midpoint between two singles, and the product is off by 2^-52 at most. */
function windows(length, positions) {
  const size = boxSize(length);
  const ends = Int32Array.from(positions, (at) => at + ((size + 2) >> 1));
  const valuesInBox = (end) => Math.min(end, length) - Math.max(0, end - size);
  return { size, ends, weights: Float64Array.from(ends, (end) => 1 / valuesInBox(end)) };
}

/** Compute running means along four rows at once (Meta's box1DFloat), so that the processor can
 *  overlap the four sums. Rows are padded with zeros at both ends, which avoids special cases. */
function filterFourRows([p, q, r, s], from, step, [first, second, third, fourth], to, toStep, box) {
  const { size, ends, weights } = box;
  let [a, b, c, d] = [f32(0), f32(0), f32(0), f32(0)];
  const back = step * size;
  for (let i = 0, right = 0, x = from; i < ends.length; i++, to += toStep) {
    for (const end = ends[i]; right < end; right++, x += step) {
      a = f32(f32(a + p[x]) - p[x - back]);
      b = f32(f32(b + q[x]) - q[x - back]);
      c = f32(f32(c + r[x]) - r[x - back]);
      d = f32(f32(d + s[x]) - s[x - back]);
    }
    first[to] = a * weights[i];
    second[to] = b * weights[i];
    third[to] = c * weights[i];
    fourth[to] = d * weights[i];
  }
}

const allPositions = (length) => Array.from({ length }, (_, i) => i);
const fourRows = (length) => Array.from({ length: 4 }, () => new Float32Array(length));
const paddedLength = (width) => width + 2 * boxSize(width);

// Stages of the stream. Each passes rows on four at a time, with their row numbers; the rows are
// valid until `next` returns.

/** Filter along rows of `width`, from the left and from the right: each output row holds both
 *  results, end to end. The input is such a pair (`paired`) or one row for both. The output is all
 *  of the row with its padding, or its 64 samples (`sampled`). */
function filterRows(width, { paired, sampled }, next) {
  const padding = boxSize(width);
  const padded = paddedLength(width);
  const box = windows(width, sampled ? samplePositions(width) : allPositions(width));
  const out = fourRows(2 * (sampled ? SAMPLES : padded));
  const last = padding + width - 1;
  return (rows, rowNumbers) => {
    filterFourRows(rows, padding, 1, out, sampled ? 0 : padding, 1, box);
    filterFourRows(rows, last + (paired ? padded : 0), -1, out,
      sampled ? SAMPLES : padded + last, sampled ? 1 : -1, box);
    next(out, rowNumbers);
  };
}

/** Filter down the columns of `height` rows; only the rows at `positions` are passed on. */
function filterColumns(length, height, positions, next) {
  const { size, ends, weights } = windows(height, positions);
  const window = Array.from({ length: size }, () => new Float32Array(length));
  const sum = new Float32Array(length);
  const zeros = new Float32Array(length);
  const out = fourRows(length);
  const rowNumbers = [];
  let rowsIn = 0;
  let rowsOut = 0;
  const slide = (row, to) => {
    const oldest = window[rowsIn % size];
    const weight = weights[rowsOut];
    for (let x = 0; x < length; x++) {
      const value = row[x];
      const total = f32(f32(sum[x] + value) - oldest[x]);
      oldest[x] = value;
      sum[x] = total;
      to[x] = total * weight;
    }
  };
  const add = (row) => {
    slide(row, out[rowNumbers.length]);
    rowsIn++;
    if (ends[rowsOut] === rowsIn) rowNumbers.push(positions[rowsOut++]);
    if (rowNumbers.length === 4 || (rowNumbers.length > 0 && rowsOut === ends.length)) {
      next(out, rowNumbers);
      rowNumbers.length = 0;
    }
  };
  return (rows, { length: count }) => {
    for (let i = 0; i < count; i++) add(rows[i]);
    if (rowsIn === height) while (rowsOut < ends.length) add(zeros);
  };
}

/** Store each sampled pair of rows in its two blocks, as rows or, if `transposed`, as columns. */
function collectSamples(height, [first, second], transposed) {
  const [rowStep, step] = transposed ? [1, SAMPLES] : [SAMPLES, 1];
  const positions = samplePositions(height);
  return (rows, rowNumbers) => rowNumbers.forEach((y, row) => {
    for (let i = positions.indexOf(y); i >= 0 && positions[i] === y; i++) {
      for (let j = 0; j < SAMPLES; j++) {
        first[i * rowStep + j * step] = rows[row][j];
        second[i * rowStep + j * step] = rows[row][SAMPLES + j];
      }
    }
  });
}

/** Return the blocks of one pair of views, and enter them in `blocks` by view. */
function addPair(blocks, direction, pair) {
  const views = VIEW_NAMES.filter((view) => VIEWS[view].sweep === direction && VIEWS[view].pair === pair);
  views.sort((a, b) => VIEWS[a].index - VIEWS[b].index);
  return views.map((view) => (blocks[view] = new Float32Array(SAMPLES ** 2)));
}

/** Start one sweep, "down" or "up". Write luma into `lines`, up to four rows at a time in the
 *  sweep's order, and `push` their row numbers; after the last row, `blocks` holds the 64 x 64
 *  samples of each of the sweep's views. */
function startSweep(width, height, direction) {
  const blocks = {};
  const upright = collectSamples(height, addPair(blocks, direction, "rows"), false);
  const transposed = collectSamples(height, addPair(blocks, direction, "columns"), true);
  const padded = paddedLength(width);
  const rows = fourRows(padded);
  const lines = rows.map((row) => row.subarray(boxSize(width), boxSize(width) + width));
  // Meta's code treats an image of exactly 64 x 64 as one that is already sampled.
  if (width === SAMPLES && height === SAMPLES) {
    const pairs = () => lines.map((line) => [...line, ...line.slice().reverse()]);
    return { lines, blocks, push: (numbers) => (upright(pairs(), numbers), transposed(pairs(), numbers)) };
  }
  const all = allPositions(height);
  const sampled = [...new Set(samplePositions(height))];
  const toSamples = { paired: true, sampled: true };
  const rowsFirst = filterRows(width, {}, filterColumns(2 * padded, height, all,
    filterRows(width, toSamples, filterColumns(2 * SAMPLES, height, sampled, upright))));
  const columnsFirst = filterColumns(padded, height, all, filterRows(width, {},
    filterColumns(2 * padded, height, sampled, filterRows(width, toSamples, transposed))));
  return { lines, blocks, push: (numbers) => (rowsFirst(rows, numbers), columnsFirst(rows, numbers)) };
}
