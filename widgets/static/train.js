// @ts-check
// Baselines, the instant head, and whether the last round of cleaning helped.

/** Loss curves as one small chart. @param {any[]} history */
function lossPlot(history) {
  const rows = history.filter((row) => row.train_loss !== null);
  if (rows.length < 2) return null;
  const width = 360, height = 180, left = 40, bottom = 26, top = 10, right = 96;
  const losses = rows.flatMap((row) => [row.train_loss, row.valid_loss]).filter((v) => v !== null);
  const high = Math.max(...losses), low = Math.min(0, ...losses);
  const last = rows[rows.length - 1].step || 1;
  const x = (/** @type {number} */ step) => left + (step / last) * (width - left - right);
  const y = (/** @type {number} */ loss) => top + ((high - loss) / (high - low || 1)) * (height - top - bottom);
  const line = (/** @type {string} */ name) => rows.filter((row) => row[name] !== null)
    .map((row) => `${x(row.step).toFixed(1)},${y(row[name]).toFixed(1)}`).join(" ");
  const end = rows[rows.length - 1];
  // Two labels at one height would cover each other.
  let trainY = y(end.train_loss), validY = end.valid_loss === null ? null : y(end.valid_loss);
  if (validY !== null && Math.abs(trainY - validY) < 14) {
    const middle = (trainY + validY) / 2;
    [trainY, validY] = trainY > validY ? [middle + 7, middle - 7] : [middle - 7, middle + 7];
  }
  return h("svg", { viewBox: `0 0 ${width} ${height}`, class: "cu-plot", role: "img",
    "aria-label": `Losses over ${last} steps: training ${end.train_loss}, validation ${end.valid_loss}` },
  [0, 0.5, 1].map((part) => h("g", {},
    h("line", { x1: left, x2: width - right, y1: y(low + part * (high - low)), y2: y(low + part * (high - low)), class: "cu-grid" }),
    h("text", { x: left - 6, y: y(low + part * (high - low)) + 4, "text-anchor": "end" }, (low + part * (high - low)).toFixed(2)))),
  h("polyline", { points: line("train_loss"), class: "cu-line cu-train" }),
  h("polyline", { points: line("valid_loss"), class: "cu-line cu-valid" }),
  h("text", { x: x(last) + 8, y: trainY + 4, class: "cu-train" }, "training"),
  validY !== null && h("text", { x: x(last) + 8, y: validY + 4, class: "cu-valid" }, "validation"),
  h("text", { x: left, y: height - 6 }, "step 0"), h("text", { x: x(last), y: height - 6, "text-anchor": "end" }, String(last)));
}

/** The training table, thinned to about ten rows. @param {any[]} history */
function historyTable(history) {
  const every = Math.max(1, Math.ceil(history.length / 9));
  const shown = history.filter((_, place) => place % every === 0 || place === history.length - 1);
  return h("table", { class: "cu-table cu-history" },
    h("thead", {}, h("tr", {}, ["step", "train loss", "valid loss", "error rate", "time"].map((name) => h("th", { class: "cu-right" }, name)))),
    h("tbody", {}, shown.map((row) => h("tr", {},
      h("td", { class: "cu-right" }, row.step),
      h("td", { class: "cu-right" }, row.train_loss?.toFixed(4) ?? "–"),
      h("td", { class: "cu-right" }, row.valid_loss?.toFixed(4) ?? "–"),
      h("td", { class: "cu-right" }, percent(row.error_rate)),
      h("td", { class: "cu-right" }, `${row.seconds.toFixed(2)} s`)))));
}

/** One bar with its interval. @param {string} name @param {any} side @param {number} scale */
function errorBar(name, side, scale) {
  return h("div", { class: "cu-error-row" },
    h("span", { class: "cu-error-name" }, name, h("small", {}, `run ${side.run}`)),
    h("div", { class: "cu-error-track", title: "Bar: error; line: 95 % interval" },
      h("span", { class: "cu-error-bar", style: `width:${(side.error / scale) * 100}%` }),
      h("span", { class: "cu-error-range", style: `left:${(side.low / scale) * 100}%;width:${((side.high - side.low) / scale) * 100}%` })),
    h("span", { class: "cu-error-value" }, interval(side)));
}

