// @ts-check
// The arithmetic of the map: what is in sight, which points lie where, what is drawn around.

/** @import {Box, Camera, Index, Shown, Size, Spot} from "./map_states" */

const MARGIN = 0.92; // of the screen that the whole map fills
const CLOSEST = 60_000; // pixels that 1 is
const PER_CELL = 4; // points of an index's cell, about

/** The camera that shows all points. @param {Float32Array} xy @param {Size} screen @returns {Camera} */
export function fitted(xy, screen) {
  let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let at = 0; at < xy.length; at += 2) {
    left = Math.min(left, xy[at]);
    right = Math.max(right, xy[at]);
    low = Math.min(low, xy[at + 1]);
    high = Math.max(high, xy[at + 1]);
  }
  if (!(left <= right)) [left, right, low, high] = [-1, 1, -1, 1];
  const wide = Math.max(right - left, 0.05);
  const tall = Math.max(high - low, 0.05);
  const scale = MARGIN * Math.min(screen.width / wide, screen.height / tall);
  return { x: (left + right) / 2, y: (low + high) / 2, scale: Math.max(1, scale) };
}

/** @param {Camera} camera @param {Size} screen @param {number} x @param {number} y @returns {Spot} */
export function onScreen(camera, screen, x, y) {
  return {
    x: screen.width / 2 + (x - camera.x) * camera.scale,
    y: screen.height / 2 - (y - camera.y) * camera.scale,
  };
}

/** @param {Camera} camera @param {Size} screen @param {Spot} spot @returns {Spot} */
export function onMap(camera, screen, spot) {
  return {
    x: camera.x + (spot.x - screen.width / 2) / camera.scale,
    y: camera.y - (spot.y - screen.height / 2) / camera.scale,
  };
}

/** Nearer or farther, with what is at `spot` staying there. `least`: the scale of all points.
 * @param {Camera} camera @param {Size} screen @param {number} factor @param {Spot} spot
 * @param {number} least @returns {Camera} */
export function zoomed(camera, screen, factor, spot, least) {
  const scale = Math.max(least / 2, Math.min(CLOSEST, camera.scale * factor));
  const fixed = onMap(camera, screen, spot);
  return {
    x: fixed.x - (spot.x - screen.width / 2) / scale,
    y: fixed.y + (spot.y - screen.height / 2) / scale,
    scale,
  };
}

/** @param {Camera} camera @param {number} dx @param {number} dy pixels that the map goes with
 * @returns {Camera} */
export function panned(camera, dx, dy) {
  const keep = (/** @type {number} */ value) => Math.max(-1.5, Math.min(1.5, value));
  return {
    ...camera,
    x: keep(camera.x - dx / camera.scale),
    y: keep(camera.y + dy / camera.scale),
  };
}

/** Sort points into cells, once. @param {Float32Array} xy within -1..1 @returns {Index} */
export function indexed(xy) {
  const total = xy.length / 2;
  const cells = Math.max(1, Math.min(1024, Math.round(Math.sqrt(total / PER_CELL))));
  const starts = new Uint32Array(cells * cells + 1);
  const order = new Uint32Array(total);
  const index = { cells, starts, order, xy };
  for (let place = 0; place < total; place += 1)
    starts[1 + cellOf(index, xy[2 * place], xy[2 * place + 1])] += 1;
  for (let cell = 0; cell < cells * cells; cell += 1) starts[cell + 1] += starts[cell];
  const next = starts.slice();
  for (let place = 0; place < total; place += 1) {
    const cell = cellOf(index, xy[2 * place], xy[2 * place + 1]);
    order[next[cell]] = place;
    next[cell] += 1;
  }
  return index;
}

/** @param {number} value @param {number} cells */
const line = (value, cells) =>
  Math.max(0, Math.min(cells - 1, Math.floor(((value + 1) / 2) * cells)));

/** @param {Index} index @param {number} x @param {number} y */
const cellOf = ({ cells }, x, y) => line(y, cells) * cells + line(x, cells);

/** Places in a rectangle of the map, in order; at most `most`, none where there are more.
 * @param {Index} index @param {Spot} low @param {Spot} high
 * @param {(place: number) => boolean} counts @param {number} [most] @returns {number[] | null} */
export function within(index, low, high, counts, most = Infinity) {
  const { cells, starts, order, xy } = index;
  const found = [];
  for (let row = line(low.y, cells); row <= line(high.y, cells); row += 1) {
    const first = starts[row * cells + line(low.x, cells)];
    const end = starts[row * cells + line(high.x, cells) + 1];
    for (let at = first; at < end; at += 1) {
      const place = order[at];
      const [x, y] = [xy[2 * place], xy[2 * place + 1]];
      if (x < low.x || x > high.x || y < low.y || y > high.y || !counts(place)) continue;
      if (found.length >= most) return null;
      found.push(place);
    }
  }
  return found.sort((a, b) => a - b);
}

