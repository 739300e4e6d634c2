// The Worker that hashes files. A file comes in; progress, then hashes or the reason for a refusal,
// go out. The pixels are those of the convention: orientation applied (prepare.js) and converted to
// sRGB (by createImageBitmap's defaults), over white, at full resolution.

const STRIP = 128; // rows read at once: a 48 megapixel photo stays under every canvas limit
const CANARY = 128;
const PICTURE = 128; // the longer side of a picture, in pixels: a case can have a thousand of them

/** A refusal; its message is the end of the key of the text that is shown, `picker.refused-…`. */
class Refusal extends Error {}

function createContext(width, height) {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingEnabled = false;
  return context;
}

/** Refuse a canvas that does not return what was drawn: with some privacy settings, browsers return
 *  random or altered pixels without an error. */
async function checkCanvas() {
  if (!self.OffscreenCanvas || !self.createImageBitmap) throw new Refusal("old");
  const drawn = new ImageData(CANARY, CANARY);
  drawn.data.forEach((_, i) => (drawn.data[i] = i % 4 === 3 ? 255 : Math.imul(i, 2654435761) >>> 24));
  const context = createContext(CANARY, CANARY);
  context.drawImage(await createImageBitmap(drawn), 0, 0);
  const read = context.getImageData(0, 0, CANARY, CANARY).data;
  if (!read.every((value, i) => value === drawn.data[i])) throw new Refusal("canvas");
}

/** Return {bitmap, turn, convert}: the decoded image, how it has to be turned, and what converts its
 *  pixels to sRGB, if the browser does not; throw a Refusal with the reason if it cannot be decoded. */
async function decode(file) {
  const bytes = new Uint8Array(await file.arrayBuffer().catch(() => { throw new Refusal("gone"); }));
  const format = detectFormat(bytes);
  if (!isComplete(bytes, format)) throw new Refusal("truncated");
  if (declaredPixels(bytes, format) > MAX_PIXELS) throw new Refusal("large");
  if (format === "png") await checkCicp();
  const { data, turn, aperture, space } = prepareFile(bytes, format);
  try {
    const bitmap = await createImageBitmap(new Blob([data], { type: file.type }));
    const [width, height] = shownSize(aperture, bitmap.width, bitmap.height);
    const isWhole = width === bitmap.width && height === bitmap.height;
    const shown = isWhole ? bitmap : await createImageBitmap(bitmap, 0, 0, width, height);
    return { bitmap: shown, turn, convert: conversionFrom(space) };
  } catch {
    throw new Refusal(["heic", "tiff", "video"].includes(format) ? format : "unreadable");
  }
}

/** Send an image's rows through one sweep, "down" or "up"; return the sweep's blocks by view. */
function runSweep({ bitmap, convert }, direction, onProgress) {
  const { width, height } = bitmap;
  const { lines, push, blocks } = startSweep(width, height, direction);
  const context = createContext(width, STRIP);
  const isUp = direction === "up";
  for (let done = 0; done < height; ) {
    const rows = Math.min(STRIP, height - done);
    const top = isUp ? height - done - rows : done;
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, rows);
    context.drawImage(bitmap, 0, top, width, rows, 0, 0, width, rows);
    const { data } = context.getImageData(0, 0, width, rows);
    convert?.(data);
    for (let i = 0; i < rows; ) {
      const rowNumbers = [];
      for (const line of lines.slice(0, rows - i)) {
        luma(data, 4 * width * (isUp ? rows - 1 - i : i), line);
        rowNumbers.push(done + i++);
      }
      push(rowNumbers);
    }
    done += rows;
    onProgress(done / height);
  }
  return blocks;
}

/** Return the hashes of all views, in the order of VIEWS. `report` is called with the progress, 0 to
 *  1, and halfway with the hash of the original: the sweep that has it comes first. */
function hashViews(image, report) {
  const { turn } = image;
  const original = asShown("original", turn);
  const [first, second] = VIEWS[original].sweep === "down" ? ["down", "up"] : ["up", "down"];
  const blocks = runSweep(image, first, (progress) => report({ progress: progress / 2 }));
  if (quality(blocks[original]) < MIN_QUALITY) throw new Refusal("plain");
  report({ original: hash(blocks[original]) });
  Object.assign(blocks, runSweep(image, second, (progress) => report({ progress: (1 + progress) / 2 })));
  return VIEW_NAMES.map((view) => {
    const block = blocks[asShown(view, turn)];
    return { pdq: hash(block), quality: quality(block), view };
  }).filter((hashed) => hashed.quality >= MIN_QUALITY);
}

/** Return a small picture, for the person to recognise the image by. */
function drawPicture(bitmap, [mirrored, quarters]) {
  const scale = Math.min(1, PICTURE / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
  const [across, down] = quarters % 2 ? [height, width] : [width, height];
  const canvas = new OffscreenCanvas(across, down);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.translate(across / 2, down / 2);
  context.rotate((quarters * Math.PI) / 2);
  context.scale(mirrored ? -1 : 1, 1);
  context.drawImage(bitmap, -width / 2, -height / 2, width, height);
  return canvas.transferToImageBitmap();
}

async function hashFile(file, report) {
  await checkCanvas();
  const image = await decode(file);
  const { bitmap, turn } = image;
  try {
    if (bitmap.width * bitmap.height > MAX_PIXELS) throw new Refusal("large");
    return { hashes: hashViews(image, report), picture: drawPicture(bitmap, turn) };
  } finally {
    bitmap.close();
  }
}

self.onmessage = async ({ data: { id, file } }) => {
  try {
    const done = await hashFile(file, (update) => self.postMessage({ id, ...update }));
    self.postMessage({ id, ...done }, [done.picture]);
  } catch (error) {
    self.postMessage({ id, refused: error instanceof Refusal ? error.message : "memory" });
  }
};
