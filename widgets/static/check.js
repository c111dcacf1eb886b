// @ts-check
// What is wrong with the data before training.

import { fewOfEach } from "./check_few.js";
import { CLASSES, moreClasses, named } from "./check_looks.js";
import { drawn, h } from "./drawing.js";
import { pairKeys, sideBySide } from "./duplicates.js";
import { count, many } from "./figures.js";
import { card } from "./fixes.js";
import { holding } from "./held_pictures.js";
import { badge, icon } from "./marks.js";

/** @import {Context, Send} from "./types" */
/** @import {CheckState, ClassSplit, Finding} from "./states" */
/** @import {Fix, PicturesMessage} from "./review_states" */
/** @import {Ticks} from "./fixes.js" */

/** What the page alone holds. `previewed`: code of the finding and key of the fix whose pictures are shown
 * @typedef {Ticks & {previewed: Set<string>, redraw: () => void,
 * pair: {at: number}}} Shown `pair`: the group of near-duplicates that keys act on */

const SIDE_BY_SIDE = [
  "near_duplicates",
  "near_duplicates_in_two_classes",
  "near_duplicates_across_splits",
];

/** The pictures of a finding; a click opens all of them. @param {Finding} item @param {Map<number, string>} pictures @param {() => void} look */
function strip(item, pictures, look) {
  const shown = item.images.filter((id) => pictures.has(id)).slice(0, 6);
  return (
    shown.length > 0 &&
    h(
      "div",
      {
        class: item.queue ? "cu-strip cu-opens" : "cu-strip",
        "aria-hidden": "true", // the button beside it does the same
        onclick: () => item.queue && look(),
      },
      shown.map((id) => h("img", { key: id, src: pictures.get(id), alt: "", draggable: "false" })),
    )
  );
}

/** One finding: its sentence, its pictures, and what can be done about it.
 * @param {CheckState} state @param {Finding} item @param {Shown} shown @param {Send} send */
function finding(state, item, shown, send) {
  const look = () => send({ do: "queue", queue: item.queue, finding: item.code });
  const fine = SIDE_BY_SIDE.includes(item.code)
    ? undefined // groups are, as a whole
    : (/** @type {number[]} */ images) => send({ do: "dismiss", finding: item.code, images });
  const fixes = state.fixes.filter((fix) => fix.findings.includes(item.code));
  const opened = fixes.filter((fix) => shown.previewed.has(`${item.code} ${fix.key}`));
  const toggle = (/** @type {Fix} */ fix) => {
    const key = `${item.code} ${fix.key}`;
    if (!shown.previewed.delete(key)) shown.previewed.add(key);
    shown.redraw();
  };
  return h(
    "li",
    { key: item.code + (item.label ?? ""), "data-finding": item.code },
    strip(item, shown.pictures, look),
    h(
      "div",
      { class: "cu-finding" },
      h("p", {}, icon("alert"), h("strong", {}, item.problem)),
      h("p", { class: "cu-hint" }, item.fix),
      h(
        "div",
        { class: "cu-row" },
        SIDE_BY_SIDE.includes(item.code) &&
          h(
            "button",
            { class: "cu-button cu-primary", onclick: () => send({ do: "pairs", first: 0 }) },
            "Side by side",
          ),
        item.queue &&
          h(
            "button",
            { class: "cu-button", onclick: look },
            item.count > 1 ? `Look at these ${count(item.count)}` : "Look at it",
          ),
        fixes.map((fix) =>
          h(
            "button",
            {
              class: "cu-button",
              key: fix.key,
              "data-fix-of": fix.key,
              "aria-expanded": String(opened.includes(fix)),
              onclick: () => toggle(fix),
            },
            fixes.length > 1 || fix.images !== item.count
              ? `Fix ${count(fix.images)}: ${fix.title.toLowerCase()}…`
              : `Fix ${fix.images === 1 ? "it" : `all ${count(fix.images)}`}…`,
          ),
        ),
        state.dismissable.includes(item.code) &&
          h(
            "button",
            {
              class: "cu-link",
              onclick: () => send({ do: "dismiss", finding: item.code, label: item.label }),
            },
            "Not a problem",
          ),
      ),
      item.rule &&
        h(
          "details",
          {},
          h("summary", { class: "cu-hint" }, "How it was found"),
          h("p", { class: "cu-hint" }, item.rule),
        ),
    ),
    opened.length > 0 &&
      h(
        "div",
        { class: "cu-fix-list cu-preview-of-fix" },
        opened.map((fix) => card(state, fix, shown, send, shown.redraw, fine)),
      ),
  );
}

/** The findings; of one kind, such as classes that are small, the first few and the rest folded.
 * @param {CheckState} state @param {Finding[]} items @param {Shown} shown @param {Send} send */
function problems(state, items, shown, send) {
  const { open, folded } = fewOfEach(items);
  const list = (/** @type {Finding[]} */ some) =>
    h(
      "ul",
      { class: "cu-problems" },
      some.map((item) => finding(state, item, shown, send)),
    );
  return [
    list(open),
    folded.length > 0 &&
      h(
        "details",
        { key: "folded", "data-part": "folded" },
        h("summary", {}, `${many(folded.length, "more thing")} of the same kinds`),
        list(folded),
      ),
  ];
}

