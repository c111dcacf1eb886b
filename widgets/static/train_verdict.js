// @ts-check
// What a training came to, first in plain words, then in pictures: how many images are right, which
// are taken for another class, and beside them which class is taken for which.

import { choices, grid } from "./confusion.js";
import { NAMED } from "./confusion_cells.js";
import { h } from "./drawing.js";
import { count, many, percent } from "./figures.js";
import { badge, icon } from "./marks.js";
import { nameOf } from "./train_runs.js";

/** @import {Send} from "./types" */
/** @import {JudgedRate, Metrics, RunRow, TrainState} from "./states" */
/** @import {Own} from "./confusion_cells.js" */

/** What the page alone holds. `matrix`: how the confusion matrix is shown
 * @typedef {{pictures: Map<number, string>, matrix: Own, redraw: () => void, el: HTMLElement}} Shown */

/** A share of right ones. @param {number} error */
const right = (error) => percent(1 - error);

/** The sentence below the figure: how it was judged, within what, and against what.
 * @param {TrainState} state @param {JudgedRate} judged */
function meaning(state, judged) {
  const whole = judged === state.metrics?.out_of_fold;
  const how = whole
    ? `Each of ${many(judged.images, "image")} was judged by a model that had not seen it.`
    : `Judged on ${many(judged.images, "image")} that the model had not seen.`;
  if (state.guessing === null || judged.error === null) return how;
  const guessing = `Always saying the commonest class would be right for ${right(state.guessing)}.`;
  return !state.is_guessing
    ? `${how} ${guessing}`
    : `${how} ${guessing} That is no better than guessing, so far: add images, or look at the labels.`;
}

/** @param {TrainState} state @param {Metrics} metrics */
function figure(state, metrics) {
  const judged = metrics.out_of_fold.error === null ? metrics.valid : metrics.out_of_fold;
  if (judged.error === null) return null;
  const whole = judged === metrics.out_of_fold;
  const errorOf = (/** @type {RunRow} */ row) => (whole ? row.out_of_fold_error : row.valid_error);
  const earlier = state.runs.find(
    (row) => !row.interim && row.run < (state.run ?? 0) && errorOf(row) !== null,
  ); // the newest comes first
  return [
    h(
      "p",
      { class: "cu-verdict" },
      h("strong", {}, `${right(judged.error)} right`),
      earlier && ` (was ${right(errorOf(earlier) ?? 0)} in run ${earlier.run})`,
    ),
    h(
      "p",
      { class: "cu-hint", title: `95 % interval: ${right(judged.high)} to ${right(judged.low)}` },
      meaning(state, judged),
      ` With so many images it may be between ${right(judged.high)} and ${right(judged.low)}.`,
    ),
  ];
}

/** What the model would do on sites that it has not seen. @param {Metrics} metrics */
function elsewhere({ elsewhere: far }) {
  if (!far) return null;
  return h(
    "p",
    {
      class: "cu-hint",
      "data-part": "elsewhere",
      title:
        "Each image judged by heads that learnt from no image of its site, nor a near-copy of one",
    },
    `On sites that it has not seen: ${right(far.error)} right`,
    ` (between ${right(far.high)} and ${right(far.low)}; ${many(far.images, "image")} of ${count(far.sites)} sites,`,
    ` ${right(far.usual)} otherwise). Expect that of pictures from elsewhere.`,
  );
}

/** That a newer run is not the one in use, and the way to take it. @param {TrainState} state @param {Send} send */
function newer(state, send) {
  const [last] = state.runs;
  if (!last || last.in_use || last.run < (state.run ?? 0)) return null;
  const error = last.out_of_fold_error ?? last.valid_error;
  return h(
    "p",
    { class: "cu-warning", "data-part": "newer" },
    icon("alert"),
    h(
      "span",
      {},
      `${nameOf(last)}, is newer${error === null ? "" : `: ${right(error)} right`}. ${state.held_back && `${state.held_back} `}In use stays ${state.title}. `,
      h(
        "button",
        { class: "cu-link", onclick: () => send({ do: "use", run: last.run }) },
        `Use run ${last.run}`,
      ),
    ),
  );
}

