// @ts-check
// The confusion matrix as a grid: rows are labels, columns predictions. A cell opens its images.
//
// One tab stop; arrows move. Up to NAMED classes have their names at the edges, more their numbers;
// of more than GROUPED those that are confused most are shown, and the others as one row.

import { ALL, GROUPED, groups, NAMED, REST, share, table, words } from "./confusion_cells.js";
import { drawn, h } from "./drawing.js";
import { count, many } from "./figures.js";
import { badge } from "./marks.js";
import { blank, folded, section } from "./section.js";

/** @import {Context, Send} from "./types" */
/** @import {Group, Own} from "./confusion_cells.js" */
/** @import {ConfusionState} from "./review_states" */

const LISTED = 8;

/** How the matrix is shown at first. @returns {Omit<Own, "open">} */
export function asItComes() {
  return {
    show: "counts",
    shares: false,
    order: "",
    all: false,
    pairs: false,
    at: [0, 0],
    said: "",
  };
}

/** @param {ConfusionState} state @param {Own} own @param {Send} send @param {() => void} redraw @param {HTMLElement} el */
export function grid(state, own, send, redraw, el) {
  const shown = groups(state, own);
  const change = own.show === "change";
  const counts = table(state.cells, shown);
  const numbers = change ? table(state.change, shown) : counts;
  const totals = counts.map((row) => row.reduce((sum, number) => sum + number, 0));
  const weight = (/** @type {number} */ r, /** @type {number} */ c) =>
    Math.abs(own.show === "shares" ? numbers[r][c] / (totals[r] || 1) : numbers[r][c]);
  const worst = Math.max(
    1e-9,
    ...numbers.flatMap((row, r) => row.map((_, c) => (r === c && !change ? 0 : weight(r, c)))),
  );
  own.at = [Math.min(own.at[0], shown.length - 1), Math.min(own.at[1], shown.length - 1)];
  const say = (/** @type {number} */ r, /** @type {number} */ c) =>
    words(state, own, shown[r], shown[c], numbers[r][c], totals[r]);

  // Both without drawing again: all cells of 100 classes are 10,000.
  const tell = (/** @type {Event & {target: HTMLElement}} */ event) => {
    /** @type {HTMLTableCellElement | null} */
    const cell = event.target.closest("tbody td");
    const row = /** @type {HTMLTableRowElement | null | undefined} */ (cell?.parentElement);
    if (!cell || !row) return;
    const [r, c] = [row.sectionRowIndex, cell.cellIndex - 1];
    own.said = say(r, c);
    const line = el.querySelector(".cu-said");
    if (line) line.textContent = own.said;
    if (event.type === "focusin") stop(r, c);
  };
  /** Make a cell the tab stop. @param {number} r @param {number} c */
  const stop = (r, c) => {
    for (const old of el.querySelectorAll(".cu-matrix [tabindex='0']"))
      old.setAttribute("tabindex", "-1");
    own.at = [r, c];
    const cell = /** @type {HTMLTableElement | null} */ (el.querySelector(".cu-matrix"))?.tBodies[0]
      .rows[r].cells[c + 1];
    const target = cell?.querySelector("button") ?? cell;
    target?.setAttribute("tabindex", "0");
    return target;
  };
  const keyed = (/** @type {KeyboardEvent} */ event) => {
    const last = shown.length - 1;
    const [r, c] = own.at;
    /** @type {Record<string, [number, number]>} */
    const moves = {
      ArrowRight: [r, c + 1],
      ArrowLeft: [r, c - 1],
      ArrowDown: [r + 1, c],
      ArrowUp: [r - 1, c],
      Home: [event.ctrlKey ? 0 : r, 0],
      End: [event.ctrlKey ? last : r, last],
    };
    const to = moves[event.key];
    if (!to) return;
    event.preventDefault();
    stop(Math.max(0, Math.min(last, to[0])), Math.max(0, Math.min(last, to[1])))?.focus();
  };

  const mark = (/** @type {Group} */ group) =>
    group.place === REST
      ? h("span", { class: "cu-badge cu-class-none", "aria-hidden": "true" }, "…")
      : badge(state.labels, group.name);
  const head = (/** @type {Group} */ group, /** @type {string} */ scope) =>
    h(
      "th",
      { scope, title: group.name },
      h("span", { class: "cu-edge" }, mark(group), h("span", { class: "cu-name" }, group.name)),
    );
  const text = (/** @type {number} */ r, /** @type {number} */ c) => {
    const number = numbers[r][c];
    if (!number) return "·";
    if (change) return number > 0 ? `+${number}` : `−${-number}`;
    return own.show === "shares" ? share(number, totals[r]) : number;
  };
  const cell = (/** @type {number} */ r, /** @type {number} */ c) => {
    const tabindex = own.at[0] === r && own.at[1] === c ? 0 : -1;
    const [label, predicted] = [shown[r], shown[c]];
    const look = !change
      ? r === c
        ? "cu-diagonal"
        : ""
      : !numbers[r][c]
        ? "cu-same"
        : numbers[r][c] > 0 === (r === c)
          ? "cu-better"
          : "cu-worse";
    // The images of a change are not all in the cell; what opens is the cell as it is now.
    if (!counts[r][c] || label.place === REST || predicted.place === REST) {
      // Most cells of many classes are such: they carry no more than they must.
      return h(
        "td",
        { class: look ? `cu-still ${look}` : "cu-still", tabindex: tabindex === 0 && 0 },
        text(r, c),
      );
    }
    const strength = (r !== c || change) && numbers[r][c] ? 0.12 + (0.7 * weight(r, c)) / worst : 0;
    return h(
      "td",
      { class: look, style: `--share:${strength.toFixed(3)}` },
      h(
        "button",
        {
          tabindex,
          "aria-label": say(r, c),
          "data-cell": `${label.name}/${predicted.name}`,
          "aria-pressed": String(state.label === label.name && state.predicted === predicted.name),
          onclick: () => send({ do: "cell", label: label.name, predicted: predicted.name }),
        },
        text(r, c),
      ),
    );
  };
  const size = shown.length <= 4 ? "cu-few" : shown.length <= NAMED ? "cu-some" : "cu-numbered";
  return h(
    "div",
    { class: "cu-grid-side" },
    h(
      "div",
      { class: "cu-scroll" },
      h(
        "table",
        {
          class: `cu-matrix ${size}`,
          role: "grid",
          "aria-label": "Confusion: rows are labels, columns predictions",
          key: shown.length,
          onkeydown: keyed,
          onfocusin: tell,
          onmouseover: tell,
        },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("td", { class: "cu-corner" }),
            shown.map((group) => head(group, "col")),
          ),
        ),
        h(
          "tbody",
          {},
          shown.map((group, r) =>
            h(
              "tr",
              { key: group.place },
              head(group, "row"),
              shown.map((_, c) => cell(r, c)),
            ),
          ),
        ),
      ),
    ),
    h(
      "p",
      { class: "cu-said" },
      own.said || "Point at a cell, or move with the arrow keys: Enter opens its images.",
    ),
    state.labels.length > GROUPED &&
      h(
        "p",
        {},
        (!own.all || state.labels.length > ALL) && `… sums ${shown[shown.length - 1].name}. `,
        state.labels.length <= ALL &&
          h(
            "button",
            {
              class: "cu-link",
              onclick: () => {
                own.all = !own.all;
                redraw();
              },
            },
            own.all
              ? "Show the most-confused classes only"
              : `Show all ${state.labels.length} classes`,
          ),
      ),
  );
}

