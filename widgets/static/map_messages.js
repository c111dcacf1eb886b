// @ts-check
// What comes from the kernel for the map, put into what the page holds.

import { UNKNOWN } from "./map_colours.js";
import { indexed } from "./map_view.js";

/** @import {Held, MapMessage, MapView} from "./map_states" */

/** @param {DataView<ArrayBuffer>} data */
const bytesOf = ({ buffer, byteOffset, byteLength }) =>
  new Uint8Array(buffer.slice(byteOffset, byteOffset + byteLength));

/** Takes messages; what it gives says what of the page is another by that.
 * @param {Held} m @param {MapView} view */
export function taking(m, view) {
  let colouredBy = "";
  /** @param {MapMessage} message @param {DataView<ArrayBuffer>[]} buffers
   * @param {number} number of the order of points that is shown
   * @param {number} serial of the selection that was asked about last
   * @returns {"points" | "codes" | "card" | "share" | null} */
  return (message, buffers, number, serial) => {
    if (message.type === "points" && message.number === number) {
      m.xy = new Float32Array(bytesOf(buffers[0]).buffer);
      m.index = indexed(m.xy);
      m.codes = new Uint8Array(m.xy.length / 2).fill(UNKNOWN);
      m.bits = new Uint8Array(m.codes.length);
      m.marks = new Uint8Array(m.codes.length);
      m.cells.clear();
      Object.assign(m, { hovered: -1, box: null, asked: "" });
      return "points";
    }
    if (message.type === "codes" && message.number === number) {
      if (message.by !== colouredBy) {
        view.hidden.clear();
        view.from = 0;
      }
      colouredBy = message.by;
      [m.codes, m.bits] = [bytesOf(buffers[0]), bytesOf(buffers[1])];
      m.cells.clear();
      return "codes";
    }
    if (message.type === "about") {
      m.cells.set(message.place, message.cell);
      return "card";
    }
    if (message.type === "share" && message.serial === serial) {
      view.share = message.sentence;
      return "share";
    }
    return null;
  };
}
