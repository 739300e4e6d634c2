// What a decoder is given of a file: all of it but the orientation, which not every browser applies.
// Firefox turns an interlaced PNG wrongly and reads no EXIF that follows XMP, WebKit's Linux port
// turns neither PNG nor AVIF, and older browsers turn none. So the decoded pixels are as stored, and
// turning them back only changes which of their views is which (`asShown`).

const EXIF_TURNS = [[0, 0], [1, 0], [0, 2], [1, 2], [1, 3], [0, 1], [1, 1], [0, 3]]; // by orientation - 1

/** A turn is [mirrored, quarters]: exchange left and right if `mirrored` is 1, then turn clockwise.
 *  Return the turn that has the effect of one and then another. */
function combineTurns([mirrored, quarters], [nextMirrored, nextQuarters]) {
  return [mirrored ^ nextMirrored, (nextQuarters + (nextMirrored ? 4 - quarters : quarters)) % 4];
}

/** Return the view of the stored pixels that is `view` of the pixels as they are shown. */
function asShown(view, turn) {
  const own = [view.startsWith("mirror") ? 1 : 0, Number(/\d+/.exec(view) ?? 0) / 90];
  const [mirrored, quarters] = combineTurns(turn, own);
  const parts = [mirrored ? "mirror" : "", quarters ? `turn-${90 * quarters}` : ""];
  return parts.filter(Boolean).join("-") || "original";
}

/** Return {data, turn, aperture, space}: the bytes to decode; how the decoded pixels have to be turned;
 *  the property of an AVIF that says how much of them is shown, if there is one; and the content of the
 *  cICP of a PNG that is left to us. Changes `bytes`. */