/** Places in sight. @param {Index} index @param {Camera} camera @param {Size} screen
 * @param {(place: number) => boolean} counts @param {number} most */
export function inSight(index, camera, screen, counts, most) {
  const low = onMap(camera, screen, { x: 0, y: screen.height });
  const high = onMap(camera, screen, { x: screen.width, y: 0 });
  return within(index, low, high, counts, most);
}

/** The nearest point, -1 where none is within `reach` pixels. @param {Index} index
 * @param {Camera} camera @param {Size} screen @param {Spot} spot @param {number} reach
 * @param {(place: number) => boolean} counts */
export function nearest(index, camera, screen, spot, reach, counts) {
  const middle = onMap(camera, screen, spot);
  const far = reach / camera.scale;
  const low = { x: middle.x - far, y: middle.y - far };
  const high = { x: middle.x + far, y: middle.y + far };
  let [best, least] = [-1, far * far];
  for (const place of within(index, low, high, counts) ?? []) {
    const dx = index.xy[2 * place] - middle.x;
    const dy = index.xy[2 * place + 1] - middle.y;
    if (dx * dx + dy * dy <= least) [best, least] = [place, dx * dx + dy * dy];
  }
  return best;
}

/** Places inside a line that is drawn around them, by the parity of crossed edges.
 * @param {Index} index @param {Spot[]} corners on the map @param {(place: number) => boolean} counts */
export function inside(index, corners, counts) {
  if (corners.length < 3) return [];
  const xs = corners.map(({ x }) => x);
  const ys = corners.map(({ y }) => y);
  const low = { x: Math.min(...xs), y: Math.min(...ys) };
  const high = { x: Math.max(...xs), y: Math.max(...ys) };
  const { xy } = index;
  return (within(index, low, high, counts) ?? []).filter((place) => {
    const [x, y] = [xy[2 * place], xy[2 * place + 1]];
    let odd = false;
    for (let at = 0, before = xs.length - 1; at < xs.length; before = at, at += 1)
      if (
        ys[at] > y !== ys[before] > y &&
        x < ((xs[before] - xs[at]) * (y - ys[at])) / (ys[before] - ys[at]) + xs[at]
      )
        odd = !odd;
    return odd;
  });
}

/** Places inside a box of the screen. @param {Index} index @param {Camera} camera
 * @param {Size} screen @param {Box} box @param {(place: number) => boolean} counts */
export function inBox(index, camera, screen, box, counts) {
  const low = onMap(camera, screen, { x: box.x, y: box.y + box.height });
  const high = onMap(camera, screen, { x: box.x + box.width, y: box.y });
  return within(index, low, high, counts) ?? [];
}

/** Which of some places become pictures: those that do not cover one before them.
 * @param {number[]} places @param {Float32Array} xy @param {Camera} camera @param {Size} screen
 * @param {number} side pixels @returns {Shown[]} */
export function apart(places, xy, camera, screen, side) {
  /** @type {Map<string, Shown>} */
  const taken = new Map();
  const found = [];
  for (const place of places) {
    const spot = onScreen(camera, screen, xy[2 * place], xy[2 * place + 1]);
    // By cells fixed to the map, so that pictures do not flicker when it moves.
    const [column, row] = [Math.floor(spot.x / side), Math.floor(spot.y / side)];
    let free = true;
    for (let dx = -1; dx <= 1 && free; dx += 1)
      for (let dy = -1; dy <= 1 && free; dy += 1) {
        const other = taken.get(`${column + dx} ${row + dy}`);
        free = !other || Math.max(Math.abs(other.x - spot.x), Math.abs(other.y - spot.y)) >= side;
      }
    if (!free) continue;
    const shown = { place, ...spot };
    taken.set(`${column} ${row}`, shown);
    found.push(shown);
  }
  return found;
}

/** The radius of points, in pixels: smaller where they are many, larger as one comes near.
 * @param {number} total @param {number} nearer the scale, over that of the whole map */
export function dotSize(total, nearer) {
  const many = Math.max(2.5, Math.min(9, 170 / Math.sqrt(Math.max(1, total)) + 2));
  return Math.min(14, many * Math.max(1, nearer) ** 0.35);
}

/** A bit a point, as base64. @param {Uint8Array} marks @param {number} bit */
export function packed(marks, bit) {
  const bytes = new Uint8Array(Math.ceil(marks.length / 8));
  for (let place = 0; place < marks.length; place += 1)
    if (marks[place] & bit) bytes[place >> 3] |= 1 << (place & 7);
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}