/** The most-confused pairs in words. @param {ConfusionState} state @param {Own} own @param {Send} send @param {() => void} redraw */
function pairList(state, own, send, redraw) {
  const change = own.show === "change";
  const rows = change
    ? state.change
        .filter(([r, c]) => r !== c)
        .sort((a, b) => b[2] - a[2])
        .map(([r, c, number]) => ({
          label: state.labels[r],
          predicted: state.labels[c],
          count: number,
        }))
    : state.pairs;
  if (!rows.length)
    return h(
      "p",
      {},
      change
        ? `Since run ${state.since} nothing changed on images that both runs judged.`
        : "No two classes are confused.",
    );
  const listed = own.pairs ? rows : rows.slice(0, LISTED);
  return h(
    "div",
    { class: "cu-pair-side" },
    h("h3", {}, change ? `Since run ${state.since}, worst first` : "Most confused"),
    h(
      "ul",
      { class: own.pairs ? "cu-pairs cu-window" : "cu-pairs" },
      listed.map((pair) =>
        h(
          "li",
          { key: `${pair.label}/${pair.predicted}` },
          h(
            "button",
            {
              class: "cu-link",
              onclick: () => send({ do: "cell", label: pair.label, predicted: pair.predicted }),
            },
            `${pair.label} taken for ${pair.predicted}: ${change ? `${count(Math.abs(pair.count))} ${pair.count > 0 ? "more" : "fewer"}` : count(pair.count)}`,
          ),
        ),
      ),
    ),
    rows.length > LISTED &&
      h(
        "button",
        {
          class: "cu-link",
          onclick: () => {
            own.pairs = !own.pairs;
            redraw();
          },
        },
        own.pairs ? "Show fewer" : `Show all ${count(rows.length)}`,
      ),
  );
}