function prepareFile(bytes, format) {
  const prepare = { jpeg: prepareJpeg, png: preparePng, gif: prepareGif, avif: prepareAvif }[format];
  const found = { data: bytes, turn: EXIF_TURNS[0], aperture: null, space: null };
  try {
    return { ...found, ...prepare?.(bytes) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return found; // it refers to what is beyond its end, and a decoder finds the same
  }
}

const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
const textAt = (bytes, from, to) => String.fromCharCode(...bytes.subarray(from, to));

/** Move parts of a file to its front. Several parts of a Blob would not do: Firefox detects the format
 *  from the first alone, and that may be two bytes. */
function joinParts(bytes, parts) {
  let length = 0;
  for (const part of parts) {
    bytes.set(part, length);
    length += part.length;
  }
  return bytes.subarray(0, length);
}

/** Return how EXIF data without a prefix says to turn the pixels; what cannot be read is upright. */
function exifTurn(data) {
  const isLittle = textAt(data, 0, 4) === "II*\0";
  if (!isLittle && textAt(data, 0, 4) !== "MM\0*") return EXIF_TURNS[0];
  const view = viewOf(data);
  try {
    const directory = view.getUint32(4, isLittle);
    for (let i = view.getUint16(directory, isLittle), at = directory + 2; i > 0; i--, at += 12) {
      if (view.getUint16(at, isLittle) !== 0x0112) continue;
      const isShort = view.getUint16(at + 2, isLittle) === 3 && view.getUint32(at + 4, isLittle) === 1;
      return (isShort && EXIF_TURNS[view.getUint16(at + 8, isLittle) - 1]) || EXIF_TURNS[0];
    }
  } catch {
    // It ends before the orientation.
  }
  return EXIF_TURNS[0];
}

/** Leave out the EXIF segments before the pixels; the first that has any content counts. */
function prepareJpeg(bytes) {
  const parts = [];
  let exif = null;
  let kept = 0;
  for (let at = 2; (at = bytes.indexOf(0xff, at)) >= 0; ) {
    const start = at;
    while (bytes[at] === 0xff) at++;
    const marker = bytes[at++];
    if (!marker || marker === 1 || (marker >= 0xd0 && marker <= 0xd7)) continue;
    const length = (bytes[at] << 8) | bytes[at + 1];
    if (marker === 0xda || marker === 0xd9 || length < 2 || at + length > bytes.length) break;
    if (marker === 0xe1 && textAt(bytes, at + 2, at + 7) === "Exif\0") {
      parts.push(bytes.subarray(kept, start));
      kept = at + length;
      if (!exif?.length) exif = bytes.subarray(at + 8, kept);
    }
    at += length;
  }
  const turn = exifTurn(exif ?? new Uint8Array());
  return { data: joinParts(bytes, [...parts, bytes.subarray(kept)]), turn };
}

/** Leave out the EXIF chunks, and if this browser ignores cICP, that and other colour spaces. Of each
 *  kind the first chunk counts whose checksum is right. */
function preparePng(bytes) {
  const view = viewOf(bytes);
  const chunks = [];
  let at = 8;
  for (let type = ""; at + 12 <= bytes.length && type !== "IEND"; at += 12 + view.getUint32(at)) {
    type = textAt(bytes, at + 4, at + 8);
    chunks.push({ type, whole: bytes.subarray(at, at + 12 + view.getUint32(at)) });
  }
  const isSound = ({ whole }) => crc32(whole.subarray(4, -4)) === viewOf(whole).getUint32(whole.length - 4);
  const contentOf = (kind) => chunks.find((each) => each.type === kind && isSound(each))?.whole.slice(8, -4);
  const space = isCicpIgnored ? contentOf("cICP") : null;
  const turn = exifTurn(contentOf("eXIf") ?? new Uint8Array());
  const left = ["eXIf", ...(space ? ["cICP", "iCCP", "sRGB", "gAMA", "cHRM"] : [])];
  const kept = chunks.filter(({ type }) => !left.includes(type)).map(({ whole }) => whole);
  return { data: joinParts(bytes, [bytes.subarray(0, 8), ...kept]), turn, space };
}

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** Firefox and WebKit take the first frame of a file of version 87a for the whole screen. */
function prepareGif(bytes) {
  if (bytes[4] === 0x37) bytes[4] = 0x39;
  return {};
}

/** Yield {type, from, to} of each box between two places. */
function* boxesIn(bytes, at, end) {
  const view = viewOf(bytes);
  while (at + 8 <= end) {
    const size = view.getUint32(at);
    const isLong = size === 1;
    const to = size === 0 ? end : at + (isLong ? view.getUint32(at + 12) : size);
    const from = at + (isLong ? 16 : 8);
    if (to < from || to > end) return;
    yield { type: textAt(bytes, at + 4, at + 8), from, to };
    at = to;
  }
}

/** Remove rotation, mirroring and aperture from every item; those of the primary item count. */
function prepareAvif(bytes) {
  const view = viewOf(bytes);
  const inside = (parent, skipped = 0) => (parent ? [...boxesIn(bytes, parent.from + skipped, parent.to)] : []);
  const named = (boxes, type) => boxes.find((box) => box.type === type);
  const meta = inside(named([...boxesIn(bytes, 0, bytes.length)], "meta"), 4);
  const properties = inside(named(meta, "iprp"));
  const listed = inside(named(properties, "ipco"));
  const item = named(meta, "pitm");
  const table = named(properties, "ipma");
  let turn = EXIF_TURNS[0];
  let aperture = null;
  if (!item || !table) return {};
  const primary = bytes[item.from] ? view.getUint32(item.from + 4) : view.getUint16(item.from + 4);
  const isWide = bytes[table.from + 3] & 1;
  let at = table.from + 8;
  for (let left = view.getUint32(table.from + 4); left > 0 && at < table.to; left--) {
    const isPrimary = primary === (bytes[table.from] ? view.getUint32(at) : view.getUint16(at));
    at += bytes[table.from] ? 4 : 2;
    for (let count = bytes[at++]; count > 0; count--, at += isWide ? 2 : 1) {
      const number = isWide ? view.getUint16(at) & 0x7fff : bytes[at] & 0x7f;
      const { type, from } = listed[number - 1] ?? {};
      const [value] = bytes.subarray(from, from + 1);
      const own = { irot: [0, (4 - (value & 3)) % 4], imir: value & 1 ? [1, 0] : [1, 2], clap: [0, 0] }[type];
      if (!own) continue;
      bytes.fill(0, at, at + (isWide ? 2 : 1)); // property 0 is none
      if (isPrimary) turn = combineTurns(turn, own);
      if (isPrimary && type === "clap") aperture = new DataView(bytes.buffer, bytes.byteOffset + from, 32);
    }
  }
  return { turn, aperture };
}

/** Return [width, height] of what an aperture shows of an image. Like browsers, ignore one that is
 *  not valid, or does not begin at the origin. */
function shownSize(aperture, width, height) {
  const ratio = (at) => aperture.getInt32(at) / aperture.getUint32(at + 4);
  const [across, down, right, below] = aperture ? [0, 8, 16, 24].map(ratio) : [width, height, 0, 0];
  const isAtOrigin = width / 2 + right === across / 2 && height / 2 + below === down / 2;
  const isInside = across > 0 && across <= width && down > 0 && down <= height;
  const isWhole = Number.isInteger(across) && Number.isInteger(down);
  return isAtOrigin && isInside && isWhole ? [across, down] : [width, height];
}
