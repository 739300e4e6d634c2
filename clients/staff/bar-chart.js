// Bar charts over time, drawn as SVG, each with a table of the same numbers.

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";
const CHART_HEIGHT = 150;
const [MARGIN_TOP, MARGIN_BOTTOM] = [8, 24];
const LABEL_SPACING = 64; // pixels between two labels of the time axis

function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG_NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Return the smallest round number that is at least `value`. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((round) => round >= value);
}

const axisLabel = (iso, by) => (by === "day" ? iso.slice(5, 10) : iso.slice(11, 16));
const pointLabel = (iso, by) => iso.slice(0, by === "day" ? 10 : 16).replace("T", " ");

/** Return a figure with a chart of `points`, each a [time, number]; `by` is "hour" or "day". */
function barChart(title, points, by, width) {
  const total = points.reduce((sum, [, value]) => sum + value, 0);
  const peak = points.reduce((highest, point) => (point[1] > highest[1] ? point : highest));
  const summary = total
    ? `${title}: ${formatNumber(total)} in total, at most ${formatNumber(peak[1])} (${pointLabel(peak[0], by)})`
    : `${title}: none in this period`;
  const chart = svg("svg",
    { viewBox: `0 0 ${width} ${CHART_HEIGHT}`, width, height: CHART_HEIGHT, role: "img", "aria-label": summary },
    ...drawChart(points, by, width));
  const rows = points.filter(([, value]) => value).reverse().map(([at, value]) => [time(at), formatNumber(value)]);
  const table = fillTable(el("table"), [by === "day" ? "Day" : "Hour", "Count"], rows, "None in this period.");
  const details = el("details", "", "", el("summary", "", "Show as table"), table);
  details.firstChild.setAttribute("aria-label", `Show ${title} as table`);
  const caption = el("figcaption", "", "", el("h2", "", title), el("span", "soft", `${formatNumber(total)} in total`));
  return el("figure", "card", "", caption, chart, details);
}

function drawChart(points, by, width) {
  const top = roundUp(Math.max(...points.map(([, value]) => value)));
  const left = 14 + 7 * formatNumber(top).length;
  const step = (width - left) / points.length;
  const y = (value) => MARGIN_TOP + (CHART_HEIGHT - MARGIN_TOP - MARGIN_BOTTOM) * (1 - value / top);
  const bars = points.flatMap(([at, value], i) => {
    const x = left + i * step;
    const box = { x: x + step * 0.12, width: step * 0.76, y: y(value), height: y(0) - y(value), rx: Math.min(2, step / 6) };
    const bar = svg("rect", { ...box, class: "value" }, svg("title", {}, `${pointLabel(at, by)}: ${formatNumber(value)}`));
    const fromEnd = points.length - 1 - i;
    const anchor = fromEnd === 0 ? "end" : "middle";
    const label = svg("text", { x: x + step / 2, y: CHART_HEIGHT - 6, class: "tick", "text-anchor": anchor }, axisLabel(at, by));
    return fromEnd % Math.ceil(LABEL_SPACING / step) === 0 && x > left + 16 ? [bar, label] : [bar];
  });
  return [...drawGrid(top, left, width, y), ...bars];
}

function drawGrid(top, left, width, y) {
  return (top % 2 ? [0, top] : [0, top / 2, top]).flatMap((value) => [
    svg("line", { x1: left, x2: width, y1: y(value), y2: y(value), class: "grid" }),
    svg("text", { x: left - 8, y: y(value) + 4, class: "tick", "text-anchor": "end" }, formatNumber(value)),
  ]);
}