/** @param {any} compared */
function comparison(compared) {
  if (!compared || compared.before.error === null) return null;
  const scale = Math.max(0.02, compared.before.high, compared.after.high);
  return h("section", { class: "cu-card", "data-part": "comparison" },
    h("h2", {}, "Before and after"),
    h("p", { class: "cu-hint" }, `Error on the same ${many(compared.images, "validation image")}, with the labels as they are now.`),
    errorBar("before", compared.before, scale), errorBar("after", compared.after, scale),
    h("p", {}, `${many(compared.decisions, "decision")} in between`,
      compared.corrected > 0 && `, ${many(compared.corrected, "validation label")} corrected`, `. ${compared.sentence}`));
}

/** @param {any} state @param {(m: any) => void} send */
function train(state, send) {
  const metrics = state.metrics;
  const history = state.live.length ? state.live : state.history;
  return h("div", { class: "cu-panel" },
    h("div", { class: "cu-title" }, h("h1", {}, "Train"),
      h("p", { class: "cu-hint" }, "A frozen network describes every image once; a head on top learns your classes in seconds.")),
    problem(state.error),
    h("div", { class: "cu-row" },
      h("button", { class: "cu-button cu-primary", disabled: state.busy || !state.images, onclick: () => send({ do: "train" }) },
        metrics ? "Retrain" : "Train"),
      state.stale > 0 && metrics && h("span", { class: "cu-hint" }, `${many(state.stale, "change")} since the last run`),
      !state.images && h("button", { class: "cu-link", onclick: () => send({ do: "go", station: "collect" }) }, "Collect images first"),
      state.choice && h("span", { class: "cu-hint" }, state.choice)),
    history.length > 1 && h("div", { class: "cu-columns" },
      metrics && h("section", { class: "cu-card" },
        h("h2", {}, `Run ${state.run}`),
        h("dl", { class: "cu-figures" },
          h("div", {}, h("dt", {}, "Error, out-of-fold"), h("dd", { "data-figure": "out-of-fold" }, interval(metrics.out_of_fold)),
            h("p", { class: "cu-hint" }, `Each of ${many(metrics.out_of_fold.images, "image")} judged by a head that did not see it; 95 % interval in brackets.`)),
          h("div", {}, h("dt", {}, "Error, validation images"), h("dd", {}, interval(metrics.valid)),
            h("p", { class: "cu-hint" }, `${many(metrics.valid.images, "image")} that stay the same from run to run.`)),
          h("div", {}, h("dt", {}, "Baselines on the validation images"),
            h("dd", {}, percent(metrics.baselines.majority), " · ", percent(metrics.baselines.nearest_mean_image)),
            h("p", { class: "cu-hint" }, "Always the commonest class; nearest mean image.")))),
      h("section", { class: "cu-card cu-grow" },
        h("h2", {}, "Training"),
        h("div", { class: "cu-columns" }, lossPlot(history), historyTable(history)))),
    h("div", { class: "cu-columns" },
      comparison(state.comparison),
      metrics && h("section", { class: "cu-card cu-grow" }, h("h2", {}, "By class, out-of-fold"),
        h("table", { class: "cu-table" },
          h("thead", {}, h("tr", {}, h("th", {}, "class"), ["images", "precision", "recall", "F1"].map((n) => h("th", { class: "cu-right" }, n)))),
          h("tbody", {}, metrics.per_class.map((/** @type {any} */ row) => h("tr", { key: row.label },
            h("td", { class: "cu-name", title: row.label }, badge(state.names, row.label), " ", row.label),
            h("td", { class: "cu-right" }, row.support),
            [row.precision, row.recall, row.f1].map((value) => h("td", { class: "cu-right" }, percent(value))))))))),
    metrics && h("div", { class: "cu-row" },
      h("button", { class: "cu-button cu-primary", onclick: () => send({ do: "go", station: "review" }) }, "Review the most suspicious images")));
}

export default {
  /** @param {{model: any, el: HTMLElement}} context */
  render({ model, el }) {
    return mount(model, el, train);
  },
};
