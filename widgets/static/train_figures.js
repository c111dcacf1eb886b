// @ts-check
// The exact figures of the run in use: errors with their intervals, baselines, and class by class.

import { h } from "./drawing.js";
import { interval, many, percent } from "./figures.js";
import { badge, icon } from "./marks.js";

/** @import {Metrics, TrainState} from "./states" */

/** @param {TrainState} state @param {Metrics} metrics */
export function exactFigures(state, metrics) {
  const fixed = metrics.out_of_fold.error === null;
  const error = metrics.out_of_fold.calibration_error ?? metrics.valid.calibration_error;
  return h(
    "section",
    { class: "cu-run" },
    h(
      "h3",
      {},
      `${state.title.replace("run", "Run")}, ${state.recipe === "finetune" ? "fine-tuned" : "instant"}`,
    ),
    h(
      "dl",
      { class: "cu-figures" },
      !fixed &&
        h(
          "div",
          {},
          h("dt", {}, "Error, judged unseen"),
          h("dd", { "data-figure": "out-of-fold" }, interval(metrics.out_of_fold)),
          h(
            "dd",
            { class: "cu-hint" },
            `Each of ${many(metrics.out_of_fold.images, "image")} judged by a model that did not see it; 95 % interval in brackets.`,
          ),
        ),
      h(
        "div",
        {},
        h("dt", {}, "Error, validation images"),
        h("dd", { "data-figure": "valid" }, interval(metrics.valid)),
        h(
          "dd",
          { class: "cu-hint" },
          `${many(metrics.valid.images, "image")} that stay the same from run to run; the exported model never saw them.`,
        ),
      ),
      h(
        "div",
        {},
        h("dt", {}, "Baselines on the validation images"),
        h(
          "dd",
          {},
          percent(metrics.baselines.majority),
          " · ",
          percent(metrics.baselines.nearest_mean_image),
        ),
        h("dd", { class: "cu-hint" }, "Always the commonest class; nearest mean image."),
      ),
      error !== undefined &&
        error !== null &&
        h(
          "div",
          {},
          h("dt", {}, "Calibration error"),
          h("dd", {}, percent(error)),
          h(
            "dd",
            { class: "cu-hint" },
            "By how much a stated confidence misses the share that is right.",
          ),
        ),
    ),
    state.choice && h("p", { class: "cu-hint" }, state.choice),
    state.notes.map((note) => h("p", { class: "cu-warning" }, icon("alert"), note)),
  );
}

/** @param {TrainState} state @param {Metrics} metrics */
export function byClass(state, metrics) {
  return h(
    "section",
    { class: "cu-grow" },
    h(
      "h3",
      {},
      `By class, ${metrics.judged_on === "validation" ? "validation images" : "judged unseen"}`,
    ),
    h(
      "table",
      { class: "cu-table" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", {}, "class"),
          ["images", "precision", "recall", "F1"].map((n) => h("th", { class: "cu-right" }, n)),
        ),
      ),
      h(
        "tbody",
        {},
        metrics.per_class.map((row) =>
          h(
            "tr",
            { key: row.label },
            h(
              "td",
              { class: "cu-name", title: row.label },
              badge(state.names, row.label),
              " ",
              row.label,
            ),
            h("td", { class: "cu-right" }, row.support),
            [row.precision, row.recall, row.f1].map((value) =>
              h("td", { class: "cu-right" }, percent(value)),
            ),
          ),
        ),
      ),
    ),
  );
}
