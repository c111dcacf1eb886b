// @ts-check
// What a training came to, first in plain words, then in pictures: how many images are right, and
// which are taken for another class.

import { h } from "./drawing.js";
import { count, many, percent } from "./figures.js";
import { badge } from "./marks.js";

/** @import {Send} from "./types" */
/** @import {JudgedRate, Metrics, RunRow, TrainState} from "./states" */

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

/** The verdict on the newest run, and its mistakes as pictures.
 * @param {TrainState} state @param {Map<number, string>} pictures @param {Send} send */
export function verdict(state, pictures, send) {
  if (!state.metrics) return null;
  const rate = state.metrics.out_of_fold;
  const number = rate.error === null ? state.mistakes.length : Math.round(rate.error * rate.images);
  const shown = state.mistakes.filter((row) => pictures.has(row.id));
  return h(
    "section",
    { class: "cu-card", "data-part": "verdict" },
    figure(state, state.metrics),
    shown.length > 0 && [
      h(
        "h2",
        {},
        `${many(number, "image looks", "images look")} like another class. A wrong label, or a hard image?`,
      ),
      h(
        "ul",
        { class: "cu-mistakes" },
        shown.map((row) =>
          h(
            "li",
            { key: row.id, title: `${row.label}, taken for ${row.predicted}` },
            h("img", { src: pictures.get(row.id), alt: "", draggable: "false" }),
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
    ],
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
