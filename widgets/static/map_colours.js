// @ts-check
// The colours of the map's points: of classes and other names, or along a scale.

const OWN = 8; // colours that the style sheet names; beyond them hues are drawn
const SCALE = ["#4575b4", "#7ea6d8", "#b9bfc7", "#e8a13c", "#d1341f"]; // told apart by all eyes
export const REST = "rest"; // what it lies behind is to be seen
export const UNKNOWN = 255; // the code of what has no colour
export const STEPS = 254; // of a scale

/** @param {string} text such as rgb(1, 2, 3) or #010203 @returns {[number, number, number]} */
export function parsed(text) {
  const hex = /^#([0-9a-f]{6})$/i.exec(text.trim());
  const [r, g, b] = hex
    ? [0, 2, 4].map((at) => Number.parseInt(hex[1].slice(at, at + 2), 16))
    : (text.match(/[\d.]+/g) ?? ["128", "128", "128"]).map(Number);
  return [r, g, b];
}

/** @param {number} share 0..1 along the scale @returns {[number, number, number]} */
export function along(share) {
  const far = Math.max(0, Math.min(1, share)) * (SCALE.length - 1);
  const at = Math.min(SCALE.length - 2, Math.floor(far));
  const [from, to] = [parsed(SCALE[at]), parsed(SCALE[at + 1])];
  const mixed = from.map((value, part) => Math.round(value + (to[part] - value) * (far - at)));
  return /** @type {[number, number, number]} */ (mixed);
}

/** The scale as a style sheet writes it. */
export const GRADIENT = `linear-gradient(90deg, ${SCALE.join(", ")})`;

/** A colour for each code, as the page looks now: 256 x 4 bytes, and as text by code.
 * @param {Element} el where the page's colours are known
 * @param {(string | null)[]} places of the names: the class's place where it is one, as marks have,
 * or REST, of all that is beyond the names
 * @param {number} names how many; 0: a scale */
export function palette(el, places, names) {
  const probe = document.createElement("span");
  el.append(probe);
  const resolved = (/** @type {string} */ name) => {
    probe.style.color = `var(${name})`;
    return parsed(getComputedStyle(probe).color);
  };
  const own = Array.from({ length: OWN }, (_, place) => resolved(`--c${place}`));
  const muted = resolved("--muted");
  const line = resolved("--line");
  const faint = muted.map((value, part) => Math.round((value + line[part]) / 2));
  probe.remove();
  const rgba = new Uint8Array(256 * 4);
  const texts = [];
  for (let code = 0; code < 256; code += 1) {
    const place = Number(places[code] ?? code);
    /** @type {number[]} */
    let colour = muted;
    if (places[code] === REST) colour = faint;
    else if (code !== UNKNOWN && !names) colour = along(code / STEPS);
    else if (code < names) colour = place < OWN ? own[place] : drawn(place);
    rgba.set([...colour, 255], code * 4);
    texts.push(`rgb(${colour.join(" ")})`);
  }
  return { rgba, texts };
}

/** Hues far from each other, for what comes after the named ones. @param {number} place
 * @returns {[number, number, number]} */
function drawn(place) {
  const hue = (place * 137.5) % 360;
  const light = 0.45 + 0.12 * (place % 3);
  const part = (/** @type {number} */ n) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (light - 0.28 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [part(0), part(8), part(4)];
}
