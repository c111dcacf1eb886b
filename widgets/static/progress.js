// @ts-check
// Whether the cleaning helped: the first run and the newest on the same validation images.

import { h, mount } from "./drawing.js";
import { errorBars } from "./error_bars.js";
import { count, many } from "./figures.js";
import { icon } from "./marks.js";
import { blank, folded, section } from "./section.js";

/** @import {Context, Send} from "./types" */
/** @import {ProgressState} from "./review_states" */
/** @import {Comparison} from "./states" */

/** What the decisions between two runs came to.
 * @param {Comparison} found @param {NonNullable<ProgressState["changes"]>} made */
function changed(found, made) {
  /** @type {[number, string][]} */
  const all = [
    [made.relabelled, "relabelled"],
    [made.left_out, "left out"],
    [made.brought_back, "brought back"],
    [made.confirmed, "confirmed"],
    [made.unsure, "unsure"],
  ];
  const parts = all
    .filter(([number]) => number)
    .map(([number, what]) => `${count(number)} ${what}`);
  return `${many(found.decisions, "decision")} in between${parts.length ? `: ${parts.join(", ")}` : ""}.`;
}

/** @param {ProgressState} state @param {{open: boolean}} own @param {Send} send */
function progress(state, own, send) {
  const found = state.comparison;
  const points = found?.difference?.points;
  const figure =
    !found || points === undefined || points === null
      ? false
      : Math.abs(points) < 0.05
        ? "validation error as before"
        : `validation error ${points < 0 ? "−" : "+"}${Math.abs(points).toFixed(1)} points, ${found.p_value < 0.05 ? "more than chance" : "may be chance"}`;
  const train = (/** @type {string} */ text) =>
    h("button", { class: "cu-button", onclick: () => send({ do: "go", station: "train" }) }, text);
  return section("progress", "Before and after", figure, state, own, send, () => {
    if (state.run === null)
      return blank(
        "After a training, some review and a second training this shows both errors on the same validation images.",
        train("Train"),
      );
    if (!found)
      return blank(
        state.waiting
          ? `${many(state.waiting, "decision")} since run ${state.run}. Train again to see the error before and after on the same ${many(state.images, "validation image")}.`
          : `Run ${state.run} is the first. Review some images and train again: this then shows both errors on the same ${many(state.images, "validation image")}.`,
        train("Train again"),
      );
    const corrected = found.relabelled + found.deleted;
    return [
      found.warning && h("p", { class: "cu-warning" }, icon("alert"), h("span", {}, found.warning)),
      h("div", { class: "cu-columns cu-versions" }, errorBars(found)),
      !found.images && h("p", {}, found.sentence),
      state.changes && h("p", {}, changed(found, state.changes)),
      corrected > 0 &&
        h(
          "p",
          {},
          `${many(corrected, "validation image was", "validation images were")} changed: ${count(found.relabelled)} relabelled, ${count(found.deleted)} left out. `,
          h(
            "button",
            {
              class: "cu-link",
              onclick: () => send({ do: "queue", queue: "recent", split: "valid" }),
            },
            corrected === 1 ? "Show it" : "Show them",
          ),
        ),
      state.waiting > 0 &&
        h(
          "p",
          { class: "cu-hint" },
          `${many(state.waiting, "decision")} since run ${state.run}${state.kept ? ", which these figures leave out until the next training" : ": the next training learns from them"}.`,
        ),
    ];
  });
}

export default {
  /** @param {Context<ProgressState>} context */
  render({ model, el }) {
    const own = folded(model);
    return mount(model, el, (state, send) => progress(state, own, send));
  },
};
