// @ts-check
// The confusion matrix as a grid: rows are labels, columns predictions. A cell opens its images.
//
// One tab stop; arrows move. Up to NAMED classes have their names at the edges, more their numbers;
// of more than GROUPED those that are confused most are shown, and the others as one row.

import { drawn, h } from "./drawing.js";
import { count, many, percent } from "./figures.js";
import { badge } from "./marks.js";
import { blank, folded, section } from "./section.js";

const NAMED = 12;
const GROUPED = 25;
const ALL = 100; // more are never shown all: a browser takes minutes for a million cells
const LISTED = 8;
const REST = -1;

/**
 * @typedef {{name: string, place: number}} Group one row and column; REST: the classes not shown
 * @typedef {{open: boolean, show: string, shares: boolean, order: string, all: boolean, pairs: boolean, at: [number, number], said: string}} Own
 */

/** The rows and columns to show, in their order. @param {any} state @param {Own} own @returns {Group[]} */
function groups(state, own) {
  const order = (own.order || (state.labels.length > NAMED ? "confusion" : "project")) === "confusion"
    ? state.order : state.labels.map((/** @type {string} */ _, /** @type {number} */ place) => place);
  const group = (/** @type {number} */ place) => ({ name: state.labels[place], place });
  if ((own.all && state.labels.length <= ALL) || state.labels.length <= GROUPED) return order.map(group);
  const mistakes = new Array(state.labels.length).fill(0);
  for (const [r, c, number] of state.cells) if (r !== c) { mistakes[r] += number; mistakes[c] += number; }
  const worst = new Set(mistakes.map((number, place) => [number, place]).filter(([number]) => number > 0)
    .sort((a, b) => b[0] - a[0]).slice(0, GROUPED).map(([, place]) => place));
  const rest = state.labels.length - worst.size;
  const calm = mistakes.every((number, place) => number === 0 || worst.has(place));
  const shown = order.filter((/** @type {number} */ place) => worst.has(place)).map(group);
  return rest ? [...shown, { name: calm ? `${many(rest, "class", "classes")} without confusion` : many(rest, "other class", "other classes"), place: REST }] : shown;
}

/** Sum cells into rows and columns. @param {number[][]} cells @param {Group[]} shown @returns {number[][]} */
function table(cells, shown) {
  const at = new Map(shown.map((group, place) => [group.place, place]));
  const sums = shown.map(() => new Array(shown.length).fill(0));
  for (const [r, c, number] of cells) {
    const [row, column] = [at.get(r) ?? at.get(REST), at.get(c) ?? at.get(REST)];
    if (row !== undefined && column !== undefined) sums[row][column] += number;
  }
  return sums;
}

/** A share of a row, short. @param {number} number @param {number} total */
function share(number, total) {
  const value = (100 * number) / (total || 1);
  return value > 0 && value < 1 ? "<1" : String(Math.round(value));
}

/** A cell in words. @param {any} state @param {Own} own @param {Group} label @param {Group} predicted
 * @param {number} number @param {number} total of the row */
function words(state, own, label, predicted, number, total) {
  const what = label.place === REST && predicted.place === REST ? `${label.name}, among themselves`
    : label === predicted ? `${label.name} recognised` : `${label.name} taken for ${predicted.name}`;
  if (own.show !== "change") return `${what}: ${count(number)} of ${count(total)} (${percent(number / (total || 1))})`;
  if (!number) return `${what}: as often as by run ${state.since}`;
  const better = (number > 0) === (label === predicted);
  return `${what}: ${count(Math.abs(number))} ${number > 0 ? "more" : "fewer"} than by run ${state.since}, ${better ? "better" : "worse"}`;
}

