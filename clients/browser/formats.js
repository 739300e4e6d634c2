// What a file is, by its first bytes, and whether it is whole. Browsers decode a truncated file as
// far as it goes, each differently, and its hash would be that of another image; so it is refused.

/** "jpeg", "png", "gif", "webp", "avif", "heic", "tiff", "video" or "unknown". */
function formatOf(bytes) {
  const text = (from, to) => String.fromCharCode(...bytes.subarray(from, to));
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return "jpeg";
  if (text(1, 4) === "PNG") return "png";
  if (text(0, 4) === "GIF8") return "gif";
  if (text(0, 4) === "RIFF") return text(8, 12) === "WEBP" ? "webp" : "video";
  if (["II*\0", "MM\0*"].includes(text(0, 4))) return "tiff";
  if (text(0, 4) === "\x1aE\xdf\xa3") return "video";
  if (text(4, 8) !== "ftyp") return "unknown";
  const brands = text(8, Math.min(bytes.length, 8 + 64));
  if (/avif|avis/.test(brands)) return "avif";
  return /^(hei|hev|mif1|msf1)/.test(brands) ? "heic" : "video";
}

/** Whether nothing is missing at the end. Formats whose decoders tell us are taken as whole. */
function isWhole(bytes, format) {
  const check = { jpeg: jpegIsWhole, png: pngIsWhole, gif: gifIsWhole, webp: webpIsWhole }[format];
  return check ? check(bytes) : true;
}

/** Walks the segments to the end-of-image marker; thumbnails lie inside segments, so their own
 *  markers are stepped over. */
function jpegIsWhole(bytes) {
  const isMarker = (at) =>
    bytes[at] === 0xff && bytes[at + 1] > 0 && !(bytes[at + 1] >= 0xd0 && bytes[at + 1] <= 0xd7);
  for (let at = 2; at + 1 < bytes.length; ) {
    if (!isMarker(at) || bytes[at + 1] === 0xff) at++;
    else if (bytes[at + 1] === 0xd9) return true;
    else at += 2 + ((bytes[at + 2] << 8) | bytes[at + 3]);
  }
  return false;
}

/** Walks the chunks to IEND. */
function pngIsWhole(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    if (view.getUint32(at + 4) === 0x49454e44) return true;
  }
  return false;
}

/** Walks the blocks to the end of the first frame, which is the one that is hashed. */
function gifIsWhole(bytes) {
  const palette = (flags) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  const afterBlocks = (at) => {
    while (bytes[at] > 0) at += bytes[at] + 1;
    return at + 1;
  };
  let at = 13 + palette(bytes[10]);
  while (bytes[at] === 0x21) at = afterBlocks(at + 2);
  return bytes[at] === 0x2c && afterBlocks(at + 11 + palette(bytes[at + 9])) <= bytes.length;
}

/** The container says how long it is. */
function webpIsWhole(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return bytes.length >= 12 && view.getUint32(4, true) + 8 <= bytes.length;
}

/** The pixels that a PNG says it has, so that a small file which unpacks to gigabytes is refused
 *  before it is decoded; 0 for other formats, which are looked at afterwards. */
function declaredPixels(bytes, format) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return format === "png" ? view.getUint32(16) * view.getUint32(20) : 0;
}
