// The colours of a PNG that names its colour space in cICP, in the code points of ITU-T H.273, for
// browsers that ignore it: WebKit's Linux port, and most of before 2023. White is at 203 cd/m2.

/** A grey of a fourth of white's light, 1 x 1 pixel: where cICP is applied, its value is 137. */
const CICP_SAMPLE =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAABGNJQ1ABCAABmqL52QAAAApJREFUeNpjcAAAAEIAQYS/jmIAAAAASUVORK5CYII=";

let isCicpIgnored = null;

/** Find out whether this browser ignores cICP. */
async function checkCicp() {
  if (isCicpIgnored !== null) return;
  const bytes = Uint8Array.from(atob(CICP_SAMPLE), (character) => character.charCodeAt(0));
  const context = createContext(1, 1);
  context.drawImage(await createImageBitmap(new Blob([bytes], { type: "image/png" })), 0, 0);
  isCicpIgnored = context.getImageData(0, 0, 1, 1).data[0] < 100;
}

const linearOfSrgb = (x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
const srgbOfLinear = (x) => (x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055);

function linearOfPq(x) {
  const power = x ** (1 / 78.84375);
  const light = Math.max(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power);
  return (light ** (1 / 0.1593017578125) * 10000) / 203;
}

function linearOfHlg(x) {
  const scene = x <= 0.5 ? x ** 2 / 3 : (Math.exp((x - 0.55991073) / 0.17883277) + 0.28466892) / 12;
  return (scene ** 1.2 * 1000) / 203;
}

const CURVES = {
  1: linearOfSrgb, 4: (x) => x ** 2.2, 5: (x) => x ** 2.8, 6: linearOfSrgb, 8: (x) => x,
  13: linearOfSrgb, 14: linearOfSrgb, 15: linearOfSrgb, 16: linearOfPq, 18: linearOfHlg,
};
/** By code point of the primaries, the matrix to linear sRGB, row by row. */
const PRIMARIES = {
  1: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  5: [1.044, -0.044, 0, 0, 1, 0, 0, 0.0118, 0.9882],
  6: [0.9395, 0.0502, 0.0103, 0.0178, 0.9658, 0.0164, -0.0016, -0.0044, 1.006],
  9: [1.6605, -0.5876, -0.0728, -0.1246, 1.1329, -0.0083, -0.0182, -0.1006, 1.1187],
  12: [1.2249, -0.2249, 0, -0.0421, 1.0421, 0, -0.0196, -0.0786, 1.0983],
};
const STEPS = 4096;

/** Return a function that converts RGBA pixels to sRGB, in place, from the colour space in the content
 *  of cICP; null if it is none that counts. */
function conversionFrom(content) {
  if (content?.length !== 4) return null;
  const [primaries, curve, coefficients] = content;
  const [matrix, toLinear] = [PRIMARIES[primaries], CURVES[curve]];
  if (coefficients !== 0 || !matrix || !toLinear) return null;
  const within = (x) => Math.min(1, Math.max(0, x));
  const linear = Float64Array.from({ length: 256 }, (_, value) => within(toLinear(value / 255)));
  const encoded = Uint8Array.from({ length: STEPS + 1 }, (_, i) => Math.round(255 * srgbOfLinear(i / STEPS)));
  return (rgba) => {
    for (let at = 0; at < rgba.length; at += 4) {
      const [r, g, b] = [linear[rgba[at]], linear[rgba[at + 1]], linear[rgba[at + 2]]];
      for (let i = 0; i < 3; i++) {
        const light = matrix[3 * i] * r + matrix[3 * i + 1] * g + matrix[3 * i + 2] * b;
        rgba[at + i] = encoded[Math.round(within(light) * STEPS)];
      }
    }
  };
}
