// @ts-check
// The station Train: how to train, the newest run, what cleaning changed, what more images would do.

import { asItComes } from "./confusion.js";
import { drawn, h } from "./drawing.js";
import { errorBars } from "./error_bars.js";
import { many, percent } from "./figures.js";
import { holding } from "./held_pictures.js";
import { column, lineChart } from "./line_chart.js";
import { icon, problem } from "./marks.js";
import { deepSettings, instantSettings, recipeChoice } from "./recipes.js";
import { byClass, exactFigures } from "./train_figures.js";
import { allRuns } from "./train_runs.js";
import { verdict } from "./train_verdict.js";

/** @import {Context, Send} from "./types" */
/** @import {Comparison, HistoryRow, Metrics, TrainState} from "./states" */
/** @import {Shown} from "./train_verdict.js" */
/** @import {PicturesMessage} from "./review_states" */

/** Losses over steps or epochs. @param {HistoryRow[]} history */
function lossChart(history) {
  const x = "epoch" in (history[0] ?? {}) ? "epoch" : "step";
  const last = history[history.length - 1];
  const every = (/** @type {"train_loss" | "valid_loss"} */ name) => column(history, x, name);
  return lineChart({
    label: `Losses over ${history.length} ${x}s: training ${last?.train_loss}, validation ${last?.valid_loss}`,
    unit: x,
    unitY: "loss: how wrong the stated chances are",
    format: (value) => value.toFixed(2),
    formatX: String,
    series: [
      { name: "training", look: "cu-train", points: every("train_loss") },
      { name: "validation", look: "cu-valid", points: every("valid_loss") },
    ],
  });
}

/** The training table, thinned to about ten rows. @param {HistoryRow[]} history */
function historyTable(history) {
  const x = "epoch" in (history[0] ?? {}) ? "epoch" : "step";
  const every = Math.max(1, Math.ceil(history.length / 9));
  const shown = history.filter((_, place) => place % every === 0 || place === history.length - 1);
  return h(
    "table",
    { class: "cu-table cu-history" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        [x, "train loss", "valid loss", "error rate", "time"].map((name) =>
          h("th", { class: "cu-right" }, name),
        ),
      ),
    ),
    h(
      "tbody",
      {},
      shown.map((row) =>
        h(
          "tr",
          {},
          h(
            "td",
            { class: "cu-right" },
            row[x],
            row.phase === "head" && h("span", { class: "cu-hint" }, " head"),
          ),
          h("td", { class: "cu-right" }, row.train_loss?.toFixed(4) ?? "–"),
          h("td", { class: "cu-right" }, row.valid_loss?.toFixed(4) ?? "–"),
          h("td", { class: "cu-right" }, percent(row.error_rate)),
          h("td", { class: "cu-right" }, `${row.seconds.toFixed(row.seconds < 10 ? 2 : 0)} s`),
        ),
      ),
    ),
  );
}

/** @param {Comparison | null} compared */
function comparison(compared) {
  if (!compared || compared.before.error === null) return null;
  return h(
    "section",
    { class: "cu-card", "data-part": "comparison" },
    h("h2", {}, "Before and after"),
    compared.warning && h("p", { class: "cu-warning" }, icon("alert"), compared.warning),
    errorBars(compared),
    h(
      "p",
      {},
      `${many(compared.decisions, "decision")} in between`,
      compared.corrected > 0 && `, ${many(compared.corrected, "validation label")} corrected`,
      ".",
    ),
  );
}

/** @param {TrainState} state @param {HistoryRow[]} history */
function training(state, history) {
  return h(
    "section",
    { class: "cu-card cu-grow", "data-part": "training" },
    h("h2", {}, "Training"),
    h("div", { class: "cu-columns" }, lossChart(history), historyTable(history)),
    !state.live.length &&
      (state.metrics?.diagnosis ?? []).map((found) =>
        h(
          "p",
          { class: found.code === "well" ? "" : "cu-warning", "data-finding": found.code },
          found.code !== "well" && icon("alert"),
          h("span", {}, `${found.sentence} ${found.next_step}`),
        ),
      ),
  );
}

/** What only who knows the field asks for: exact figures, baselines, device, the solver's steps.
 * @param {TrainState} state @param {Metrics} metrics */
