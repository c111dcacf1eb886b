// @ts-check
// The model on its way out: which one, how good, what its folder holds, and its card.

import { copyable } from "./clipboard.js";
import { h } from "./drawing.js";
import { bytes, interval, many, percent } from "./figures.js";
import { markdown } from "./markdown.js";
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
      `Error ${interval(run.valid)} on ${many(run.valid.images, "validation image")}, `,
      `${interval(run.out_of_fold)} out-of-fold.`,
    ),
    state.tested &&
      state.plan?.counts.some((item) => item.split === "test") &&
      h(
        "p",
        { class: "cu-hint", key: "tested", "data-tested": state.tested.looks },
        state.tested.rate
          ? `Error ${interval(state.tested.rate)} on ${many(state.tested.rate.images, "test image")}, looked at ${many(state.tested.looks, "time")}. `
          : "Not judged on the test images yet. ",
        h(
          "button",
          {
            class: "cu-link",
            type: "button",
            disabled: state.busy,
            title: "Each look is counted: who looks and then chooses has chosen by the test images",
            onclick: () => send({ do: "evaluate", run: run.run }),
          },
          "Judge on the test images",
        ),
      ),
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
