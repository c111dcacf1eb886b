// @ts-check
// The station Use: the data set in the forms of the field, its versions, and the model.

import { drawn, h } from "./drawing.js";
import { holding } from "./held_pictures.js";
import { dataSet } from "./use_data.js";
import { model as modelSection } from "./use_model.js";
import { versions } from "./use_versions.js";

/** @import {Context} from "./types" */
/** @import {UseState} from "./use_states" */
/** @import {PicturesMessage} from "./review_states" */

export default {
  /** @param {Context<UseState, PicturesMessage>} context */
  render({ model, el }) {
    /** What the page alone holds: the two versions that are compared. @type {{before: string, after: string}} */
    const chosen = { before: "", after: "now" };
    const held = holding(model, () => page.redraw());
    const page = drawn(model, el, (state, send) =>
      h(
        "div",
        { class: "cu-panel cu-use" },
        !state.total &&
          h(
            "section",
            { class: "cu-blank", key: "blank" },
            h("p", {}, "There is no image yet."),
            h(
              "button",
              {
                class: "cu-button cu-primary",
                onclick: () => send({ do: "go", station: "collect" }),
              },
              "Collect images",
            ),
          ),
        state.total > 0 && dataSet(state, send),
        state.total > 0 && modelSection(state, send),
        state.total > 0 && versions(state, send, held.pictures, chosen, () => page.redraw()),
      ),
    );
    held.ask();
    return () => {
      held.end();
      page.end();
    };
  },
};
