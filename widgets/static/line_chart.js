// @ts-check
// Line charts as plain SVG: losses over steps, the loss over learning rates, error over images.

import { h } from "./drawing.js";

/**
 * @typedef {{name: string, look: string, points: [number, number][]}} Series
 * @typedef {{x: number, text: string}} Mark
 */

/** Round numbers that part a range in about `count` steps. @param {number} low @param {number} high @param {number} [count] */
function ticks(low, high, count = 4) {
  const rough = (high - low || 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough) ?? rough;
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step / 1e6; value += step)
    found.push(value);
  return found;
}

/**
 * A chart with labels at the lines' ends instead of a legend.
 * @param {{label: string, series: Series[], format: (y: number) => string, formatX: (x: number) => string,
 *   logarithmic?: boolean, unit: string, unitY: string, band?: [number, number, number][], marks?: Mark[], highest?: number}} chart
 * `unitY`: what y is; `band`: (x, low, high) of an interval; `marks`: vertical lines, two at most; `highest`: where y is cut off
 */
export function lineChart({
  label,
  series,
  format,
  formatX,
  logarithmic,
  unit,
  unitY,
  band = [],
  marks = [],
  highest,
}) {
  const shown = series.filter((one) => one.points.length > 1);
  if (!shown.length) return null;
  const width = 720,
    height = 280,
    left = 56,
    right = 96,
    top = 32,
    bottom = 44;
  const place = (/** @type {number} */ x) => (logarithmic ? Math.log10(x) : x);
  const xs = shown.flatMap((one) => one.points.map(([x]) => place(x)));
  const ys = [
    ...shown.flatMap((one) => one.points.map((point) => point[1])),
    ...band.flatMap((row) => [row[1], row[2]]),
  ];
  const high = Math.min(Math.max(...ys), highest ?? Infinity),
    low = Math.min(0, ...ys);
  const first = Math.min(...xs),
    last = Math.max(...xs);
  const x = (/** @type {number} */ value) =>
    left + ((place(value) - first) / (last - first || 1)) * (width - left - right);
  const y = (/** @type {number} */ value) =>
    top + ((high - Math.min(value, high)) / (high - low || 1)) * (height - top - bottom);
  const line = (/** @type {[number, number][]} */ points) =>
    points.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(" ");
  const along = logarithmic
    ? ticks(first, last, 5)
        .filter(Number.isInteger)
        .map((power) => 10 ** power)
    : ticks(first, last, 4).filter((value) => Number.isInteger(value));
  // Two labels at one height would cover each other.
  const ends = shown
    .map((one) => ({ ...one, at: y(one.points[one.points.length - 1][1]) }))
    .sort((a, b) => a.at - b.at);
  ends.forEach((end, number) => {
    if (number && end.at - ends[number - 1].at < 13) end.at = ends[number - 1].at + 13;
  });
  const every = shown.flatMap((one) => one.points.map(([a]) => a));
  /** Show the values where the pointer is. @param {PointerEvent & {currentTarget: SVGElement}} event */
  const read = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * width;
    const nearest = every.reduce((a, b) => (Math.abs(x(b) - at) < Math.abs(x(a) - at) ? b : a));
    const values = shown.flatMap((one) => {
      const point = one.points.find(([a]) => a === nearest);
      return point ? [`${one.name} ${format(point[1])}`] : [];
    });
    const said = event.currentTarget.querySelector(".cu-reading");
    const line = event.currentTarget.querySelector(".cu-pointer");
    if (said) said.textContent = `${unit} ${formatX(nearest)}: ${values.join(", ")}`;
    for (const end of ["x1", "x2"]) line?.setAttribute(end, String(x(nearest)));
    line?.setAttribute("class", "cu-pointer cu-shown");
  };
  return h(
    "svg",
    {
      viewBox: `0 0 ${width} ${height}`,
      class: "cu-plot",
      role: "img",
      "aria-label": label,
      onpointermove: read,
    },
    h("text", { x: 4, y: 14, class: "cu-axis" }, unitY),
    h("text", { x: width - right, y: 14, "text-anchor": "end", class: "cu-reading" }),
    h("line", { x1: left, x2: left, y1: top, y2: height - bottom, class: "cu-pointer" }),
    ticks(low, high, 4).map((value) =>
      h(
        "g",
        {},
        h("line", { x1: left, x2: width - right, y1: y(value), y2: y(value), class: "cu-grid" }),
        h("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, format(value)),
      ),
    ),
    along.map((value) =>
      h("text", { x: x(value), y: height - bottom + 16, "text-anchor": "middle" }, formatX(value)),
    ),
    h("text", { x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, unit),
    band.length > 1 &&
      h("polyline", {
        class: "cu-band",
        points: line([
          ...band.map((row) => /** @type {[number, number]} */ ([row[0], row[2]])),
          ...[...band].reverse().map((row) => /** @type {[number, number]} */ ([row[0], row[1]])),
        ]),
      }),
    [...marks]
      .sort((a, b) => a.x - b.x)
      .map((mark, number) =>
        h(
          "g",
          {},
          h("line", {
            x1: x(mark.x),
            x2: x(mark.x),
            y1: top,
            y2: height - bottom,
            class: "cu-marker",
          }),
          // The outer ones' labels lead away from each other: two rates are often close.
          h(
            "text",
            {
              x: x(mark.x) + (number ? -2 : 2),
              y: top - 4,
              "text-anchor": number ? "start" : "end",
            },
            mark.text,
          ),
        ),
      ),
    shown.map((one) => h("polyline", { points: line(one.points), class: `cu-line ${one.look}` })),
    ends.map((end) =>
      h("text", { x: width - right + 8, y: end.at + 4, class: end.look }, end.name),
    ),
  );
}

/** One column of rows against another, without gaps.
 * @template {string} K @param {{[name in K]?: number | string | null}[]} rows @param {K} x @param {K} y
 * @returns {[number, number][]} */
export function column(rows, x, y) {
  return rows
    .filter((row) => row[y] !== null && row[y] !== undefined)
    .map((row) => [Number(row[x]), Number(row[y])]);
}
