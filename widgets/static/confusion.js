// @ts-check
// The confusion matrix as a table of buttons: rows are labels, columns predictions. A cell opens
// its images.

/** @param {any} state @param {(m: any) => void} send */
function confusion(state, send) {
  if (!state.labels.length) return h("div", {});
  const worst = Math.max(1, ...state.counts.flatMap((/** @type {number[]} */ row, /** @type {number} */ r) => row.filter((_, c) => c !== r)));
  return h("section", { class: "cu-card cu-confusion" },
    h("h2", {}, "Confusion"),
    h("p", { class: "cu-hint" }, "Rows: labels. Columns: out-of-fold predictions. A cell opens its images."),
    h("div", { class: "cu-columns" },
      h("div", { class: "cu-scroll" }, h("table", { class: state.labels.length > 5 ? "cu-matrix cu-many" : "cu-matrix" },
        h("thead", {}, h("tr", {}, h("td", {}), state.labels.map((/** @type {string} */ name) =>
          h("th", { scope: "col", title: name }, badge(state.labels, name), h("span", { class: "cu-name" }, name))))),
        h("tbody", {}, state.counts.map((/** @type {number[]} */ row, /** @type {number} */ r) => h("tr", {},
          h("th", { scope: "row", title: state.labels[r] }, badge(state.labels, state.labels[r]), h("span", { class: "cu-name" }, state.labels[r])),
          row.map((number, c) => {
            const [label, predicted] = [state.labels[r], state.labels[c]];
            return h("td", { class: r === c ? "cu-diagonal" : "", style: r !== c && number ? `--share:${0.12 + (0.7 * number) / worst}` : "--share:0" },
              h("button", {
                disabled: number === 0, "data-cell": `${label}/${predicted}`,
                "aria-label": r === c ? `${label} recognised: ${number}` : `${label} taken for ${predicted}: ${number}`,
                "aria-pressed": String(state.label === label && state.predicted === predicted),
                onclick: () => send({ do: "cell", label, predicted }),
              }, number || "·"));
          })))))),
      h("div", {}, state.pairs.length === 0 ? h("p", {}, "No two classes are confused.")
        : h("ul", { class: "cu-pairs" }, state.pairs.slice(0, 8).map((/** @type {any} */ pair) => h("li", {},
          h("button", { class: "cu-link", onclick: () => send({ do: "cell", label: pair.label, predicted: pair.predicted }) },
            `${pair.label} taken for ${pair.predicted}: ${pair.count}`)))))));
}

export default {
  /** @param {{model: any, el: HTMLElement}} context */
  render({ model, el }) {
    return mount(model, el, confusion);
  },
};