function details(state, metrics) {
  const steps = state.history.length > 1 && !("epoch" in state.history[0]);
  return h(
    "details",
    { class: "cu-card", "data-part": "details" },
    h("summary", {}, h("h2", {}, "Details")),
    h("div", { class: "cu-columns" }, exactFigures(state, metrics), byClass(state, metrics)),
    steps && [h("h3", {}, "The solver's steps"), historyTable(state.history)],
  );
}

/** @param {TrainState} state @param {Send} send */
function moreImages(state, send) {
  const found = state.learning;
  return h(
    "section",
    { class: "cu-card", "data-part": "learning-curve" },
    h("h2", {}, "Would more images help?"),
    found &&
      lineChart({
        label: found.sentence,
        unit: "training images",
        unitY: "share taken for another class",
        formatX: String,
        format: (value) => percent(value, 0),
        series: [
          { name: "error", look: "cu-train", points: column(found.points, "images", "error") },
        ],
        band: found.points.map((row) => [row.images, row.low, row.high]),
      }),
    h(
      "p",
      { class: found ? "" : "cu-hint" },
      found
        ? found.sentence
        : "The error with growing shares of the training images tells. It takes seconds.",
    ),
    h(
      "button",
      {
        class: "cu-button",
        disabled: state.busy || !state.images,
        onclick: () => send({ do: "learning_curve" }),
      },
      found ? "Measure again" : "Measure",
    ),
  );
}

/** Which of several networks at hand serves best. @param {TrainState} state @param {Send} send */
function networks(state, send) {
  const found = state.networks;
  const here = state.backbones.filter((one) => one.here);
  if (here.length < 2) return null;
  return h(
    "section",
    { class: "cu-card", "data-part": "networks" },
    h("h2", {}, "Which network sees these pictures best?"),
    h(
      "p",
      { class: found ? "" : "cu-hint" },
      found
        ? found.sentence
        : `${here.length} networks are on this machine. Trying them on 500 images tells.`,
    ),
    h(
      "button",
      {
        class: "cu-button",
        disabled: state.busy || !state.images,
        onclick: () => send({ do: "try_networks" }),
      },
      found ? "Try again" : "Try them",
    ),
  );
}

/** What to train, how, and the button. @param {TrainState} state @param {Send} send */
function recipe(state, send) {
  const metrics = state.metrics;
  const deep = state.form.recipe === "finetune";
  return h(
    "section",
    { class: "cu-card", "data-part": "recipe" },
    recipeChoice(state, send),
    deep ? deepSettings(state, send) : instantSettings(state, send),
    problem(state.error),
    h(
      "div",
      { class: "cu-row cu-go" },
      h(
        "button",
        {
          class: "cu-button cu-primary",
          disabled: state.busy || !state.images,
          onclick: () => send({ do: "train" }),
        },
        deep ? "Fine-tune" : metrics ? "Retrain" : "Train",
      ),
      state.stale > 0 &&
        metrics &&
        h("span", { class: "cu-hint" }, `${many(state.stale, "change")} since the last run`),
      !state.images &&
        h(
          "button",
          { class: "cu-link", onclick: () => send({ do: "go", station: "collect" }) },
          "Collect images first",
        ),
    ),
  );
}

/** @param {TrainState} state @param {Shown} shown @param {Send} send */
function train(state, shown, send) {
  const metrics = state.metrics;
  const history = state.live.length ? state.live : state.history;
  const epochs = history.length > 1 && "epoch" in history[0];
  return h(
    "div",
    { class: "cu-panel" },
    h(
      "div",
      { class: "cu-title" },
      h("h1", {}, "Train"),
      h(
        "p",
        { class: "cu-hint" },
        "Learn the classes, and find out which images do not fit their label.",
      ),
    ),
    !metrics && recipe(state, send),
    verdict(state, shown, send),
    metrics && recipe(state, send),
    epochs && training(state, history),
    metrics && comparison(state.comparison),
    metrics && allRuns(state, send),
    metrics && moreImages(state, send),
    metrics && networks(state, send),
    metrics && details(state, metrics),
  );
}

export default {
  /** @param {Context<TrainState, PicturesMessage>} context */
  render({ model, el }) {
    const held = holding(model, () => page.redraw());
    /** @type {Shown} */
    const shown = {
      pictures: held.pictures,
      matrix: { ...asItComes(), open: true },
      redraw: () => page.redraw(),
      el,
    };
    const page = drawn(model, el, (state, send) => train(state, shown, send));
    held.ask();
    return () => {
      page.end();
      held.end();
    };
  },
};