/** The mistakes as pictures. @param {TrainState} state @param {Shown} shown @param {number} number */
function mistakes(state, shown, number) {
  const rows = state.mistakes.filter((row) => shown.pictures.has(row.id));
  if (!rows.length) return null;
  return h(
    "section",
    { "data-part": "mistakes" },
    h(
      "h2",
      {},
      `${many(number, "image looks", "images look")} like another class. A wrong label, or a hard image?`,
    ),
    h(
      "ul",
      { class: "cu-mistakes" },
      rows.map((row) =>
        h(
          "li",
          { key: row.id, title: `${row.label}, taken for ${row.predicted}` },
          h("img", { src: shown.pictures.get(row.id), alt: "", draggable: "false" }),
          h(
            "p",
            { class: "cu-label" },
            badge(state.names, row.label),
            h("span", { class: "cu-name" }, row.label),
          ),
          h(
            "p",
            { class: "cu-label" },
            badge(state.names, row.predicted),
            h("span", { class: "cu-name" }, `${row.predicted}?`),
            h("span", { class: "cu-figure" }, percent(row.confidence, 0)),
          ),
        ),
      ),
    ),
  );
}

/** Where the model is weak, and what gives a class away. @param {TrainState} state @param {Send} send */
function weak(state, send) {
  if (!state.weak.length) return null;
  return h(
    "details",
    { "data-part": "weak" },
    h("summary", {}, `${many(state.weak.length, "weak spot")}, with pictures in Check`),
    h(
      "ul",
      { class: "cu-reasons" },
      state.weak.map((item) =>
        h(
          "li",
          { key: item.code },
          `${item.problem} `,
          h(
            "button",
            {
              class: "cu-link",
              onclick: () => send({ do: "queue", queue: "all", finding: item.code }),
            },
            `Look at these ${count(item.images)}`,
          ),
        ),
      ),
    ),
  );
}

/** Which class is taken for which. @param {TrainState} state @param {Shown} shown @param {Send} send */
function matrix(state, shown, send) {
  const counted = { ...state.confusion, opened: true, counted: true };
  if (!counted.cells.length) return null;
  const own = shown.matrix;
  own.show = own.shares ? "shares" : "counts";
  const by = counted.run === state.run ? "" : ` By run ${counted.run}, which orders the review.`;
  return h(
    "section",
    { class: "cu-section", "data-part": "matrix" },
    h("h2", {}, "Which class is taken for which"),
    h(
      "p",
      { class: "cu-hint" },
      `A row is a label, a column what the model says; a cell opens its images.${by}`,
    ),
    choices(counted, own, send, shown.redraw),
    grid(counted, own, send, shown.redraw, shown.el),
  );
}

/** The verdict on the run in use, its mistakes as pictures, and beside them the matrix.
 * @param {TrainState} state @param {Shown} shown @param {Send} send */
export function verdict(state, shown, send) {
  if (!state.metrics) return null;
  const rate = state.metrics.out_of_fold;
  const manyClasses = state.confusion.labels.length > NAMED; // the matrix takes the whole width
  const number = rate.error === null ? state.mistakes.length : Math.round(rate.error * rate.images);
  return h(
    "section",
    { class: "cu-card", "data-part": "verdict" },
    figure(state, state.metrics),
    elsewhere(state.metrics),
    newer(state, send),
    h(
      "div",
      { class: manyClasses ? "cu-outcome cu-many" : "cu-outcome" },
      mistakes(state, shown, number),
      matrix(state, shown, send),
    ),
    weak(state, send),
    h(
      "div",
      { class: "cu-row cu-go" },
      h(
        "button",
        {
          class: state.stale ? "cu-button" : "cu-button cu-primary",
          disabled: state.busy,
          onclick: () => send({ do: "queue", queue: "suspicious" }),
        },
        "Review the most suspicious images",
      ),
      state.stale > 0 &&
        h("span", { class: "cu-hint" }, `${count(state.stale)} changed since: retrain below`),
    ),
  );
}
