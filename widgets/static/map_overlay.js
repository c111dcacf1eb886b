// @ts-check
// What lies over the points: pictures in place of them, what is drawn around, the box of the keys.

import { SELECTED } from "./map_points.js";

/** @import {Box, Shown, Size, Spot} from "./map_states" */

/** @typedef {{shown: Shown[], side: number, line: Spot[] | null, closed: boolean, box: Box | null,
 * hover: Spot | null, marks: Uint8Array, colourOf: (place: number) => string,
 * pictureOf: (place: number) => HTMLImageElement | undefined, accent: string, ground: string}} Over */

/** @param {CanvasRenderingContext2D} on @param {Size} screen @param {number} ratio @param {Over} over */
export function drawOver(on, screen, ratio, over) {
  on.setTransform(ratio, 0, 0, ratio, 0, 0);
  on.clearRect(0, 0, screen.width, screen.height);
  const half = over.side / 2 - 2;
  for (const { place, x, y } of over.shown) {
    const picture = over.pictureOf(place);
    if (!picture?.complete || !picture.naturalWidth) continue;
    const selected = over.marks[place] & SELECTED;
    on.fillStyle = selected ? over.accent : over.colourOf(place);
    const edge = selected ? 4 : 2;
    on.beginPath();
    on.roundRect(x - half - edge, y - half - edge, 2 * (half + edge), 2 * (half + edge), 5);
    on.fill();
    const { naturalWidth: w, naturalHeight: t } = picture;
    const cut = Math.min(w, t);
    on.drawImage(picture, (w - cut) / 2, (t - cut) / 2, cut, cut, x - half, y - half, 2 * half, 2 * half); // biome-ignore format: one call
  }
  on.lineWidth = 1.5;
  on.strokeStyle = over.accent;
  on.fillStyle = over.accent;
  if (over.line) {
    on.beginPath();
    const [a, b] = over.line;
    if (over.closed) for (const { x, y } of over.line) on.lineTo(x, y);
    else if (b) on.rect(a.x, a.y, b.x - a.x, b.y - a.y);
    on.closePath();
    on.globalAlpha = 0.12;
    on.fill();
    on.globalAlpha = 1;
    on.stroke();
  }
  if (over.box) {
    const { x, y, width, height } = over.box;
    on.globalAlpha = 0.08;
    on.fillRect(x, y, width, height);
    on.globalAlpha = 1;
    on.lineWidth = 4;
    on.strokeStyle = over.ground;
    on.strokeRect(x, y, width, height);
    on.lineWidth = 2;
    on.strokeStyle = over.accent;
    on.strokeRect(x, y, width, height);
  }
  if (over.hover) {
    on.lineWidth = 2;
    on.strokeStyle = over.accent;
    on.beginPath();
    on.arc(over.hover.x, over.hover.y, 9, 0, 2 * Math.PI);
    on.stroke();
  }
}

/** Load the pictures that are not yet, and let go of the others. @param {Map<string,
 * HTMLImageElement>} images by their address @param {Iterable<string>} wanted addresses
 * @param {() => void} loaded */
export function keepLoaded(images, wanted, loaded) {
  const urls = new Set(wanted);
  for (const url of images.keys()) if (!urls.has(url)) images.delete(url);
  for (const url of urls) {
    if (images.has(url)) continue;
    const image = new Image();
    image.onload = loaded;
    image.src = url;
    images.set(url, image);
  }
}
