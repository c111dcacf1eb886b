// @ts-check
// "Find…": words or a picture in, and the images most like it open as a queue.

import { drawn, h } from "./drawing.js";
import { fieldsOf } from "./forms.js";
import { icon, problem } from "./marks.js";
import { dropping, pasting, pictureSource, takerOf } from "./picture_source.js";

/** @import {Context, Send} from "./types" */
/** @import {LikeState} from "./try_states" */
/** @import {Taker} from "./picture_source" */

/** The button that opens it. @param {Send} send */
export function likePicture(send) {
  return h(
    "button",
    {
      class: "cu-button cu-like-picture",
      key: "like a picture",
      title: "By words, or like a picture that is none of the project's",
      onclick: () => send({ do: "like_picture" }),
    },
    "Find…",
  );
}

/** The field for words, and what a search by them takes. @param {LikeState} state @param {Send} send */
function byWords({ words, searching, progress }, send) {
  const waits = searching ? `Looking for “${searching}”… ${progress}` : words?.sentence;
  return h(
    "form",
    {
      class: "cu-like-words",
      key: "words",
      onsubmit: (/** @type {SubmitEvent & {target: HTMLFormElement}} */ e) =>
        send({ do: "words", words: fieldsOf(e).words }),
    },
    h("h3", {}, "In words"),
    h(
      "div",
      { class: "cu-picture-address" },
      h("input", {
        name: "words",
        type: "text",
        required: true,
        maxlength: 200,
        disabled: words?.can === false,
        placeholder: "a drawing of a bear",
        "aria-label": "What to look for, in words",
        autocomplete: "off",
      }),
      h(
        "button",
        { class: "cu-button", type: "submit", disabled: !words?.can || Boolean(searching) },
        "Find",
      ),
    ),
    waits &&
      h(
        "p",
        { class: "cu-hint cu-like-takes", key: "takes", role: searching ? "status" : null },
        waits,
      ),
    words?.can && !searching && h("p", { class: "cu-hint", key: "untried" }, words.untried),
  );
}

/** @param {LikeState} state @param {Send} send @param {Taker} taker */
function box(state, send, taker) {
  const { needs } = state;
  return h(
    "div",
    { class: "cu-like-box", key: "box", ...(needs ? {} : dropping(taker)) },
    h(
      "div",
      { class: "cu-like-head" },
      h("h2", {}, "Find"),
      h(
        "button",
        { class: "cu-quiet", "aria-label": "Close", onclick: () => send({ do: "close" }) },
        icon("cross"),
      ),
    ),
    problem(state.error),
    needs?.title !== "Collect some" && byWords(state, send),
    h("h3", { key: "like" }, "Like a picture"),
    needs
      ? h(
          "div",
          { class: "cu-like-needs", key: "needs" },
          h("p", {}, needs.sentence),
          needs.title &&
            h(
              "button",
              {
                class: "cu-button cu-primary",
                name: "needed",
                onclick: () => send({ do: "needed" }),
              },
              needs.title,
            ),
        )
      : [
          h(
            "p",
            { class: "cu-hint", key: "hint" },
            "Finds the images most like it. The picture is not added to the project.",
          ),
          pictureSource(state, "Find", taker),
        ],
    state.asking &&
      h("p", { class: "cu-hint", key: "asking", role: "status" }, `Looking at ${state.name}…`),
  );
}

export default {
  /** @param {Context<LikeState>} context */
  render({ model, el }) {
    const inner = h("div", {});
    const dialog = h("dialog", { class: "cu-like", "aria-label": "Find" }, inner);
    el.replaceChildren(dialog);
    const taker = takerOf(model);
    const page = drawn(model, inner, (state, send) => box(state, send, taker));
    function changed() {
      const { is_open } = model.get("state");
      if (is_open && !dialog.open) {
        /** @type {NodeListOf<HTMLInputElement>} */
        const fields = inner.querySelectorAll("[type=text]");
        for (const field of fields) field.value = ""; // what was typed was of another time
        dialog.showModal();
      } else if (!is_open && dialog.open) dialog.close();
    }
    // Keys are the gallery's wherever they are nobody else's: here they are the dialog's.
    dialog.addEventListener("keydown", (event) => event.stopPropagation());
    dialog.addEventListener("close", () => {
      if (model.get("state").is_open) model.send({ do: "close" });
    });
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close(); // beside the box
    });
    const deaf = pasting(taker, () => dialog.open && !model.get("state").needs);
    model.on("change:state", changed);
    changed();
    return () => {
      model.off("change:state", changed);
      deaf();
      page.end();
    };
  },
};
