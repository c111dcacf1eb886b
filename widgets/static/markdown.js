// @ts-check
// The Markdown of a card, as elements: headings, tables, lists, code and paragraphs, no more. What
// it is not sure of stays as it is written; nothing of it ever becomes an element by itself.

import { h } from "./drawing.js";

/** A line without what only Markdown means by it. @param {string} text */
function plain(text) {
  return text.replaceAll(/\\([^\w\s])/g, "$1");
}

/** Text with its pieces of code. @param {string} text */
function inline(text) {
  return text
    .split(/(?<!\\)`([^`]*)`/)
    .map((piece, place) => (place % 2 ? h("code", {}, piece) : plain(piece)));
}

/** The cells of a table's line. @param {string} line */
const cells = (line) =>
  line
    .trim()
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());

/** @param {string[]} lines */
function table(lines) {
  const [head, , ...rows] = lines.map(cells);
  const row = (/** @type {"th" | "td"} */ tag, /** @type {string[]} */ each) =>
    h(
      "tr",
      {},
      each.map((cell) => h(tag, {}, inline(cell))),
    );
  return h(
    "div",
    { class: "cu-scroll" },
    h(
      "table",
      { class: "cu-table" },
      h("thead", {}, row("th", head)),
      h(
        "tbody",
        {},
        rows.map((each) => row("td", each)),
      ),
    ),
  );
}

/** @param {string[]} lines of one block @param {number} deep of its headings */
function block(lines, deep) {
  const [first] = lines;
  const heading = /^(#{1,4}) (.*)/.exec(first);
  if (heading && lines.length === 1) {
    const level = Math.min(6, heading[1].length + deep);
    return h(/** @type {"h3"} */ (`h${level}`), {}, inline(heading[2]));
  }
  if (first.startsWith("|") && lines.length > 1) return table(lines);
  if (lines.every((line) => line.startsWith("    ")))
    return h("pre", { class: "cu-command" }, lines.map((line) => line.slice(4)).join("\n"));
  if (first.startsWith("- ")) {
    const items = lines.join("\n").slice(2).split(/\n- /);
    return h(
      "ul",
      {},
      items.map((item) => h("li", {}, inline(item.replaceAll(/\s+/g, " ")))),
    );
  }
  return h("p", {}, inline(lines.join(" ")));
}

/** A card; what stands before it for machines is left out. `deep`: levels that its headings lie
 * below the page's. @param {string} text @param {number} [deep] */
export function markdown(text, deep = 2) {
  const body = text.replace(/^---\n[\s\S]*?\n---\n/, "");
  const blocks = body.split(/\n{2,}/).map((each) => each.split("\n").filter((line) => line.trim()));
  return h(
    "div",
    { class: "cu-markdown" },
    blocks.filter((lines) => lines.length > 0).map((lines) => block(lines, deep)),
  );
}
