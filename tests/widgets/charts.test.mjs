// Charts: lines with their scales and marks, and errors as bars.

import assert from "node:assert/strict";
import { test } from "node:test";
import { errorBars } from "../../widgets/static/error_bars.js";
import { column, lineChart } from "../../widgets/static/line_chart.js";
import { rateChart } from "../../widgets/static/recipes.js";

/** @import {Side, TrainState} from "../../widgets/static/states" */

const plain = { label: "chart", unit: "step", unitY: "loss", format: String, formatX: String };
const texts = (/** @type {Element | null | undefined} */ chart) =>
  [...(chart?.querySelectorAll("text") ?? [])].map((text) => text.textContent);
const points = (/** @type {Element | null | undefined} */ chart) =>
  chart?.querySelector("polyline.cu-line")?.getAttribute("points")?.split(" ") ?? [];

test("a line needs two points", () => {
  assert.equal(
    lineChart({ ...plain, series: [{ name: "one", look: "a", points: [[0, 1]] }] }),
    null,
  );
});

test("a line spans the chart, its name stands at its end, and the scale has round numbers", () => {
  const chart = lineChart({
    ...plain,
    series: [
      {
        name: "loss",
        look: "cu-train",
        points: [
          [0, 4],
          [10, 0],
        ],
      },
    ],
  });
  assert.deepEqual(points(chart), ["56.0,32.0", "624.0,236.0"]);
  assert.deepEqual(texts(chart), [
    "loss",
    "",
    "0",
    "1",
    "2",
    "3",
    "4",
    "0",
    "5",
    "10",
    "step",
    "loss",
  ]);
});

test("equal values draw a line, and names at one height do not cover each other", () => {
  const series = ["a", "b"].map((name) => ({
    name,
    look: name,
    points: /** @type {[number, number][]} */ ([
      [0, 0],
      [1, 0],
    ]),
  }));
  const chart = lineChart({ ...plain, series });
  assert.ok(points(chart).every((point) => !point.includes("NaN")));
  const ends = [...(chart?.querySelectorAll("text.a, text.b") ?? [])].map((text) =>
    Number(text.getAttribute("y")),
  );
  assert.equal(ends[1] - ends[0], 13);
});

test("what is above the highest value is drawn at the edge", () => {
  const chart = lineChart({
    ...plain,
    highest: 2,
    series: [
      {
        name: "loss",
        look: "a",
        points: [
          [0, 1],
          [1, 100],
        ],
      },
    ],
  });
  assert.equal(points(chart)[1], "624.0,32.0");
});

test("a column leaves out rows without a value", () => {
  const rows = [{ step: 1, loss: null }, { step: 2, loss: 0 }, { step: 3 }];
  assert.deepEqual(column(rows, "step", "loss"), [[2, 0]]);
});

test("rates are drawn also where the loss never fell, with nothing to take", () => {
  const rates = { rates: [0.001, 0.01, 0.1], losses: [1, 2, 3], minimum: null, steep: null };
  const chart = rateChart(/** @type {TrainState} */ ({ rates }), () => {});
  assert.equal(chart?.querySelectorAll("button").length, 0);
  const found = rateChart(
    /** @type {TrainState} */ ({ rates: { ...rates, steep: 0.01 } }),
    () => {},
  );
  assert.match(found?.querySelector("button")?.textContent ?? "", /^Take 0.01/);
});

test("bars share one scale, and say both errors with their intervals", () => {
  const side = (/** @type {number} */ run, /** @type {number} */ error) =>
    /** @type {Side} */ ({ run, error, low: error / 2, high: error * 2 });
  const version = {
    labels: /** @type {const} */ ("now"),
    images: 9,
    before: side(1, 0.2),
    after: side(2, 0.1),
    sentence: "Better.",
  };
  const more = {
    decisions: 0,
    corrected: 0,
    relabelled: 0,
    deleted: 0,
    warning: null,
    difference: null,
    p_value: 1,
  };
  const drawn = errorBars({ ...version, ...more, versions: [version] });
  const widths = [...drawn[0].querySelectorAll(".cu-error-bar")].map((bar) =>
    bar.getAttribute("style"),
  );
  assert.deepEqual(widths, ["width:50%", "width:25%"]);
  assert.match(drawn[0].textContent ?? "", /20.0 % \(10.0–40.0\).*10.0 % \(5.0–20.0\)/);
});

test("the values under the pointer are told", () => {
  /** @type {[number, number][]} */
  const points = [
    [1, 4],
    [2, 3],
    [3, 1],
  ];
  const chart = lineChart({ ...plain, series: [{ name: "training", look: "a", points }] });
  assert.ok(chart);
  chart.getBoundingClientRect = () => /** @type {DOMRect} */ ({ left: 0, width: 720 });
  const page = /** @type {Window & typeof globalThis} */ (document.defaultView);
  chart.dispatchEvent(new page.MouseEvent("pointermove", { clientX: 350 }));
  assert.equal(chart.querySelector(".cu-reading")?.textContent, "step 2: training 3");
});