/** @param {any} state @param {Own} own @param {(m: any) => void} send @param {() => void} redraw @param {HTMLElement} el */
function grid(state, own, send, redraw, el) {
  const shown = groups(state, own);
  const change = own.show === "change";
  const counts = table(state.cells, shown);
  const numbers = change ? table(state.change, shown) : counts;
  const totals = counts.map((row) => row.reduce((sum, number) => sum + number, 0));
  const weight = (/** @type {number} */ r, /** @type {number} */ c) =>
    Math.abs(own.show === "shares" ? numbers[r][c] / (totals[r] || 1) : numbers[r][c]);
  const worst = Math.max(1e-9, ...numbers.flatMap((row, r) => row.map((_, c) => (r === c && !change ? 0 : weight(r, c)))));
  own.at = [Math.min(own.at[0], shown.length - 1), Math.min(own.at[1], shown.length - 1)];
  const say = (/** @type {number} */ r, /** @type {number} */ c) => words(state, own, shown[r], shown[c], numbers[r][c], totals[r]);

  // Both without drawing again: all cells of 100 classes are 10,000.
  const tell = (/** @type {any} */ event) => {
    const cell = event.target.closest("tbody td");
    if (!cell) return;
    const [r, c] = [cell.parentNode.sectionRowIndex, cell.cellIndex - 1];
    own.said = say(r, c);
    const line = el.querySelector(".cu-said");
    if (line) line.textContent = own.said;
    if (event.type === "focusin") stop(r, c);
  };
  /** Make a cell the tab stop. @param {number} r @param {number} c */
  const stop = (r, c) => {
    for (const old of el.querySelectorAll(".cu-matrix [tabindex='0']")) old.setAttribute("tabindex", "-1");
    own.at = [r, c];
    const cell = /** @type {HTMLTableElement | null} */ (el.querySelector(".cu-matrix"))?.tBodies[0].rows[r].cells[c + 1];
    const target = cell?.querySelector("button") ?? cell;
    target?.setAttribute("tabindex", "0");
    return target;
  };
  const keyed = (/** @type {KeyboardEvent} */ event) => {
    const last = shown.length - 1;
    const [r, c] = own.at;
    /** @type {Record<string, [number, number]>} */
    const moves = { ArrowRight: [r, c + 1], ArrowLeft: [r, c - 1], ArrowDown: [r + 1, c], ArrowUp: [r - 1, c],
      Home: [event.ctrlKey ? 0 : r, 0], End: [event.ctrlKey ? last : r, last] };
    const to = moves[event.key];
    if (!to) return;
    event.preventDefault();
    stop(Math.max(0, Math.min(last, to[0])), Math.max(0, Math.min(last, to[1])))?.focus();
  };

  const mark = (/** @type {Group} */ group) => (group.place === REST ? h("span", { class: "cu-badge cu-class-none", "aria-hidden": "true" }, "…") : badge(state.labels, group.name));
  const head = (/** @type {Group} */ group, /** @type {string} */ scope) => h("th", { scope, title: group.name },
    h("span", { class: "cu-edge" }, mark(group), h("span", { class: "cu-name" }, group.name)));
  const text = (/** @type {number} */ r, /** @type {number} */ c) => {
    const number = numbers[r][c];
    if (!number) return "·";
    if (change) return number > 0 ? `+${number}` : `−${-number}`;
    return own.show === "shares" ? share(number, totals[r]) : number;
  };
  const cell = (/** @type {number} */ r, /** @type {number} */ c) => {
    const tabindex = own.at[0] === r && own.at[1] === c ? 0 : -1;
    const [label, predicted] = [shown[r], shown[c]];
    const look = !change ? (r === c ? "cu-diagonal" : "") : !numbers[r][c] ? "cu-same"
      : (numbers[r][c] > 0) === (r === c) ? "cu-better" : "cu-worse";
    // The images of a change are not all in the cell; what opens is the cell as it is now.
    if (!counts[r][c] || label.place === REST || predicted.place === REST) {
      // Most cells of many classes are such: they carry no more than they must.
      return h("td", { class: look ? `cu-still ${look}` : "cu-still", tabindex: tabindex === 0 && 0 }, text(r, c));
    }
    const strength = (r !== c || change) && numbers[r][c] ? 0.12 + (0.7 * weight(r, c)) / worst : 0;
    return h("td", { class: look, style: `--share:${strength.toFixed(3)}` },
      h("button", { tabindex, "aria-label": say(r, c), "data-cell": `${label.name}/${predicted.name}`, "aria-pressed": String(state.label === label.name && state.predicted === predicted.name),
        onclick: () => send({ do: "cell", label: label.name, predicted: predicted.name }) }, text(r, c)));
  };
  const size = shown.length <= 4 ? "cu-few" : shown.length <= NAMED ? "cu-some" : "cu-numbered";
  return h("div", { class: "cu-grid-side" },
    h("div", { class: "cu-scroll" }, h("table", { class: `cu-matrix ${size}`, role: "grid", "aria-label": "Confusion: rows are labels, columns predictions",
      key: shown.length, onkeydown: keyed, onfocusin: tell, onmouseover: tell },
    h("thead", {}, h("tr", {}, h("td", { class: "cu-corner" }), shown.map((group) => head(group, "col")))),
    h("tbody", {}, shown.map((group, r) => h("tr", { key: group.place }, head(group, "row"), shown.map((_, c) => cell(r, c))))))),
    h("p", { class: "cu-said" }, own.said || "Point at a cell, or move with the arrow keys: Enter opens its images."),
    state.labels.length > GROUPED && h("p", {}, (!own.all || state.labels.length > ALL) && `… sums ${shown[shown.length - 1].name}. `,
      state.labels.length <= ALL && h("button", { class: "cu-link", onclick: () => { own.all = !own.all; redraw(); } }, own.all ? "Show the most-confused classes only" : `Show all ${state.labels.length} classes`)));
}