/** What is no problem any more, or never was: folded, green. @param {CheckState} state @param {Shown} shown @param {Send} send */
function solved(state, shown, send) {
  const report = state.report;
  if (!report) return null;
  const { fine, dismissed } = report;
  return [
    dismissed.length > 0 &&
      h(
        "details",
        { class: "cu-card cu-solved", "data-part": "dismissed" },
        h(
          "summary",
          {},
          icon("check"),
          `${many(dismissed.length, "thing is", "things are")} no problem, as you said`,
        ),
        h(
          "ul",
          { class: "cu-problems" },
          dismissed.map((item) =>
            h(
              "li",
              { key: item.code + (item.label ?? "") },
              h(
                "div",
                { class: "cu-finding" },
                h("p", {}, item.problem),
                h(
                  "button",
                  {
                    class: "cu-button",
                    onclick: () =>
                      send({ do: "bring_back", finding: item.code, label: item.label }),
                  },
                  "Bring back",
                ),
              ),
              strip(item, shown.pictures, () => {}),
            ),
          ),
        ),
      ),
    fine.length > 0 &&
      h(
        "details",
        { class: "cu-card cu-solved", "data-part": "fine" },
        h("summary", {}, icon("check"), `${many(fine.length, "thing is", "things are")} fine`),
        h(
          "ul",
          {},
          fine.map((sentence) => h("li", { key: sentence }, sentence)),
        ),
      ),
  ];
}

/** How each class is split. @param {CheckState} state @param {ClassSplit[]} rows @param {boolean} tested */
function splits(state, rows, tested) {
  return h(
    "table",
    { class: "cu-table" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", {}, "class"),
        h("th", { class: "cu-right" }, "training"),
        h("th", { class: "cu-right" }, "validation"),
        tested && h("th", { class: "cu-right" }, "test"),
      ),
    ),
    h(
      "tbody",
      {},
      rows.map((item) =>
        h(
          "tr",
          { key: item.label },
          h(
            "td",
            { class: "cu-name", title: item.label },
            badge(state.names, item.label),
            " ",
            item.label,
          ),
          h("td", { class: "cu-right" }, count(item.train)),
          h("td", { class: "cu-right" }, count(item.valid)),
          tested && h("td", { class: "cu-right" }, count(item.test)),
        ),
      ),
    ),
  );
}

/** @param {CheckState} state @param {Shown} shown @param {Send} send */
function check(state, shown, send) {
  const report = state.report;
  if (state.pairs)
    return sideBySide(state, state.pairs, shown.pair, shown.pictures, send, shown.redraw);
  const tested = (report?.classes ?? []).some((item) => item.test > 0);
  return h(
    "div",
    { class: "cu-panel" },
    h(
      "div",
      { class: "cu-title" },
      h("h1", {}, "Check"),
      h(
        "p",
        { class: "cu-hint" },
        "Duplicates, poor pictures and small classes, before any training.",
      ),
    ),
    !report &&
      h(
        "section",
        { class: "cu-card cu-blank" },
        h("p", {}, "There is no image to check yet."),
        h(
          "button",
          { class: "cu-button cu-primary", onclick: () => send({ do: "go", station: "collect" }) },
          "Collect images",
        ),
      ),
    report &&
      h(
        "div",
        { class: "cu-columns" },
        h(
          "div",
          { class: "cu-grow" },
          h(
            "section",
            { class: "cu-card" },
            h(
              "div",
              { class: "cu-row cu-spread" },
              h(
                "h2",
                {},
                report.problems.length
                  ? `${many(report.problems.length, "thing")} to look at`
                  : "Nothing wrong was found",
              ),
              h(
                "button",
                { class: "cu-button", disabled: state.busy, onclick: () => send({ do: "check" }) },
                "Check again",
              ),
            ),
            h(
              "p",
              { class: "cu-status", role: "status", "aria-live": "polite" },
              state.said,
              state.can_undo && " ",
              state.can_undo &&
                h("button", { class: "cu-link", onclick: () => send({ do: "undo" }) }, "Undo"),
            ),
            problems(state, report.problems, shown, send),
          ),
          solved(state, shown, send),
        ),
        h(
          "div",
          { class: "cu-side" },
          h(
            "section",
            { class: "cu-card" },
            h("h2", {}, "Classes"),
            splits(state, report.classes.slice(0, CLASSES), tested),
            report.classes.length > CLASSES &&
              h(
                "details",
                { key: "more", "data-part": "more-classes" },
                h("summary", {}, moreClasses(report.classes.length)),
                splits(state, report.classes.slice(CLASSES), tested),
              ),
            h(
              "p",
              { class: "cu-hint" },
              "An image keeps its side of the split; near-duplicates are on the same side.",
            ),
            h(
              "div",
              { class: "cu-row" },
              h(
                "button",
                {
                  class: "cu-button cu-primary",
                  onclick: () => send({ do: "go", station: "train" }),
                },
                "Go on to Train",
              ),
            ),
          ),
          state.looks.some((row) => row.tags.length) &&
            h(
              "section",
              { class: "cu-card" },
              h("h2", {}, "What a network that saw none of your labels calls them"),
              h(
                "p",
                { class: "cu-hint" },
                "The names are those of ImageNet, so yours may be missing; what stands out in a class is worth a look.",
              ),
              named(state, send),
            ),
        ),
      ),
  );
}

export default {
  /** @param {Context<CheckState, PicturesMessage>} context */
  render({ model, el }) {
    const held = holding(model, () => page.redraw());
    /** @type {Shown} */
    const shown = {
      pictures: held.pictures,
      out: new Set(),
      previewed: new Set(),
      redraw: () => page.redraw(),
      pair: { at: 0 },
    };
    const keys = pairKeys(model, el, shown);
    const page = drawn(model, el, (state, send) => check(state, shown, send));
    held.ask();
    return () => {
      keys.end();
      page.end();
      held.end();
    };
  },
};
