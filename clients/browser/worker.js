// The hashing, off the page's own thread. A file comes in; progress, hashes or a reason go out.
// Pixels are those of the convention pdq-srgb-full-1: orientation applied, converted to sRGB (both
// by createImageBitmap's defaults), over white, full resolution.

const VIEWS = ["original", "mirror", "turn-90", "turn-180", "turn-270",
  "mirror-turn-90", "mirror-turn-180", "mirror-turn-270"];
const STRIP = 128; // rows read at once: a 48 megapixel photo stays under every canvas limit
const MIN_QUALITY = 50; // Meta: a quality of 49 or less is to be discarded
const MAX_PIXELS = 89e6;
const CANARY = 128;

/** An error that the person is told about in plain words, under this name. */
class Refusal extends Error {}

function context2d(width, height) {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingEnabled = false;
  return context;
}

/** Refuses a canvas that does not give back what was drawn, as some privacy settings make it do:
 *  they return random or altered pixels without an error. */
async function checkCanvas() {
  if (!self.OffscreenCanvas || !self.createImageBitmap) throw new Refusal("old");
  const drawn = new ImageData(CANARY, CANARY);
  drawn.data.forEach((_, i) => (drawn.data[i] = i % 4 === 3 ? 255 : Math.imul(i, 2654435761) >>> 24));
  const context = context2d(CANARY, CANARY);
  context.drawImage(await createImageBitmap(drawn), 0, 0);
  const read = context.getImageData(0, 0, CANARY, CANARY).data;
  if (!read.every((value, i) => value === drawn.data[i])) throw new Refusal("canvas");
}

/** The decoded image, or a refusal that says why there is none. */
async function decode(file) {
  const bytes = new Uint8Array(await file.arrayBuffer().catch(() => { throw new Refusal("gone"); }));
  const format = formatOf(bytes);
  if (!isWhole(bytes, format)) throw new Refusal("truncated");
  if (declaredPixels(bytes, format) > MAX_PIXELS) throw new Refusal("large");
  try {
    return await createImageBitmap(file);
  } catch {
    throw new Refusal(["heic", "tiff", "video"].includes(format) ? format : "unreadable");
  }
}

/** Reads the rows from the top or from the bottom through one sweep; returns its blocks. */
function readThrough(bitmap, names, upwards, tell) {
  const { width, height } = bitmap;
  const { lines, push, blocks } = sweep(width, height, names);
  const context = context2d(width, STRIP);
  for (let done = 0; done < height; ) {
    const rows = Math.min(STRIP, height - done);
    const top = upwards ? height - done - rows : done;
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, rows);
    context.drawImage(bitmap, 0, top, width, rows, 0, 0, width, rows);
    const { data } = context.getImageData(0, 0, width, rows);
    for (let i = 0; i < rows; ) {
      const numbers = [];
      for (const line of lines.slice(0, rows - i)) {
        luma(data, 4 * width * (upwards ? rows - 1 - i : i), line);
        numbers.push(done + i++);
      }
      push(numbers);
    }
    done += rows;
    tell(done / height);
  }
  return blocks;
}

/** The hashes of all views, in the order of VIEWS; `tell` is given the share done, 0 to 1,
 *  and half-way the hash of the original. */
function hashViews(bitmap, tell) {
  const down = readThrough(bitmap, SWEEPS.down, false, (share) => tell({ share: share / 2 }));
  if (quality(down.original) < MIN_QUALITY) throw new Refusal("plain");
  tell({ original: bits(down.original) });
  const up = readThrough(bitmap, SWEEPS.up, true, (share) => tell({ share: (1 + share) / 2 }));
  const blocks = { ...down, ...up };
  return VIEWS.map((view) => ({ pdq: bits(blocks[view]), quality: quality(blocks[view]), view }))
    .filter((hash) => hash.quality >= MIN_QUALITY);
}

async function hashFile(file, tell) {
  await checkCanvas();
  const bitmap = await decode(file);
  try {
    if (bitmap.width * bitmap.height > MAX_PIXELS) throw new Refusal("large");
    return hashViews(bitmap, tell);
  } finally {
    bitmap.close();
  }
}

self.onmessage = async ({ data: { id, file } }) => {
  try {
    const hashes = await hashFile(file, (news) => self.postMessage({ id, ...news }));
    self.postMessage({ id, hashes });
  } catch (error) {
    self.postMessage({ id, refused: error instanceof Refusal ? error.message : "memory" });
  }
};
