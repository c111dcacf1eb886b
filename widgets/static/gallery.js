// @ts-check
// A page of a review queue: look, decide with keys or mouse, go on.
//
// Thumbnails come as binary buffers of one message a page. The listbox has one tab stop; the focus
// is the tile that keys act on unless tiles are selected.

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  /** @type {Map<number, string>} image id -> object URL of its thumbnail */
  const pictures = new Map();
  let focus = 0; // place on the page
  let anchor = 0; // where a shift-selection began
  /** @type {Set<number>} ids */
  let selected = new Set();
  let help = false;
  /** @type {any} the enlarged image */
  let zoom = null;
  const state = () => model.get("state");
  const page = () => `${state().queue_number}/${state().offset}`;
  let shown = page(); // a page that is turned starts at its first tile; one that changes does not
  const send = (/** @type {any} */ message) => model.send(message);
  const tiles = () => state().tiles;
  const chosen = () => (selected.size ? tiles().map((/** @type {any} */ t) => t.id).filter((/** @type {number} */ id) => selected.has(id))
    : tiles()[focus] ? [tiles()[focus].id] : []);

  function decide(/** @type {string} */ action, /** @type {string} */ label = "") {
    const ids = chosen();
    if (!ids.length) return;
    send({ do: "decide", ids, action, label });
    if (selected.size) selected = new Set();
    else if (focus < tiles().length - 1) focus += 1;
    anchor = focus;
    redraw();
    focusTile();
  }

  function move(/** @type {number} */ to, /** @type {boolean} */ extend) {
    const last = tiles().length - 1;
    focus = Math.max(0, Math.min(last, to));
    if (extend) {
      const [from, until] = [Math.min(anchor, focus), Math.max(anchor, focus)];
      selected = new Set(tiles().slice(from, until + 1).map((/** @type {any} */ t) => t.id));
    } else anchor = focus;
    redraw();
    focusTile();
  }

  function focusTile() {
    /** @type {HTMLElement | null} */
    const tile = el.querySelector(`[data-place="${focus}"]`);
    tile?.focus({ preventScroll: false });
  }

  /** Tiles in a row, as laid out now. */
  function columns() {
    const all = [...el.querySelectorAll(".cu-tile")];
    const top = /** @type {HTMLElement} */ (all[0])?.offsetTop;
    return Math.max(1, all.filter((t) => /** @type {HTMLElement} */ (t).offsetTop === top).length);
  }

  function turn(/** @type {number} */ by) {
    send({ do: "turn", by });
  }

  /** @type {Record<string, (e: KeyboardEvent) => void>} */
  const KEYS = {
    ArrowRight: (e) => move(focus + 1, e.shiftKey),
    ArrowLeft: (e) => move(focus - 1, e.shiftKey),
    ArrowDown: (e) => move(focus + columns(), e.shiftKey),
    ArrowUp: (e) => move(focus - columns(), e.shiftKey),
    Home: (e) => move(0, e.shiftKey),
    End: (e) => move(tiles().length - 1, e.shiftKey),
    PageDown: () => turn(1),
    PageUp: () => turn(-1),
    Enter: () => send({ do: "rest" }),
    " ": () => toggle(tiles()[focus]?.id),
    Delete: () => decide("delete"),
    d: () => decide("delete"),
    k: () => decide("keep"),
    x: () => decide("unsure"),
    u: () => send({ do: "undo" }),
    z: () => look(tiles()[focus]?.id),
    "?": () => { help = !help; redraw(); },
    Escape: () => { if (zoom || help) { zoom = null; help = false; } else selected = new Set(); redraw(); focusTile(); },
  };

  function keyed(/** @type {KeyboardEvent} */ event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (!target.closest(".cu-tiles, .cu-zoom") || event.altKey) return;
    if (event.ctrlKey || event.metaKey) {
      if (event.key.toLowerCase() === "z") { event.preventDefault(); send({ do: "undo" }); }
      if (event.key.toLowerCase() === "a") {
        event.preventDefault();
        selected = new Set(tiles().map((/** @type {any} */ t) => t.id));
        redraw();
      }
      return;
    }
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (/^[1-9]$/.test(name)) {
      const label = state().classes[Number(name) - 1];
      if (label) { event.preventDefault(); decide("relabel", label); }
    } else if (KEYS[name]) {
      event.preventDefault();
      KEYS[name](event);
    }
  }

  function toggle(/** @type {number | undefined} */ id) {
    if (id === undefined) return;
    selected = new Set(selected);
    if (!selected.delete(id)) selected.add(id);
    redraw();
  }

  function look(/** @type {number | undefined} */ id) {
    if (id === undefined) return;
    zoom = { id, tile: tiles().find((/** @type {any} */ t) => t.id === id), url: pictures.get(id) };
    send({ do: "zoom", id });
    redraw();
    /** @type {HTMLElement | null} */ (el.querySelector(".cu-zoom"))?.focus();
  }

  function clicked(/** @type {MouseEvent} */ event, /** @type {number} */ place) {
    if (event.shiftKey) return move(place, true);
    const id = tiles()[place].id;
    if (event.ctrlKey || event.metaKey) toggle(id);
    else selected = new Set();
    focus = anchor = place;
    redraw();
    focusTile();
  }

  const DONE = { kept: "kept", deleted: "deleted", unsure: "unsure", new: "" };

  function tile(/** @type {any} */ item, /** @type {number} */ place) {
    const s = state();
    const differs = item.predicted && item.predicted !== item.label;
    const mark = item.state === "kept" && item.relabelled ? "relabelled" : DONE[/** @type {"new"} */ (item.state)];
    const spoken = `${place + 1}: ${item.label}` + (differs ? `, predicted ${item.predicted} ${percent(item.confidence, 0)}` : "") + (item.note ? `, ${item.note}` : "") + (mark ? `, ${mark}` : "");
    return h("div", {
      class: `cu-tile cu-is-${item.state}`, key: item.id, role: "option", id: `cu-tile-${item.id}`, "data-place": place, "data-id": item.id,
      tabindex: place === focus ? 0 : -1, "aria-selected": String(selected.has(item.id)), "aria-label": spoken,
      "aria-setsize": s.total, "aria-posinset": s.offset + place + 1,
      onclick: (/** @type {MouseEvent} */ e) => clicked(e, place), ondblclick: () => look(item.id),
      onfocus: () => { if (focus !== place) { focus = place; redraw(); } },
    },
    h("div", { class: "cu-picture" },
      pictures.has(item.id) ? h("img", { src: pictures.get(item.id), alt: "", draggable: "false" }) : h("span", { class: "cu-skeleton" }),
      item.split === "valid" && h("span", { class: "cu-flag", title: "Validation image" }, "V"),
      mark && h("span", { class: "cu-mark" }, mark)),
    h("div", { class: "cu-label", title: item.label }, badge(s.classes, item.label), h("span", { class: "cu-name" }, item.label)),
    h("div", { class: "cu-says" }, differs
      ? [h("span", { class: "cu-name", title: `predicted: ${item.predicted}` }, "▸ ", item.predicted), h("span", { class: "cu-confidence" }, percent(item.confidence, 0))]
      : h("span", { class: "cu-name" }, item.predicted ? "agrees" : "no score yet")),
    h("div", { class: "cu-loss", title: item.note }, item.note || (item.loss === null ? "" : `loss ${item.loss.toFixed(2)}`)));
  }

  function actions() {
    const s = state();
    const number = selected.size;
    const idle = !tiles().length;
    const button = (/** @type {string} */ key, /** @type {any} */ text, /** @type {() => void} */ act, /** @type {string} */ kind = "") =>
      h("button", { class: `cu-button ${kind}`, onclick: act, disabled: idle }, h("kbd", {}, key), text);
    return h("div", { class: s.classes.length > 5 ? "cu-actions cu-many" : "cu-actions", role: "toolbar", "aria-label": "Decisions" },
      button("K", "keep", () => decide("keep")), button("D", "delete", () => decide("delete")),
      s.classes.slice(0, 9).map((/** @type {string} */ name, /** @type {number} */ place) =>
        h("button", { class: "cu-button cu-relabel", key: name, title: name, disabled: idle, onclick: () => decide("relabel", name) },
          badge(s.classes, name), h("span", { class: "cu-name" }, name))),
      s.classes.length > 9 && h("select", {
        class: "cu-select", "aria-label": "Relabel as", onchange: (/** @type {any} */ e) => { if (e.target.value) decide("relabel", e.target.value); e.target.value = ""; },
      }, h("option", { value: "" }, "other class…"), s.classes.slice(9).map((/** @type {string} */ name) => h("option", { value: name }, name))),
      button("X", "unsure", () => decide("unsure")), button("U", "undo", () => send({ do: "undo" })),
      number > 0 && h("span", { class: "cu-hint" }, `${number} selected`),
      h("span", { class: "cu-turning" },
      h("button", { class: "cu-button", onclick: () => turn(-1), disabled: s.offset === 0, "aria-label": "Previous page" }, "‹"),
      h("span", { class: "cu-hint" }, s.total ? `${s.offset + 1}–${s.offset + tiles().length} of ${count(s.total)}` : ""),
      h("button", { class: "cu-button", onclick: () => turn(1), disabled: s.offset + tiles().length >= s.total, "aria-label": "Next page" }, "›"),
      button("↵", "page ok", () => send({ do: "rest" }), "cu-primary"),
      h("button", { class: "cu-quiet", "aria-label": "Keys", onclick: () => { help = !help; redraw(); } }, "?")));
  }

  function helpBox() {
    const rows = [["arrows", "move; with Shift, select"], ["Space", "select or not"], ["Ctrl A", "select the page"], ["K", "keep: the label is right"],
      ["D or Delete", "delete (undo brings it back)"], ["1–9", "relabel as that class"], ["X", "unsure"], ["U or Ctrl Z", "undo"],
      ["Enter", "keep the rest of the page, go on"], ["PageUp, PageDown", "turn the page"], ["Z or double click", "enlarge"], ["Esc", "close, or unselect"]];
    return h("div", { class: "cu-help", role: "dialog", "aria-label": "Keys" }, h("h2", {}, "Keys"),
      h("dl", {}, rows.map(([key, text]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, text)))));
  }

  function zoomBox() {
    const t = zoom.tile ?? {};
    return h("div", {
      class: "cu-zoom", role: "dialog", "aria-label": "Enlarged image", tabindex: -1,
      onclick: () => { zoom = null; redraw(); focusTile(); },
    },
    h("img", { src: zoom.url ?? "", alt: t.label ?? "" }),
    h("div", { class: "cu-caption" },
      h("p", {}, badge(state().classes, t.label), " ", t.label, t.suggestions?.length ? " · predicted " : "",
        (t.suggestions ?? []).map((/** @type {any} */ pair) => `${pair[0]} ${percent(pair[1], 0)}`).join(", ")),
      h("p", { class: "cu-path" }, t.source, t.width ? ` · ${t.width} × ${t.height}` : "")));
  }

  function view() {
    const s = state();
    return h("div", { class: "cu-gallery" },
      h("div", { class: "cu-row cu-queue" },
        h("h1", {}, "Review"),
        h("label", {}, "Queue ", h("select", {
          class: "cu-select", name: "queue", value: s.kind, onchange: (/** @type {any} */ e) => send({ do: "queue", kind: e.target.value }),
        }, s.queues.map((/** @type {any} */ q) => h("option", { value: q.kind, selected: q.kind === s.kind }, q.title)))),
        h("label", {}, "Class ", h("select", {
          class: "cu-select", name: "class", value: s.label, onchange: (/** @type {any} */ e) => send({ do: "filter", label: e.target.value, tag: s.tag }),
        }, h("option", { value: "" }, "all"), s.classes.map((/** @type {string} */ name) => h("option", { value: name, selected: name === s.label }, name)))),
        (s.tags.length > 0 || s.tag) && h("label", { title: "What the pretrained network calls an image, before any training" }, "Looks like ", h("select", {
          class: "cu-select", name: "tag", value: s.tag, onchange: (/** @type {any} */ e) => send({ do: "filter", label: s.label, tag: e.target.value }),
        }, h("option", { value: "" }, "anything"),
        s.tag && !s.tags.some((/** @type {any} */ t) => t.name === s.tag) && h("option", { value: s.tag, selected: true }, s.tag.split(",")[0]),
        s.tags.map((/** @type {any} */ t) => h("option", { value: t.name, selected: t.name === s.tag }, `${t.name.split(",")[0]} · ${t.images}`)))),
        s.predicted && h("span", { class: "cu-chip" }, `${s.label} taken for ${s.predicted}`,
          h("button", { class: "cu-quiet", "aria-label": "Leave this cell", onclick: () => send({ do: "queue", kind: "suspicious" }) }, icon("cross")))),
      h("p", { class: "cu-hint cu-meaning" }, `${count(s.total)} in queue · ${count(s.seen)} seen · ${s.meaning}`),
      problem(s.error),
      s.tiles.length === 0 && h("div", { class: "cu-card cu-blank" }, h("p", {}, s.empty),
        s.step && h("button", { class: "cu-button cu-primary", onclick: () => send({ do: "go", station: s.step.station }) }, s.step.title)),
      h("div", {
        class: "cu-tiles", role: "listbox", "aria-label": "Images to review", "aria-multiselectable": "true",
      }, s.tiles.map(tile)),
      h("div", { class: "cu-foot" }, actions(),
        h("p", { class: "cu-status", role: "status", "aria-live": "polite" }, s.status)),
      help && helpBox(),
      zoom && zoomBox());
  }

  el.setAttribute("data-lm-suppress-shortcuts", "true");
  el.replaceChildren(view());
  el.addEventListener("keydown", keyed);

  function redraw() {
    patch(el.firstChild, view());
  }

  function changed() {
    if (page() !== shown) {
      const hadFocus = el.contains(document.activeElement) || document.activeElement === document.body;
      shown = page();
      focus = anchor = 0;
      selected = new Set();
      zoom = null;
      redraw();
      if (hadFocus) focusTile();
    } else redraw();
  }

  function received(/** @type {any} */ message, /** @type {DataView[]} */ buffers) {
    if (message.type === "pictures") {
      // Only this page and the next are kept, so that memory does not grow with the queue.
      const keep = new Set([...message.keep]);
      for (const [id, url] of pictures) if (!keep.has(id)) { URL.revokeObjectURL(url); pictures.delete(id); }
      message.ids.forEach((/** @type {number} */ id, /** @type {number} */ place) => {
        if (!pictures.has(id)) pictures.set(id, URL.createObjectURL(new Blob([/** @type {any} */ (buffers[place])])));
      });
      redraw();
    } else if (message.type === "zoom" && zoom?.id === message.id) {
      zoom.url = URL.createObjectURL(new Blob([/** @type {any} */ (buffers[0])], { type: "image/webp" }));
      redraw();
    } else if (message.type === "focus") focusTile();
  }

  model.on("change:state", changed);
  model.on("msg:custom", received);
  send({ do: "ready" });
  return () => {
    model.off("change:state", changed);
    model.off("msg:custom", received);
    el.removeEventListener("keydown", keyed);
    for (const url of pictures.values()) URL.revokeObjectURL(url);
  };
}

export default { render };
