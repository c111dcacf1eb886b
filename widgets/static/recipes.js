// @ts-check
// How to train: the recipe, its settings, what it will cost, and the learning-rate finder.

import { h } from "./drawing.js";
import { lineChart } from "./line_chart.js";

/** @import {Child, Properties, Send} from "./types" */
/** @import {TrainState} from "./states" */

/** A rate as people write it. @param {number} rate */
function rateText(rate) {
  return rate >= 0.001
    ? String(Number(rate.toPrecision(2)))
    : rate.toExponential(1).replace(".0", "").replace("+", "");
}

/** @param {TrainState} state @param {Send} send */
export function recipeChoice(state, send) {
  const card = (
    /** @type {string} */ name,
    /** @type {string} */ title,
    /** @type {string} */ text,
  ) =>
    h(
      "label",
      { class: "cu-recipe", "data-chosen": state.form.recipe === name },
      h("input", {
        type: "radio",
        name: "recipe",
        checked: state.form.recipe === name,
        onchange: () => send({ do: "form", values: { recipe: name } }),
      }),
      h("span", {}, h("strong", {}, title), h("span", { class: "cu-hint" }, text)),
    );
  return h(
    "div",
    { class: "cu-recipes", role: "radiogroup", "aria-label": "Recipe" },
    card(
      "instant",
      "Instant",
      "A network that learnt on other pictures describes every image once; a head on top learns your classes in seconds. Every image is judged by a head that did not see it: this is what ranks the images for review.",
    ),
    card(
      "finetune",
      "Fine-tune",
      "The network itself learns from your images, in minutes on a CPU. Worth it when the labels are clean and the instant error is still too high.",
    ),
  );
}

/** A number that the user types. @param {TrainState} state @param {Send} send @param {string} name @param {string} title @param {string} hint @param {Properties} [more] */
function numberField(state, send, name, title, hint, more = {}) {
  return h(
    "label",
    { title: hint },
    title,
    h("input", {
      type: "text",
      inputmode: "decimal",
      name,
      value: state.form[name],
      key: `${name} ${state.form_number}`,
      onchange: (e) => send({ do: "form", values: { [name]: e.target.value } }),
      ...more,
    }),
  );
}

/** A setting that is on or off. @param {TrainState} state @param {Send} send @param {string} name
 * @param {Child} text @param {string | null} [title] */
function toggle(state, send, name, text, title = null) {
  return h(
    "label",
    { class: "cu-toggle", title },
    h("input", {
      type: "checkbox",
      name,
      checked: Boolean(state.form[name]),
      onchange: (e) => send({ do: "form", values: { [name]: e.target.checked } }),
    }),
    text,
  );
}

/** Whether mirrored views are learnt from; by itself it is measured. @param {TrainState} state @param {Send} send */
function mirroredViews(state, send) {
  return h(
    "label",
    { title: "Wrong where left and right matter, as in text" },
    "Mirrored views",
    h(
      "select",
      {
        class: "cu-select",
        name: "flip",
        value: state.form.flip === null ? "" : String(state.form.flip),
        onchange: (e) => {
          const flip = e.target.value === "" ? null : e.target.value === "true";
          send({ do: "form", values: { flip } });
        },
      },
      h("option", { value: "" }, "where they do no harm"),
      h("option", { value: "true" }, "yes"),
      h("option", { value: "false" }, "no"),
    ),
  );
}

/** @param {TrainState} state @param {Send} send */
function backboneField(state, send) {
  return h(
    "label",
    { title: "The pretrained network. What is not on disk is downloaded once." },
    "Network",
    h(
      "select",
      {
        class: "cu-select",
        name: "backbone",
        value: state.form.backbone,
        onchange: (e) => send({ do: "form", values: { backbone: e.target.value } }),
      },
      h("option", { value: "" }, "automatic"),
      state.backbones.map((row) =>
        h("option", { value: row.name }, `${row.name}${row.note ? ` (${row.note})` : ""}`),
      ),
    ),
  );
}

/** @param {TrainState} state @param {Send} send */
export function instantSettings(state, send) {
  return h(
    "details",
    { class: "cu-settings", key: "instant" },
    h("summary", {}, "Settings"),
    h(
      "div",
      { class: "cu-fields" },
      backboneField(state, send),
      numberField(
        state,
        send,
        "folds",
        "Folds",
        "Each image is judged by heads that learnt from the other folds.",
      ),
    ),
    toggle(state, send, "balance", "Rare classes count as much as common ones"),
    toggle(state, send, "mirror", "Average with the mirrored image (computes its features, too)"),
  );
}

