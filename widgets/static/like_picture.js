// @ts-check
// "Like a picture…": a picture in, and the images most like it open as a queue.

import { drawn, h } from "./drawing.js";
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
      title: "The images most like a picture that is none of the project's",
      onclick: () => send({ do: "like_picture" }),
    },
    "Like a picture…",
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
      h("h2", {}, "Like a picture"),
      h(
        "button",
        { class: "cu-quiet", "aria-label": "Close", onclick: () => send({ do: "close" }) },
        icon("cross"),
      ),
    ),
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
    problem(state.error),
  );
}

export default {
  /** @param {Context<LikeState>} context */
  render({ model, el }) {
    const inner = h("div", {});
    const dialog = h("dialog", { class: "cu-like", "aria-label": "Like a picture" }, inner);
    el.replaceChildren(dialog);
    const taker = takerOf(model);
    const page = drawn(model, inner, (state, send) => box(state, send, taker));
    function changed() {
      const { is_open } = model.get("state");
      if (is_open && !dialog.open) {
        /** @type {HTMLInputElement | null} */
        const address = inner.querySelector("[name=address]");
        if (address) address.value = ""; // what was typed was of another time
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
