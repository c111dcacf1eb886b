// @ts-check
// The address of a view, in the fragment of the page's: `#/bears/review/suspicious?class=black`.
//
// The kernel says which view is shown and checks which one is asked for; here fragments are taken
// apart and put together, and the browser's Back and Forward kept in step. No token is ever in it.

/** @import {Model} from "./types" */
/** @import {Place, ShellState} from "./states" */

const FORMER = /** @type {Record<string, string>} */ ({ export: "use" });
const STATIONS = ["data", "collect", "check", "train", "review", "use", ...Object.keys(FORMER)];
const FILTERS = [
  ...["class", "predicted", "split", "host", "tag", "issue", "finding", "text", "like", "concept"],
  "selection",
];

/** Take a fragment apart; null when there is none. What it cannot be is left in `station`, for the
 * kernel to say so. @param {string} hash @returns {Place | null} */
export function parse(hash) {
  if (hash === "" || hash === "#") return null;
  /** @type {Place} */
  const place = {
    project: "",
    station: "",
    queue: "",
    filters: {},
    first: 1,
    image: null,
    sort: "",
    by: "",
    group: null,
  };
  const [path, ...rest] = hash.slice(1).split("?");
  /** @type {string[]} */
  let parts;
  try {
    parts = path.split("/").map(decodeURIComponent);
  } catch {
    return { ...place, station: hash.slice(0, 60) };
  }
  while (parts.at(-1) === "") parts.pop();
  if (parts.length === 0) return { ...place, station: "start" };
  if (parts[0] !== "" || parts.length > 4) return { ...place, station: hash.slice(0, 60) };
  parts.shift();
  // With a station behind it the first part is a project, whatever it is called.
  const bare = STATIONS.includes(parts[0]) && !STATIONS.includes(parts[1]);
  if (!bare) place.project = parts.shift() ?? "";
  [place.station = "", place.queue = ""] = parts;
  place.station = FORMER[place.station] ?? place.station;
  if (parts.length > 2) return { ...place, station: hash.slice(0, 60) };
  const query = new URLSearchParams(rest.join("?"));
  for (const name of FILTERS) {
    const value = query.get(name);
    if (value) place.filters[name] = value;
  }
  const number = (/** @type {string} */ name) =>
    query.has(name) ? Number(query.get(name) || "none") : null;
  place.sort = query.get("sort") ?? "";
  place.by = query.get("by") ?? "";
  place.first = number("first") ?? 1;
  place.image = number("image");
  place.group = number("group");
  return place;
}

/** Put a fragment together. @param {Place} place */
export function written(place) {
  if (!place.project) return "#/";
  const path = [place.project, place.station, place.queue].filter(Boolean).map(encodeURIComponent);
  const query = new URLSearchParams();
  for (const name of FILTERS) if (place.filters[name]) query.set(name, place.filters[name]);
  if (place.sort) query.set("sort", place.sort);
  if (place.by) query.set("by", place.by);
  if (place.first > 1) query.set("first", String(place.first));
  if (place.image !== null) query.set("image", String(place.image));
  if (place.group !== null) query.set("group", String(place.group));
  const narrowed = query.toString();
  return `#/${path.join("/")}${narrowed && `?${narrowed}`}`;
}

/** What is a step of its own for Back: pages, images and groups are not. @param {Place} place */
const step = (place) => written({ ...place, first: 1, image: null, group: null });

/** Keep address and view in step until what is returned is called; the caller says hello.
 * @param {Model<ShellState>} model */
export function following(model) {
  let { visits, place } = model.get("state");
  let asked = visits + 1; // the hello; a kernel that stood by knows nothing of this window before it
  const arrived = () => {
    asked += 1;
    model.send({ do: "visit", place: parse(location.hash) });
  };
  function changed() {
    const state = model.get("state");
    const answered = state.visits !== visits;
    const [before, after] = [written(place), written(state.place)];
    const further = step(place) !== step(state.place);
    ({ visits, place } = state);
    // While answers are outstanding, as after Back twice, the address is ahead of the view.
    if (visits < asked || after === location.hash || (!answered && after === before)) return;
    if (answered || !further) history.replaceState(null, "", after);
    else history.pushState(null, "", after);
  }
  model.on("change:state", changed);
  window.addEventListener("popstate", arrived);
  return () => {
    model.off("change:state", changed);
    window.removeEventListener("popstate", arrived);
  };
}