/** The most-confused pairs in words. @param {any} state @param {Own} own @param {(m: any) => void} send @param {() => void} redraw */
function pairList(state, own, send, redraw) {
  const change = own.show === "change";
  const rows = change ? state.change.filter((/** @type {number[]} */ [r, c]) => r !== c).sort((/** @type {number[]} */ a, /** @type {number[]} */ b) => b[2] - a[2])
    .map((/** @type {number[]} */ [r, c, number]) => ({ label: state.labels[r], predicted: state.labels[c], count: number })) : state.pairs;
  if (!rows.length) return h("p", {}, change ? `Since run ${state.since} nothing changed on images that both runs judged.` : "No two classes are confused.");
  const listed = own.pairs ? rows : rows.slice(0, LISTED);
  return h("div", { class: "cu-pair-side" }, h("h3", {}, change ? `Since run ${state.since}, worst first` : "Most confused"),
    h("ul", { class: own.pairs ? "cu-pairs cu-window" : "cu-pairs" }, listed.map((/** @type {any} */ pair) => h("li", { key: `${pair.label}/${pair.predicted}` },
      h("button", { class: "cu-link", onclick: () => send({ do: "cell", label: pair.label, predicted: pair.predicted }) },
        `${pair.label} taken for ${pair.predicted}: ${change ? `${count(Math.abs(pair.count))} ${pair.count > 0 ? "more" : "fewer"}` : count(pair.count)}`)))),
    rows.length > LISTED && h("button", { class: "cu-link", onclick: () => { own.pairs = !own.pairs; redraw(); } },
      own.pairs ? "Show fewer" : `Show all ${count(rows.length)}`));
}

/** @param {any} state @param {Own} own @param {(m: any) => void} send @param {() => void} redraw */
function choices(state, own, send, redraw) {
  const shown = own.show === "change" ? `since ${state.since}` : own.show;
  const option = (/** @type {string} */ value, /** @type {string} */ text, /** @type {string} */ now) => h("option", { value, selected: value === now }, text);
  const order = own.order || (state.labels.length > NAMED ? "confusion" : "project");
  return h("div", { class: "cu-row cu-choices" },
    h("label", {}, "Show ", h("select", { class: "cu-select", name: "show", value: shown, onchange: (/** @type {any} */ event) => {
      const value = event.target.value;
      const run = value.startsWith("since ") ? Number(value.slice(6)) : null;
      own.shares = value === "shares";
      own.said = "";
      if (run !== state.since) send({ do: "since", run });
      redraw();
    } }, option("counts", "counts", shown), option("shares", "shares of the row, %", shown),
    state.earlier.map((/** @type {number} */ run) => option(`since ${run}`, `change since run ${run}`, shown)))),
    state.labels.length > 2 && h("label", {}, "Order ", h("select", { class: "cu-select", name: "order", value: order, onchange: (/** @type {any} */ event) => {
      own.order = event.target.value;
      redraw();
    } }, option("project", "as in the project", order), option("confusion", "by confusion", order))));
}

/** @param {any} state @param {Own} own @param {(m: any) => void} send @param {() => void} redraw @param {HTMLElement} el */
function confusion(state, own, send, redraw, el) {
  own.show = state.since !== null ? "change" : own.shares ? "shares" : "counts";
  const total = state.cells.reduce((/** @type {number} */ sum, /** @type {number[]} */ cell) => sum + cell[2], 0);
  const right = state.cells.reduce((/** @type {number} */ sum, /** @type {number[]} */ [r, c, number]) => sum + (r === c ? number : 0), 0);
  return section("confusion", "Confusion", total > 0 && `${total === right ? "none" : count(total - right)} of ${count(total)} taken for another class, out-of-fold`, state, own, send, () => {
    if (state.run === null) return blank("After a training this shows which classes are taken for which, and a cell opens its images.",
      h("button", { class: "cu-button", onclick: () => send({ do: "go", station: "train" }) }, "Train"));
    if (!total) return blank("The newest run judged none of the images that are left.", h("button", { class: "cu-button", onclick: () => send({ do: "go", station: "train" }) }, "Train again"));
    return [
      h("p", { class: "cu-hint" }, own.show === "change"
        ? `Run ${state.run} against run ${state.since}, out-of-fold, over the images that both judged, with the labels as they are now. Fewer (−) is better off the diagonal, more (+) on it.`
        : `Rows: labels as they are now. Columns: out-of-fold predictions of run ${state.run} for ${many(total, "image")}. A cell opens its images.`),
      choices(state, own, send, redraw),
      h("div", { class: "cu-matrix-columns" }, grid(state, own, send, redraw, el), pairList(state, own, send, redraw)),
    ];
  });
}

export default {
  /** @param {{model: any, el: HTMLElement}} context */
  render({ model, el }) {
    /** @type {Own} */
    const own = { ...folded(model), show: "counts", shares: false, order: "", all: false, pairs: false, at: [0, 0], said: "" };
    const page = drawn(model, el, (state, send) => confusion(state, own, send, () => page.redraw(), el));
    return page.end;
  },
};
