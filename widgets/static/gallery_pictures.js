// @ts-check
// The thumbnails of the page and of the next, decoded before they are drawn.

/** @import {GalleryPictures, Pictured} from "./review_states" */

/**
 * Fill `pictures` (to their object URLs). Those of the page that is shown are taken at once, others
 * a few at a time in quiet moments: each costs a millisecond, and a key may come.
 * @param {Map<Pictured, string>} pictures @param {() => Set<Pictured>} shown ids @param {() => void} redraw
 */
export function keeping(pictures, shown, redraw) {
  /** @type {Map<Pictured, HTMLImageElement>} */
  const decoded = new Map();
  /** @type {[Pictured, DataView<ArrayBuffer>][]} */
  let later = [];
  let timer = 0;

  function take(/** @type {Pictured} */ id, /** @type {DataView<ArrayBuffer>} */ data) {
    if (pictures.has(id)) return;
    const image = new Image();
    image.src = URL.createObjectURL(new Blob([data]));
    image.decode().catch(() => {}); // a broken one shows as such where it is drawn
    pictures.set(id, image.src);
    decoded.set(id, image);
  }

  function drop(/** @type {Pictured} */ id) {
    URL.revokeObjectURL(pictures.get(id) ?? "");
    pictures.delete(id);
    decoded.delete(id);
  }

  function takeLater() {
    const some = later.splice(0, 8);
    for (const [id, data] of some) take(id, data);
    const here = shown();
    if (some.some(([id]) => here.has(id))) redraw(); // its page was turned to meanwhile
    if (later.length) timer = window.setTimeout(takeLater, 4);
  }

  return {
    /** Take the pictures of a message, and keep no others than those it names: memory does not grow
     * with the queue. @param {GalleryPictures} message @param {DataView<ArrayBuffer>[]} buffers */
    received(message, buffers) {
      const keep = new Set([...message.keep]);
      for (const id of [...pictures.keys()]) if (!keep.has(id)) drop(id);
      const here = shown();
      /** @type {[Pictured, DataView<ArrayBuffer>][]} */
      const fresh = message.ids.map((id, place) => [id, buffers[place]]);
      for (const [id, data] of fresh) if (here.has(id)) take(id, data);
      later = [...later.filter(([id]) => keep.has(id)), ...fresh.filter(([id]) => !here.has(id))];
      window.clearTimeout(timer);
      timer = window.setTimeout(takeLater, 40); // the page that was just turned is drawn first
    },
    end() {
      window.clearTimeout(timer);
      for (const id of [...pictures.keys()]) drop(id);
    },
  };
}
