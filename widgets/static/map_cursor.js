// @ts-check
// The box by which keys choose a part of the map.

/** @import {Box, Size, Spot} from "./map_states" */

const LEAST = 24; // pixels of a side

/** Where keys act: the middle of the box, or of the screen without one. @param {Box | null} box
 * @param {Size} screen @returns {Spot} */
export function middleOf(box, screen) {
  const { x, y, width, height } = box ?? { x: 0, y: 0, ...screen };
  return { x: x + width / 2, y: y + height / 2 };
}

/** The box after an arrow, made in the middle by the first one; `beyond`: by how many pixels it
 * would have left the screen, where the map moves in its place. @param {Box | null} box
 * @param {Size} screen @param {number} dx -1, 0 or 1 @param {number} dy likewise
 * @param {boolean} grow whether its size changes, about its middle
 * @returns {{box: Box, beyond: Spot}} */
export function boxMoved(box, screen, dx, dy, grow) {
  const about = Math.min(screen.width, screen.height) / 4;
  const at = middleOf(box, screen);
  let [width, height] = [box?.width ?? about, box?.height ?? about];
  if (box && grow) {
    width = between(LEAST, screen.width, width + (dx * about) / 3);
    height = between(LEAST, screen.height, height + (dy * about) / 3);
  } else if (box) {
    at.x += (dx * width) / 2;
    at.y += (dy * height) / 2;
  }
  const wanted = { x: at.x - width / 2, y: at.y - height / 2 };
  const x = between(0, screen.width - width, wanted.x);
  const y = between(0, screen.height - height, wanted.y);
  return { box: { x, y, width, height }, beyond: { x: x - wanted.x, y: y - wanted.y } };
}

/** @param {number} least @param {number} most @param {number} value */
function between(least, most, value) {
  return Math.max(least, Math.min(most, value));
}
