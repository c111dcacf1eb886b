// @ts-check
// What is wrong with the data before training.

/** @param {any} state @param {(m: any) => void} send */
function check(state, send) {
  const report = state.report;
  return h("div", { class: "cu-panel" },
    h("div", { class: "cu-title" }, h("h1", {}, "Check"),
      h("p", { class: "cu-hint" }, "Duplicates, poor pictures and small classes, before any training.")),
    !report && h("section", { class: "cu-card cu-blank" },
      h("p", {}, "There is no image to check yet."),
      h("button", { class: "cu-button cu-primary", onclick: () => send({ do: "go", station: "collect" }) }, "Collect images")),
    report && h("div", { class: "cu-columns" },
      h("section", { class: "cu-card cu-grow" },
        h("div", { class: "cu-row cu-spread" }, h("h2", {}, report.problems.length
          ? `${many(report.problems.length, "thing")} to look at` : "Nothing wrong was found"),
        h("button", { class: "cu-button", disabled: state.busy, onclick: () => send({ do: "check" }) }, "Check again")),
        h("ul", { class: "cu-problems" }, report.problems.map((/** @type {any} */ item) => h("li", { key: item.code + item.problem },
          icon("alert"), h("div", {}, h("p", {}, h("strong", {}, item.problem)), h("p", { class: "cu-hint" }, item.fix)),
          item.queue && h("button", { class: "cu-button", onclick: () => send({ do: "queue", queue: item.queue }) }, "Look"))))),
      h("section", { class: "cu-card cu-side" }, h("h2", {}, "Classes"),
        h("table", { class: "cu-table" },
          h("thead", {}, h("tr", {}, h("th", {}, "class"), h("th", { class: "cu-right" }, "training"), h("th", { class: "cu-right" }, "validation"))),
          h("tbody", {}, report.classes.map((/** @type {any} */ item) => h("tr", { key: item.label },
            h("td", { class: "cu-name", title: item.label }, badge(state.names, item.label), " ", item.label),
            h("td", { class: "cu-right" }, count(item.train)), h("td", { class: "cu-right" }, count(item.valid)))))),
        h("p", { class: "cu-hint" }, "An image keeps its side of the split for ever; near-duplicates are on the same side."),
        h("div", { class: "cu-row" },
          h("button", { class: "cu-button cu-primary", onclick: () => send({ do: "go", station: "train" }) }, "Go on to Train")))));
}

export default {
  /** @param {{model: any, el: HTMLElement}} context */
  render({ model, el }) {
    return mount(model, el, check);
  },
};
