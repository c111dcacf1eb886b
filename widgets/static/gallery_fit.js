// @ts-check
// How many tiles fill the window, so that a page needs no scrolling.

const GAP = 2; // pixels between tiles, as in the stylesheet
const MOST = 480; // tiles on a page, as in widgets/queue_position.py
const PHONE = 500; // pixels: narrower than this the page is scrolled

/** Tiles in a row, as laid out now. @param {HTMLElement} el */
export function columnsOf(el) {
  const all = /** @type {HTMLElement[]} */ ([...el.querySelectorAll(".cu-tile")]);
  return Math.max(1, all.filter((tile) => tile.offsetTop === all[0].offsetTop).length);
}

/**
 * Columns, and tiles on a page, that fill the window; null while nothing is laid out. Of the numbers
 * of columns that give tiles of about the width, the one that wastes the least height.
 * @param {HTMLElement} el @param {number} about pixels
 * @returns {{columns: number, page: number} | null}
 */
export function fitting(el, about) {
  const list = /** @type {HTMLElement | null} */ (el.querySelector(".cu-tiles"));
  const foot = /** @type {HTMLElement | null} */ (el.querySelector(".cu-foot"));
  const one = /** @type {HTMLElement | null} */ (el.querySelector(".cu-tile"));
  if (!list?.clientWidth || !foot || !one) return null;
  const words = one.offsetHeight - one.offsetWidth; // what a tile is taller than wide
  const scrolled = /** @type {HTMLElement | null} */ (el.closest(".cu-main"))?.scrollTop ?? 0;
  const height =
    window.innerHeight - list.getBoundingClientRect().top - scrolled - foot.offsetHeight + GAP;
  const wanted = Math.max(
    Math.min(about, (list.clientWidth - GAP) / 2), // two abreast on a phone
    Math.sqrt((list.clientWidth * Math.max(height, 0)) / MOST), // larger where too many would fit
  );
  const free = Math.max(height, wanted + words + GAP); // a low window is scrolled
  let best = { columns: 1, page: 2, used: 0 };
  for (let columns = 1; columns <= 60; columns += 1) {
    const width = (list.clientWidth + GAP) / columns - GAP;
    if (width < 0.78 * wanted || width > 1.25 * wanted) continue;
    const rows = Math.max(
      list.clientWidth < PHONE ? 3 : 1,
      Math.floor(free / (width + words + GAP)),
    );
    if (columns * rows > MOST) continue;
    const used =
      Math.min(1, (rows * (width + words + GAP)) / free) - Math.abs(width - wanted) / wanted / 4;
    if (used > best.used) best = { columns, page: columns * rows, used };
  }
  return best;
}
