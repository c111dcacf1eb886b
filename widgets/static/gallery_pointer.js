// @ts-check
// Selecting with the mouse (a box drawn over the tiles) and by touch (hold a tile).

const FAR = 6; // pixels: less is a click
const HOLD = 450; // milliseconds: less is a tap

/**
 * Watch `el`; `select(ids, add)` is told what a box covers, `hold(id)` which tile is held. Returns
 * `dragged`, whether the click that follows belongs to a box or a hold, and `end`.
 * @param {HTMLElement} el @param {(ids: number[], add: boolean) => void} select @param {(id: number) => void} hold
 */
export function pointing(el, select, hold) {
  /** @type {{x: number, y: number, add: boolean} | null} */
  let start = null;
  /** @type {HTMLElement | null} */
  let box = null;
  let timer = 0;
  let swallowed = false;

  const idAt = (/** @type {Event} */ e) =>
    Number(
      /** @type {HTMLElement} */ (/** @type {HTMLElement} */ (e.target).closest(".cu-tile"))
        ?.dataset.id ?? NaN,
    );

  function down(/** @type {PointerEvent} */ e) {
    swallowed = false;
    const inside = /** @type {HTMLElement} */ (e.target).closest(".cu-tiles");
    if (!inside || e.button !== 0) return;
    if (e.pointerType === "mouse")
      start = { x: e.clientX, y: e.clientY, add: e.shiftKey || e.ctrlKey || e.metaKey };
    else {
      const id = idAt(e);
      if (!Number.isNaN(id))
        timer = window.setTimeout(() => {
          swallowed = true;
          hold(id);
        }, HOLD);
    }
  }

  function moved(/** @type {PointerEvent} */ e) {
    if (
      timer &&
      e.pointerType !== "mouse" &&
      (Math.abs(e.movementX) > 2 || Math.abs(e.movementY) > 2)
    )
      stopHold();
    if (!start) return;
    const [left, right] = [Math.min(start.x, e.clientX), Math.max(start.x, e.clientX)];
    const [top, bottom] = [Math.min(start.y, e.clientY), Math.max(start.y, e.clientY)];
    if (!box) {
      if (right - left < FAR && bottom - top < FAR) return;
      box = document.createElement("div");
      box.className = "cu-box";
      el.append(box);
    }
    Object.assign(box.style, {
      left: `${left}px`,
      top: `${top}px`,
      width: `${right - left}px`,
      height: `${bottom - top}px`,
    });
    const covered = [...el.querySelectorAll(".cu-tile")].filter((tile) => {
      const r = tile.getBoundingClientRect();
      return r.left < right && r.right > left && r.top < bottom && r.bottom > top;
    });
    select(
      covered.map((tile) => Number(/** @type {HTMLElement} */ (tile).dataset.id)),
      start.add,
    );
  }

  function up() {
    stopHold();
    if (box) {
      box.remove();
      box = null;
      swallowed = true;
    }
    start = null;
  }

  function stopHold() {
    window.clearTimeout(timer);
    timer = 0;
  }

  const menu = (/** @type {Event} */ e) => {
    if (swallowed) e.preventDefault();
  }; // a hold is no right click
  el.addEventListener("pointerdown", down);
  el.addEventListener("contextmenu", menu);
  window.addEventListener("pointermove", moved);
  window.addEventListener("pointerup", up);
  window.addEventListener("pointercancel", up);
  return {
    dragged() {
      const was = swallowed;
      swallowed = false;
      return was;
    },
    end() {
      el.removeEventListener("pointerdown", down);
      el.removeEventListener("contextmenu", menu);
      window.removeEventListener("pointermove", moved);
      window.removeEventListener("pointerup", up);
      window.removeEventListener("pointercancel", up);
    },
  };
}
