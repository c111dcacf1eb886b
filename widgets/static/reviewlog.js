// @ts-check
// The review log: who decided how much in what time, and whether they would decide so again.

import { h, mount } from "./drawing.js";
import { count, percent } from "./figures.js";
import { fieldsOf } from "./forms.js";
import { problem } from "./marks.js";
import { folded, section } from "./section.js";

/** @import {Context, Send} from "./types" */
/** @import {ReviewDay, ReviewLogState} from "./review_states" */

/** @param {ReviewDay} row */
function dayRow(row) {
  const share = row.images ? ` (${percent(row.hits / row.images, 0)} of the images)` : "";
  return h(
    "tr",
    { key: `${row.day} ${row.by}` },
    h("td", { class: "cu-log-day", title: row.by }, row.day, h("small", {}, row.by)),
    h("td", { class: "cu-right" }, count(row.decided)),
    h("td", { class: "cu-right" }, row.per_minute === null ? "–" : row.per_minute.toFixed(1)),
    h("td", { class: "cu-right" }, count(row.pages)),
    h(
      "td",
      {
        class: "cu-right",
        title: `${row.hits} of ${row.images} images had their label changed or were left out${share}`,
      },
      count(row.hits),
    ),
  );
}

/** @param {ReviewLogState} state @param {{open: boolean}} own @param {Send} send */
function reviewLog(state, own, send) {
  const again = state.agreement;
  return section("reviewlog", "Review log", false, state, own, send, () => [
    h(
      "form",
      {
        class: "cu-row cu-edit",
        onsubmit: (event) => send({ do: "reviewer", name: fieldsOf(event).reviewer }),
      },
      h(
        "label",
        {},
        "Decisions are signed as ",
        h("input", {
          name: "reviewer",
          key: state.reviewer,
          value: state.reviewer,
          maxlength: 100,
          autocomplete: "off",
          spellcheck: "false",
        }),
      ),
      h("button", { class: "cu-button" }, "Sign so"),
    ),
    problem(state.error),
    state.days.length
      ? h(
          "div",
          { class: "cu-window cu-log" },
          h(
            "table",
            { class: "cu-table" },
            h(
              "thead",
              {},
              h(
                "tr",
                {},
                h("th", { scope: "col" }, "day, reviewer"),
                [
                  ["decided", "Images whose label or state was changed on a page"],
                  ["a minute", "Decided images a minute, counting time on pages only"],
                  ["pages", "Pages gone through"],
                  ["hits", "Images whose label was changed or that were left out"],
                ].map(([name, title]) => h("th", { class: "cu-right", scope: "col", title }, name)),
              ),
            ),
            h("tbody", {}, state.days.map(dayRow)),
          ),
        )
      : h(
          "p",
          {},
          "No page was gone through yet. Each page that you leave with Enter is counted here.",
        ),
    h("h3", {}, "Shown twice"),
    again &&
      h(
        "p",
        {},
        again.sentence,
        again.kappa !== null &&
          ` Cohen's kappa ${again.kappa.toFixed(2)} (0 is chance, 1 always the same).`,
      ),
    h(
      "button",
      { class: "cu-button", onclick: () => send({ do: "queue", queue: "again" }) },
      "Decide some a second time",
    ),
  ]);
}

export default {
  /** @param {Context<ReviewLogState>} context */
  render({ model, el }) {
    const own = folded(model);
    return mount(model, el, (state, send) => reviewLog(state, own, send));
  },
};
