// @ts-check
// What writing the data set and writing the model share: the folder, the progress, what was written.

import { copyable } from "./clipboard.js";
import { h } from "./drawing.js";
import { count } from "./figures.js";
import { fieldsOf } from "./forms.js";
import { problem } from "./marks.js";

/** @import {Send} from "./types" */
/** @import {UseKind, UseState} from "./use_states" */

/** The folder that will be written, and the button; while it is, how far it is.
 * @param {UseState} state @param {Send} send @param {UseKind} kind
 * @param {{folder: string, title: string, ready: boolean, named: {run?: number}}} how */
export function destination(state, send, kind, { folder, title, ready, named }) {
  const job = state.job?.kind === kind ? state.job : null;
  const share = job?.total ? job.done / job.total : null;
  return h(
    "form",
    {
      class: "cu-destination",
      key: `form-${kind}`,
      onsubmit: (e) => send({ do: kind, ...fieldsOf(e), ...named }),
    },
    h(
      "label",
      {},
      "New folder",
      h("input", {
        key: folder,
        name: "out",
        value: folder,
        required: true,
        spellcheck: "false",
        autocomplete: "off",
        oninput: (e) => send({ do: "where", kind, out: e.target.value }),
      }),
    ),
    h(
      "button",
      {
        class: "cu-button cu-primary",
        type: "submit",
        disabled: state.busy || !ready || !state.can_write,
        title: state.busy ? "Something else is at work; it is shown below" : null,
      },
      title,
    ),
    state.where[kind] !== folder &&
      h(
        "p",
        { class: "cu-hint", "data-where": kind },
        "Will be written to ",
        h("span", { class: "cu-path" }, state.where[kind] ?? ""),
      ),
    job &&
      h(
        "div",
        { class: "cu-writing", role: "status", "data-writing": kind },
        h(
          "div",
          {
            class: share === null ? "cu-bar cu-unknown" : "cu-bar",
            role: "progressbar",
            "aria-label": job.message || "Waiting",
            "aria-valuenow": share === null ? null : Math.round(share * 100),
            "aria-valuemin": 0,
            "aria-valuemax": 100,
          },
          h("span", { style: `width:${share === null ? 30 : share * 100}%` }),
        ),
        h(
          "span",
          { class: "cu-far" },
          job.message || "Waiting for its turn",
          job.total ? ` · ${count(job.done)} of ${count(job.total)}` : "",
        ),
      ),
    !job && problem(state.errors[kind]),
  );
}

/** What was written last: its folder, to be opened or copied.
 * @param {UseState} state @param {Send} send @param {UseKind} kind @param {string | undefined} folder */
export function outcome(state, send, kind, folder) {
  return (
    folder &&
    h(
      "div",
      { class: "cu-outcome-row", key: `written-${kind}`, "data-written": kind },
      h("span", { class: "cu-hint" }, "Written last:"),
      copyable(folder, "Copy the path"),
      state.can_open &&
        h(
          "button",
          { class: "cu-button", type: "button", onclick: () => send({ do: "open_folder", kind }) },
          "Open folder",
        ),
    )
  );
}

/** @param {string | undefined} command */
export function commands(command) {
  return (
    command &&
    h(
      "details",
      { key: "command", "data-part": "command" },
      h("summary", {}, "The same on the command line"),
      copyable(command, "Copy the command"),
    )
  );
}
