// @ts-check
// Try it: a picture in, the answer as bars with the nearest training images, and the picture into
// the project with its right class.

import { camera } from "./camera.js";
import { drawn, h } from "./drawing.js";
import { percent } from "./figures.js";
import { fieldsOf } from "./forms.js";
import { holding } from "./held_pictures.js";
import { watching } from "./lost_server.js";
import { badge, problem } from "./marks.js";
import { dropping, pasting, pictureSource, takerOf } from "./picture_source.js";

/** @import {Context, Send} from "./types" */
/** @import {Taker} from "./picture_source" */
/** @import {Tried, TryMessage, TryState} from "./try_states" */

const BARS = 5;
const BUTTONS = 8; // classes with a button each; more are a list

/** What the page alone holds.
 * @typedef {{picture: string, pictures: Map<number, string>,
 *   taker: Taker, camera: ReturnType<typeof camera>, redraw: () => void}} Shown */

/** The answer in words: what it is, how sure, or that it is none of them. @param {Tried} answer */
export function answered(answer) {
  const [label, share] = answer.predictions[0];
  return answer.none_of_these
    ? `None of these; nearest: ${label} ${percent(share, 0)}`
    : `${label} ${percent(share, share < 0.995 ? 0 : 1)}`;
}

/** @param {TryState} state @param {Tried} answer */
function bars(state, answer) {
  return h(
    "ol",
    { class: `cu-bars${answer.none_of_these ? " cu-none" : ""}`, "aria-label": "Probabilities" },
    answer.predictions
      .slice(0, BARS)
      .map(([label, share]) =>
        h(
          "li",
          { key: label },
          h("span", { class: "cu-bar-name" }, badge(state.names, label), " ", label),
          h("span", { class: "cu-bar" }, h("span", { style: `width:${share * 100}%` })),
          h("span", { class: "cu-figure" }, percent(share)),
        ),
      ),
  );
}

/** @param {TryState} state @param {Tried} answer @param {Shown} shown */
function evidence(state, answer, shown) {
  return (
    answer.nearest.length > 0 &&
    h(
      "div",
      { class: "cu-evidence", key: "evidence" },
      h("h3", {}, "Most like these training images"),
      h(
        "div",
        { class: "cu-evidence-strip" },
        answer.nearest.map((row) =>
          h(
            "figure",
            { key: row.image_id },
            shown.pictures.has(row.image_id)
              ? h("img", { src: shown.pictures.get(row.image_id), alt: row.label })
              : h("span", { class: "cu-skeleton" }),
            h(
              "figcaption",
              { title: `Cosine of the features: ${row.similarity.toFixed(3)}` },
              badge(state.names, row.label),
              " ",
              row.label,
              h("span", { class: "cu-hint" }, ` ${Math.round(100 * row.similarity)} %`),
            ),
          ),
        ),
      ),
    )
  );
}

/** Into the project, with its right class. @param {TryState} state @param {Tried} answer
 * @param {Send} send */
function putting(state, answer, send) {
  const put = state.put;
  if (put && put.state !== "failed")
    return h(
      "p",
      { class: "cu-put", role: "status", key: "put", "data-put": put.state },
      put.state === "on its way" ? `Putting it into the project as ${put.label}…` : put.sentence,
      put.state === "done" && [
        " ",
        h("button", { class: "cu-button", onclick: () => send({ do: "undo_put" }) }, "Undo"),
        h(
          "button",
          { class: "cu-button", onclick: () => send({ do: "go", station: "train" }) },
          "Retrain with it",
        ),
      ],
    );
  const asks =
    answer.label === null
      ? "Wrong? Put it into the project as"
      : `It is in the project, as ${answer.label}. Wrong? Make it`;
  const many = state.names.length > BUTTONS;
  return h(
    "div",
    { class: "cu-put", key: "putting" },
    h("p", {}, asks),
    !many &&
      h(
        "div",
        { class: "cu-row" },
        state.names.map((name) =>
          h(
            "button",
            {
              class: "cu-button",
              key: name,
              "data-put-as": name,
              onclick: () => send({ do: "put", label: name }),
            },
            badge(state.names, name),
            name,
          ),
        ),
      ),
    many &&
      h(
        "form",
        { class: "cu-row", onsubmit: (e) => send({ do: "put", ...fieldsOf(e) }) },
        h(
          "select",
          { class: "cu-select", name: "label", "aria-label": "Class" },
          state.names.map((name) => h("option", { key: name, value: name }, name)),
        ),
        h("button", { class: "cu-button", type: "submit" }, "Put it in"),
      ),
    put?.state === "failed" && problem(put.sentence),
  );
}

/** @param {TryState} state @param {Send} send @param {Shown} shown */
function panel(state, send, shown) {
  const { answer, missing } = state;
  if (missing)
    return h(
      "section",
      { class: "cu-panel cu-try", key: "missing" },
      h("div", { class: "cu-use-head" }, h("h2", {}, "Try it"), h("p", {}, missing.sentence)),
      h(
        "button",
        {
          class: "cu-button cu-primary",
          onclick: () => send({ do: "go", station: missing.station }),
        },
        missing.title,
      ),
    );
  return h(
    "section",
    { class: "cu-panel cu-try", key: "try", ...dropping(shown.taker) },
    h(
      "div",
      { class: "cu-use-head" },
      h(state.alone ? "h1" : "h2", {}, state.alone ? state.title : "Try it"),
      h("p", {}, "Give the model a picture that it has never seen."),
    ),
    h(
      "div",
      { class: "cu-try-columns" },
      pictureSource({ ...state, picture: shown.picture }, "Ask", shown.taker, shown.camera.view()),
      h(
        "div",
        { class: "cu-try-answer", "aria-live": "polite" },
        state.asking && h("p", { key: "asking", role: "status" }, `Looking at ${state.name}…`),
        problem(state.error),
        answer &&
          h("p", { class: "cu-verdict", key: "verdict", "data-answer": "" }, answered(answer)),
        answer && bars(state, answer),
        answer && evidence(state, answer, shown),
        answer && state.can_put && putting(state, answer, send),
        !answer &&
          !state.asking &&
          !state.error &&
          h(
            "p",
            { class: "cu-hint", key: "hint" },
            "The answer comes with bars",
            state.names.length > 0 && " and the training images that look most like it",
            ".",
          ),
      ),
    ),
  );
}

export default {
  /** @param {Context<TryState, TryMessage>} context */
  render({ model, el }) {
    const taker = takerOf(model);
    const redraw = () => page.redraw();
    const held = holding(/** @type {any} */ (model), redraw);
    /** @type {Shown} */
    const shown = {
      picture: "",
      pictures: held.pictures,
      taker,
      camera: camera(taker.file, redraw),
      redraw,
    };
    const page = drawn(model, el, (state, send) => panel(state, send, shown));
    const forget = () => {
      if (shown.picture) URL.revokeObjectURL(shown.picture);
      shown.picture = "";
    };
    model.on("msg:custom", (message, buffers) => {
      if (message.type !== "tried") return;
      forget();
      shown.picture = URL.createObjectURL(new Blob([buffers[0]]));
      redraw();
    });
    const deaf = pasting(taker, () => el.offsetParent !== null); // another station may be shown
    const sleep = model.get("state").alone ? watching(el) : () => {};
    held.ask();
    return () => {
      deaf();
      shown.camera.stop();
      forget();
      sleep();
      held.end();
      page.end();
    };
  },
};