/** @param {TrainState} state @param {Send} send */
export function deepSettings(state, send) {
  return h(
    "div",
    { key: "deep" },
    h(
      "div",
      { class: "cu-fields" },
      backboneField(state, send),
      numberField(
        state,
        send,
        "frozen_epochs",
        "Epochs, head alone",
        "Rounds through the images while the network is frozen.",
      ),
      numberField(
        state,
        send,
        "epochs",
        "Epochs, all layers",
        "Rounds through the images while everything learns.",
      ),
      numberField(
        state,
        send,
        "rate",
        "Learning rate",
        "The highest rate of the head; earlier layers learn more slowly.",
      ),
      h(
        "div",
        { class: "cu-finding" },
        h(
          "button",
          {
            class: "cu-button",
            type: "button",
            disabled: state.busy || !state.images,
            onclick: () => send({ do: "find_rate" }),
          },
          "Find a rate",
        ),
      ),
    ),
    rateChart(state, send),
    h(
      "details",
      { class: "cu-settings" },
      h("summary", {}, "More settings"),
      h(
        "div",
        { class: "cu-fields" },
        numberField(
          state,
          send,
          "batch",
          "Images a step",
          "Fewer where memory is short; it is halved by itself when it runs out.",
        ),
        numberField(state, send, "mixup", "Mixup", "Strength of mixing pairs of images; 0 is off."),
        numberField(
          state,
          send,
          "label_smoothing",
          "Label smoothing",
          "0 to below 1: how unsure a label is taken to be.",
        ),
        numberField(state, send, "weight_decay", "Weight decay", "Pulls the weights towards 0."),
        numberField(
          state,
          send,
          "patience",
          "Early stop",
          "Epochs without gain after which it stops; empty: never.",
        ),
        mirroredViews(state, send),
      ),
      toggle(state, send, "mirror", "Average each prediction with that of the mirrored image"),
    ),
    toggle(
      state,
      send,
      "out_of_fold",
      `Judge every image by a model that did not see it: ${state.form.folds} more trainings`,
      "Out-of-fold: without it the fine-tuned model ranks no image for review",
    ),
    state.cost &&
      h(
        "p",
        { class: "cu-hint", "data-part": "cost" },
        state.cost,
        " ",
        h(
          "button",
          {
            class: "cu-link",
            type: "button",
            disabled: state.busy,
            onclick: () => send({ do: "cost" }),
          },
          "Measure",
        ),
      ),
  );
}

/** The loss over learning rates, with both suggestions to take. @param {TrainState} state @param {Send} send */
export function rateChart(state, send) {
  const found = state.rates;
  if (!found) return null;
  /** @type {[number, number][]} */
  const points = found.rates.map((rate, n) => [rate, found.losses[n]]);
  /** @type {{rate: number | null, text: string}[]} */
  const suggested = [
    { rate: found.steep, text: "steepest" },
    { rate: found.minimum, text: "a tenth of the minimum's" },
  ];
  const offers = suggested.flatMap(({ rate, text }) => (rate ? [{ rate, text }] : []));
  const steepest = found.steep ? `: steepest at ${rateText(found.steep)}` : "";
  return h(
    "div",
    { class: "cu-columns cu-rates", "data-part": "rates" },
    lineChart({
      label: `Loss over learning rates${steepest}`,
      unit: "learning rate",
      unitY: "loss",
      logarithmic: true,
      series: [{ name: "loss", look: "cu-train", points }],
      format: (value) => value.toFixed(1),
      formatX: rateText,
      highest: 2 * points[0][1],
      marks: offers.map(({ rate }) => ({ x: rate, text: rateText(rate) })),
    }),
    h(
      "div",
      {},
      h(
        "p",
        { class: "cu-hint" },
        "The loss while the rate rises step by step. Take a rate where it falls, well before it climbs.",
      ),
      offers.map(({ rate, text }) =>
        h(
          "button",
          { class: "cu-button", type: "button", onclick: () => send({ do: "take_rate", rate }) },
          `Take ${rateText(rate)}`,
          h("span", { class: "cu-hint" }, text),
        ),
      ),
    ),
  );
}
