// @ts-check
// The model on its way out: which one, how good, what its folder holds, and its card.

import { copyable } from "./clipboard.js";
import { h } from "./drawing.js";
import { bytes, count, interval, many, percent } from "./figures.js";
import { markdown } from "./markdown.js";
import { term } from "./marks.js";
import { test } from "./use_test.js";
import { commands, destination, outcome } from "./use_writing.js";

/** @import {Send} from "./types" */
/** @import {UseState} from "./use_states" */

/** @param {UseState} state @param {Send} send */
export function model(state, send) {
  const run = state.run;
  if (!run)
    return h(
      "section",
      { class: "cu-use-part", "data-part": "model", key: "no-model" },
      h(
        "div",
        { class: "cu-use-head" },
        h("h2", {}, "The model"),
        h("p", {}, "None is trained yet."),
      ),
      h(
        "button",
        { class: "cu-button", onclick: () => send({ do: "go", station: "train" }) },
        "Train",
      ),
      test(state, send),
    );
  const error = run.valid.error ?? run.out_of_fold.error;
  return h(
    "section",
    { class: "cu-use-part", "data-part": "model", key: "model" },
    h(
      "div",
      { class: "cu-use-head" },
      h("h2", {}, "The model"),
      h(
        "p",
        {},
        h("span", { "data-exported": run.run }, `The model of ${run.title}`),
        error !== null && `: ${percent(1 - error)} right`,
        ". Its folder predicts without the curator's project.",
      ),
    ),
    h(
      "p",
      { class: "cu-hint" },
      `Wrong: ${interval(run.valid)} of `,
      term(
        `${many(run.valid.images, "image")} kept for checking`,
        "validation images: the same in every run, and the model never saw them",
      ),
      run.out_of_fold.error !== null && [
        `, ${interval(run.out_of_fold)} of `,
        term(
          `all ${count(run.out_of_fold.images)}`,
          "out-of-fold: each image judged by a model that learnt from the others",
        ),
      ],
      ". ",
      term("In brackets", "95 % interval"),
      " how far chance reaches.",
    ),
    test(state, send),
    state.stale > 0 &&
      h(
        "p",
        { class: "cu-hint" },
        `${many(state.stale, "change")} since that run: `,
        h(
          "button",
          { class: "cu-link", type: "button", onclick: () => send({ do: "go", station: "train" }) },
          "retrain first",
        ),
        " to include them.",
      ),
    destination(state, send, "export_model", {
      folder: state.model_folder,
      title: "Write the model",
      ready: true,
      named: { run: run.run },
    }),
    outcome(state, send, "export_model", state.written.export_model),
    state.bundle &&
      h(
        "div",
        { key: "bundle", "data-part": "bundle" },
        h(
          "p",
          { class: "cu-hint" },
          state.bundle.files.map((file) => `${file.path} ${bytes(file.bytes)}`).join(" · "),
        ),
        h("p", { class: "cu-hint" }, "A prediction from that folder alone:"),
        copyable(state.predict, "Copy the command"),
      ),
    commands(state.commands.export_model),
    state.bundle?.card &&
      h(
        "details",
        { key: "card", "data-part": "model-card" },
        h("summary", {}, "The model's card (README.md)"),
        markdown(state.bundle.card),
      ),
  );
}
