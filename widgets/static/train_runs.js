// @ts-check
// Every run, newest first: which is in use, another to take into use, and two to compare.

import { h } from "./drawing.js";
import { count, percent } from "./figures.js";

/** @import {Send} from "./types" */
/** @import {RunRow, RunSide, TrainState} from "./states" */

/** What a run is called. @param {RunRow} row */
export function nameOf(row) {
  const kind = row.recipe === "finetune" ? "fine-tuned" : "instant";
  return `Run ${row.run}, ${row.interim ? "automatic refit" : kind}`;
}

/** When a run ended, as people say it. @param {string} at */
function when(at) {
  const time = new Date(at);
  return Number.isNaN(time.getTime())
    ? at
    : time.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
}

/** @param {TrainState} state @param {Send} send */
export function allRuns(state, send) {
  if (state.runs.length < 2) return null;
  const pick = (/** @type {RunSide} */ side, /** @type {RunRow} */ row) =>
    h(
      "td",
      { class: "cu-right" },
      h("input", {
        type: "radio",
        name: side,
        checked: state.compared[side] === row.run,
        "aria-label": `run ${row.run} as ${side}`,
        onchange: () => send({ do: "compare", side, run: row.run }),
      }),
    );
  const use = (/** @type {RunRow} */ row) =>
    row.in_use
      ? h("span", { class: "cu-in-use" }, "in use")
      : h(
          "button",
          {
            class: "cu-button",
            "aria-label": `Use run ${row.run}`,
            onclick: () => send({ do: "use", run: row.run }),
          },
          "Use this one",
        );
  const heads = ["images", "wrong", "wrong, validation", "time", "before", "after"];
  return h(
    "section",
    { class: "cu-card", "data-part": "runs" },
    h("h2", {}, "Runs"),
    h(
      "p",
      { class: "cu-hint" },
      "The run in use is exported, and what it says orders the review. ",
      state.chosen
        ? [
            "You chose it. ",
            h(
              "button",
              { class: "cu-link", onclick: () => send({ do: "use", run: null }) },
              "Always use the newest",
            ),
          ]
        : "It is the newest that you trained; an automatic refit is used only if you say so.",
    ),
    h(
      "div",
      { class: "cu-scroll" },
      h(
        "table",
        { class: "cu-table" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            ["run", "", "trained", "network"].map((name) => h("th", {}, name)),
            heads.map((name) => h("th", { class: "cu-right" }, name)),
          ),
        ),
        h(
          "tbody",
          {},
          state.runs.map((row) =>
            h(
              "tr",
              { key: row.run, "data-run": row.run },
              h("td", {}, nameOf(row)),
              h("td", {}, use(row)),
              h("td", {}, when(row.at)),
              h("td", {}, row.backbone),
              h("td", { class: "cu-right" }, count(row.images)),
              h("td", { class: "cu-right" }, percent(row.out_of_fold_error)),
              h("td", { class: "cu-right" }, percent(row.valid_error)),
              h("td", { class: "cu-right" }, `${row.seconds.toFixed(row.seconds < 10 ? 1 : 0)} s`),
              pick("before", row),
              pick("after", row),
            ),
          ),
        ),
      ),
    ),
  );
}
