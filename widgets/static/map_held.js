// @ts-check
// What the page holds of the map: its points, where it looks, and what lies over them.

import { FAINT, HIDDEN } from "./map_points.js";
import { apart, indexed, inSight, nearest, onScreen } from "./map_view.js";

/** @import {Held, Spot} from "./map_states" */

const REACH = 12; // pixels from a point that still mean it
const PICTURES = 300; // in sight at most, for points to become pictures
const NEAR = 1.25; // times the whole map's scale, from which on they do
const FEW = 60; // of so few the whole map is pictures

/** Of a map without points. @returns {Held} */
export function nothing() {
  const xy = new Float32Array();
  return {
    xy,
    index: indexed(xy),
    codes: new Uint8Array(),
    bits: new Uint8Array(),
    marks: new Uint8Array(),
    camera: { x: 0, y: 0, scale: 300 },
    whole: 300,
    asFitted: true,
    screen: { width: 0, height: 0 },
    shown: [],
    side: 64,
    line: null,
    closed: true,
    box: null,
    hovered: -1,
    cells: new Map(),
    asked: "",
  };
}

/** Whether a place can be pointed at and selected. @param {Held} m */
export const counting = (m) => (/** @type {number} */ place) =>
  !(m.marks[place] & (HIDDEN | FAINT));

/** Where a point is on the screen. @param {Held} m @param {number} place */
export const spotOf = (m, place) =>
  onScreen(m.camera, m.screen, m.xy[2 * place], m.xy[2 * place + 1]);

/** The place that a spot means, -1 where it means none. @param {Held} m @param {Spot} spot
 * @param {number} [reach] pixels */
export const placeAt = (m, spot, reach = m.shown.length ? m.side / 2 : REACH) =>
  nearest(m.index, m.camera, m.screen, spot, reach, counting(m));

/** Choose which points in sight become pictures, and how large. @param {Held} m */
export function choosePictures(m) {
  const total = m.index.order.length;
  const near = m.camera.scale > m.whole * NEAR || total <= FEW;
  const places = near ? inSight(m.index, m.camera, m.screen, counting(m), PICTURES) : null;
  m.side = places && places.length > 120 ? 56 : places && places.length > 40 ? 72 : 104;
  if (m.screen.width < 600) m.side = Math.min(m.side, 64);
  m.shown = places ? apart(places, m.xy, m.camera, m.screen, m.side) : [];
}
