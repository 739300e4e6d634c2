// Detects a file's format from its first bytes, and truncated files. Browsers decode a truncated
// file as far as it goes, each differently, and its hash would be that of another image.

/** Return "jpeg", "png", "gif", "webp", "avif", "heic", "tiff", "video" or "unknown". */
function detectFormat(bytes) {
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

/** Return false for a truncated file. Formats whose decoders report truncation count as complete. */
function isComplete(bytes, format) {
  const check = { jpeg: isJpegComplete, png: isPngComplete, gif: isGifComplete, webp: isWebpComplete }[format];
  return check ? check(bytes) : true;
}

/** Walk the segments to the end-of-image marker. A thumbnail lies inside a segment, so the markers
 *  of its own are skipped. */
function isJpegComplete(bytes) {
  const isMarker = (at) =>
    bytes[at] === 0xff && bytes[at + 1] > 0 && !(bytes[at + 1] >= 0xd0 && bytes[at + 1] <= 0xd7);
  for (let at = 2; at + 1 < bytes.length; ) {
    if (!isMarker(at) || bytes[at + 1] === 0xff) at++;
    else if (bytes[at + 1] === 0xd9) return true;
    else at += 2 + ((bytes[at + 2] << 8) | bytes[at + 3]);
  }
  return false;
}

/** Walk the chunks to IEND. */
function isPngComplete(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    if (view.getUint32(at + 4) === 0x49454e44) return true;
  }
  return false;
}

/** Walk the blocks to the end of the first frame, the one that is hashed. */
function isGifComplete(bytes) {
  const paletteSize = (flags) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  const skipBlocks = (at) => {
    while (bytes[at] > 0) at += bytes[at] + 1;
    return at + 1;
  };
  let at = 13 + paletteSize(bytes[10]);
  while (bytes[at] === 0x21) at = skipBlocks(at + 2);
  return bytes[at] === 0x2c && skipBlocks(at + 11 + paletteSize(bytes[at + 9])) <= bytes.length;
}

/** Compare the file's length with the one in its header. */
function isWebpComplete(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return bytes.length >= 12 && view.getUint32(4, true) + 8 <= bytes.length;
}

/** Return the number of pixels in a PNG's header, so that a small file that would unpack to gigabytes
 *  is refused before it is decoded; 0 for other formats, which are checked after decoding. */
function declaredPixels(bytes, format) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return format === "png" ? view.getUint32(16) * view.getUint32(20) : 0;
}
