// Plots: bars over time, drawn as SVG; the same numbers stand in a table below each.

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 150;
const [BOTTOM, TOP] = [24, 8];

function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** The least round number that is no less. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((round) => round >= value);
}

function stamp(iso, by) {
  return by === "day" ? iso.slice(5, 10) : iso.slice(11, 16);
}

/** A figure of bars: `points` are [moment, number]. */
function bars(title, points, by, width) {
  const top = roundUp(Math.max(...points.map(([, value]) => value)));
  const left = 14 + 7 * top.toLocaleString("en").length;
  const step = (width - left) / points.length;
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
  const every = Math.ceil(64 / step);
  const grid = (top % 2 ? [0, top] : [0, top / 2, top]).flatMap((value) => [
    svg("line", { x1: left, x2: width, y1: y(value), y2: y(value), class: "grid" }),
    svg("text", { x: left - 8, y: y(value) + 4, class: "tick", "text-anchor": "end" }, value.toLocaleString("en")),
  ]);
  const drawn = points.flatMap(([at, value], i) => {
    const x = left + i * step;
    const name = svg("title", {}, `${at.slice(0, by === "day" ? 10 : 16).replace("T", " ")}: ${value}`);
    const bar = svg("rect", { x: x + step * 0.12, width: step * 0.76, y: y(value), height: y(0) - y(value), rx: Math.min(2, step / 6), class: "value" }, name);
    const last = points.length - 1 - i;
    const label = svg("text", { x: x + step / 2, y: HEIGHT - 6, class: "tick", "text-anchor": last === 0 ? "end" : "middle" }, stamp(at, by));
    return last % every === 0 && x > left + 16 ? [bar, label] : [bar];
  });
  const total = points.reduce((sum, [, value]) => sum + value, 0);
  const most = points.reduce((best, point) => (point[1] > best[1] ? point : best));
  const summary = total ? `${title}: ${total} in all, the most at ${most[0].slice(0, 16).replace("T", " ")}: ${most[1]}` : `${title}: none`;
  const picture = svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": summary }, ...grid, ...drawn);
  const rows = points.filter(([, value]) => value).reverse().map(([at, value]) => [time(at), value.toLocaleString("en")]);
  const table = fill(el("table"), [by === "day" ? "Day" : "Hour", "Count"], rows, "Nothing happened.");
  const details = el("details", "", "", el("summary", "", "As a table"), table);
  details.firstChild.ariaLabel = `${title} as a table`;
  const caption = el("figcaption", "", "", el("h2", "", title), el("span", "soft", `${total.toLocaleString("en")} in all`));
  return el("figure", "card", "", caption, picture, details);
}
