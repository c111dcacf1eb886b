// @ts-check
// The few pictures that a panel holds: they come as buffers, once each, and go when not shown.

/** @import {Context} from "./types" */
/** @import {PicturesMessage} from "./review_states" */

/**
 * Hold what the kernel sends to `model`, and redraw with it. `pictures`: object URLs by image id.
 * @template State
 * @param {Context<State, PicturesMessage>["model"]} model
 * @param {() => void} redraw
 */
export function holding(model, redraw) {
  /** @type {Map<number, string>} */
  const pictures = new Map();
  const received = (
    /** @type {PicturesMessage} */ message,
    /** @type {DataView<ArrayBuffer>[]} */ buffers,
  ) => {
    if (message.type !== "pictures") return;
    const keep = new Set(message.keep);
    for (const [id, url] of pictures)
      if (!keep.has(id)) {
        URL.revokeObjectURL(url);
        pictures.delete(id);
      }
    message.ids.forEach((id, place) => {
      if (!pictures.has(id)) pictures.set(id, URL.createObjectURL(new Blob([buffers[place]])));
    });
    redraw();
  };
  model.on("msg:custom", received);
  return {
    pictures,
    ask: () => model.send({ do: "ready" }),
    end() {
      model.off("msg:custom", received);
      for (const url of pictures.values()) URL.revokeObjectURL(url);
    },
  };
}