/** @param {ConfusionState} state @param {Own} own @param {Send} send @param {() => void} redraw */
export function choices(state, own, send, redraw) {
  const shown = own.show === "change" ? `since ${state.since}` : own.show;
  const option = (
    /** @type {string} */ value,
    /** @type {string} */ text,
    /** @type {string} */ now,
  ) => h("option", { value, selected: value === now }, text);
  const order = own.order || (state.labels.length > NAMED ? "confusion" : "project");
  return h(
    "div",
    { class: "cu-row cu-choices" },
    h(
      "label",
      {},
      "Show ",
      h(
        "select",
        {
          class: "cu-select",
          name: "show",
          value: shown,
          onchange: (event) => {
            const value = event.target.value;
            const run = value.startsWith("since ") ? Number(value.slice(6)) : null;
            own.shares = value === "shares";
            own.said = "";
            if (run !== state.since) send({ do: "since", run });
            redraw();
          },
        },
        option("counts", "counts", shown),
        option("shares", "shares of the row, %", shown),
        state.earlier.map((run) => option(`since ${run}`, `change since run ${run}`, shown)),
      ),
    ),
    state.labels.length > 2 &&
      h(
        "label",
        {},
        "Order ",
        h(
          "select",
          {
            class: "cu-select",
            name: "order",
            value: order,
            onchange: (event) => {
              own.order = event.target.value;
              redraw();
            },
          },
          option("project", "as in the project", order),
          option("confusion", "by confusion", order),
        ),
      ),
  );
}

/** @param {ConfusionState} state @param {Own} own @param {Send} send @param {() => void} redraw @param {HTMLElement} el */
function confusion(state, own, send, redraw, el) {
  own.show = state.since !== null ? "change" : own.shares ? "shares" : "counts";
  const total = state.cells.reduce((sum, cell) => sum + cell[2], 0);
  const right = state.cells.reduce((sum, [r, c, number]) => sum + (r === c ? number : 0), 0);
  return section(
    "confusion",
    "Confusion",
    total > 0 &&
      `${total === right ? "none" : count(total - right)} of ${count(total)} taken for another class`,
    state,
    own,
    send,
    () => {
      if (state.run === null)
        return blank(
          "After a training this shows which classes are taken for which, and a cell opens its images.",
          h(
            "button",
            { class: "cu-button", onclick: () => send({ do: "go", station: "train" }) },
            "Train",
          ),
        );
      if (!total)
        return blank(
          "The newest run judged none of the images that are left.",
          h(
            "button",
            { class: "cu-button", onclick: () => send({ do: "go", station: "train" }) },
            "Train again",
          ),
        );
      return [
        h(
          "p",
          { class: "cu-hint" },
          own.show === "change"
            ? `Run ${state.run} against run ${state.since}, over the images that both judged without having seen them, with the labels as they are now. Fewer (−) is better off the diagonal, more (+) on it.`
            : `Rows: labels as they are now. Columns: what run ${state.run} says of ${many(total, "image")}, by models that did not see them. A cell opens its images.`,
        ),
        choices(state, own, send, redraw),
        h(
          "div",
          { class: "cu-matrix-columns" },
          grid(state, own, send, redraw, el),
          pairList(state, own, send, redraw),
        ),
      ];
    },
  );
}

export default {
  /** @param {Context<ConfusionState>} context */
  render({ model, el }) {
    /** @type {Own} */
    const own = { ...folded(model), ...asItComes() };
    const page = drawn(model, el, (state, send) =>
      confusion(state, own, send, () => page.redraw(), el),
    );
    return page.end;
  },
};
