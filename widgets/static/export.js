// @ts-check
// What would be written, then the writing: the curated folder, and the model.

import { copyable } from "./clipboard.js";
import { h, mount } from "./drawing.js";
import { interval, many } from "./figures.js";
import { fieldsOf } from "./forms.js";
import { problem } from "./marks.js";

/** @import {Context, Handlers, Send} from "./types" */
/** @import {ExportKind, ExportState} from "./states" */

/** @param {ExportState} state @param {Send} send */
function exporting(state, send) {
  /** @returns {Handlers["onsubmit"]} */
  const submit =
    (/** @type {string} */ kind, /** @type {{run?: number}} */ named = {}) =>
    (e) =>
      send({ do: kind, ...fieldsOf(e), ...named });
  /** @returns {Handlers["oninput"]} */
  const typed = (/** @type {ExportKind} */ kind) => (e) =>
    send({ do: "where", kind, out: e.target.value });
  /** Where it will be written. @param {ExportKind} kind */
  const target = (kind) =>
    h(
      "p",
      { class: "cu-hint", "data-where": kind },
      "Will be written to ",
      h("span", { class: "cu-path" }, state.where[kind] ?? ""),
    );
  /** What the last export wrote. @param {ExportKind} kind */
  const written = (kind) =>
    state.written[kind] && [
      h("p", { class: "cu-hint", "data-written": kind }, "Written last:"),
      copyable(state.written[kind], "Copy the path"),
    ];
  const tested = state.counts.some((item) => item.split === "test");
  const splits = ["train", "valid", ...(tested ? ["test"] : [])];
  return h(
    "div",
    { class: "cu-panel" },
    h(
      "div",
      { class: "cu-title" },
      h("h1", {}, "Export"),
      h(
        "p",
        { class: "cu-hint" },
        "Deleted images are left out, relabelled ones go to their new class.",
      ),
    ),
    !state.total &&
      h(
        "section",
        { class: "cu-card cu-blank" },
        h("p", {}, "There is no image to export yet."),
        h(
          "button",
          { class: "cu-button cu-primary", onclick: () => send({ do: "go", station: "collect" }) },
          "Collect images",
        ),
      ),
    state.total > 0 &&
      h(
        "div",
        { class: "cu-columns" },
        h(
          "section",
          { class: "cu-card cu-grow" },
          h("h2", {}, "The curated images"),
          h(
            "pre",
            { class: "cu-tree" },
            [
              ...splits.flatMap((split) => [
                `${split}/`,
                ...state.counts
                  .filter((row) => row.split === split)
                  .map((row) => `  ${row.label}/  ${many(row.images, "image")}`),
              ]),
              "manifest.csv  source, final address, sha256, label, split, decision",
            ].join("\n"),
          ),
          h(
            "form",
            { onsubmit: submit("export") },
            h(
              "label",
              {},
              "New folder",
              h("input", {
                key: state.folder,
                name: "out",
                value: state.folder,
                required: true,
                spellcheck: "false",
                autocomplete: "off",
                oninput: typed("export"),
              }),
            ),
            target("export"),
            problem(state.errors.export),
            h(
              "button",
              { class: "cu-button cu-primary", type: "submit", disabled: state.busy },
              `Write ${many(state.total, "image")}`,
            ),
          ),
          written("export"),
          h("p", { class: "cu-hint" }, "The same on the command line:"),
          copyable(state.commands.export ?? "", "Copy the command"),
        ),
        h(
          "section",
          { class: "cu-card cu-grow" },
          h("h2", {}, "The model"),
          !state.run &&
            h(
              "div",
              { class: "cu-blank" },
              h("p", {}, "No run was trained yet."),
              h(
                "button",
                { class: "cu-button", onclick: () => send({ do: "go", station: "train" }) },
                "Train",
              ),
            ),
          state.run &&
            h(
              "div",
              {},
              h(
                "p",
                {},
                h("strong", { "data-exported": state.run.run }, `The model of ${state.run.title}.`),
                ` Error ${interval(state.run.valid)} on ${many(state.run.valid.images, "validation image")}, `,
                `${interval(state.run.out_of_fold)} out-of-fold.`,
              ),
              tested &&
                h(
                  "p",
                  { "data-tested": state.tested?.looks ?? 0 },
                  state.tested?.rate
                    ? `Error ${interval(state.tested.rate)} on ${many(state.tested.rate.images, "test image")}, looked at ${many(state.tested.looks, "time")}. `
                    : "Not judged on the test images yet. ",
                  h(
                    "button",
                    {
                      class: "cu-button",
                      disabled: state.busy,
                      title:
                        "Each look is counted: who looks and then chooses has chosen by the test images",
                      onclick: () => send({ do: "evaluate", run: state.run?.run }),
                    },
                    "Judge on the test images",
                  ),
                ),
              state.stale > 0 &&
                h(
                  "p",
                  { class: "cu-hint" },
                  `${many(state.stale, "change")} since that run: retrain first to include them.`,
                ),
              h(
                "form",
                {
                  onsubmit: submit("export_model", { run: state.run.run }),
                },
                h(
                  "label",
                  {},
                  "New folder",
                  h("input", {
                    key: state.model_folder,
                    name: "out",
                    value: state.model_folder,
                    required: true,
                    spellcheck: "false",
                    autocomplete: "off",
                    oninput: typed("export_model"),
                  }),
                ),
                target("export_model"),
                problem(state.errors.export_model),
                h(
                  "button",
                  { class: "cu-button cu-primary", type: "submit", disabled: state.busy },
                  "Write the model",
                ),
              ),
              written("export_model"),
              state.predict && h("p", { class: "cu-hint" }, "A prediction from that folder alone:"),
              state.predict && copyable(state.predict, "Copy the command"),
              h("p", { class: "cu-hint" }, "The same on the command line:"),
              copyable(state.commands.export_model ?? "", "Copy the command"),
            ),
        ),
      ),
  );
}

export default {
  /** @param {Context<ExportState>} context */
  render({ model, el }) {
    return mount(model, el, exporting);
  },
};
