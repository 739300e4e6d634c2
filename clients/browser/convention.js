// The pixel convention (docs/pixel-convention.md): its name, its limits and its views.

const CONVENTION = "pdq-srgb-full-2";
const MIN_QUALITY = 50; // Meta advises discarding hashes of quality 49 or less
const MAX_PIXELS = 89e6;

// The views of an image, in the order in which their hashes are sent. This is the browser client's
// only list of them. Each view says where the filter (hashing/box-filter.js) produces it: in the
// sweep `down` or `up` the rows, in the pair that is filtered by rows or by columns first, and
// whether it is the first or the second of that pair.
const VIEWS = {
  "original": { sweep: "down", pair: "rows", index: 0 },
  "mirror": { sweep: "down", pair: "rows", index: 1 },
  "turn-90": { sweep: "up", pair: "columns", index: 0 },
  "turn-180": { sweep: "up", pair: "rows", index: 1 },
  "turn-270": { sweep: "down", pair: "columns", index: 1 },
  "mirror-turn-90": { sweep: "up", pair: "columns", index: 1 },
  "mirror-turn-180": { sweep: "up", pair: "rows", index: 0 },
  "mirror-turn-270": { sweep: "down", pair: "columns", index: 0 },
};
const VIEW_NAMES = Object.keys(VIEWS);
