// @ts-check
// The map's panel: what draws it is loaded when its tab is first in sight.

/** @import {Context} from "./types" */
/** @import {MapMessage, MapState} from "./map_states" */

export default {
  /** @param {Context<MapState, MapMessage>} context */
  render(context) {
    let ended = false;
    /** @type {(() => void) | null} */
    let end = null;
    const sight = new IntersectionObserver(async () => {
      if (!context.el.offsetParent || ended) return;
      sight.disconnect();
      const { render } = await import("./map_page.js");
      if (!ended) end = render(context);
    });
    context.el.style.minHeight = "1px"; // so that it can be in sight
    sight.observe(context.el);
    return () => {
      ended = true;
      sight.disconnect();
      end?.();
    };
  },
};
