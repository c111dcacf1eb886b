// @ts-check
// Collects the addresses of the pictures on the page that is open, for a list of the curator.
//
// It runs in the browser's console or as a bookmarklet, on any page of results. It scrolls to the
// end so that more results load (Esc stops it), takes one address a picture, the original where
// the page names it, and offers the list to copy or to save. It sends nothing anywhere. Its box is
// built with DOM calls alone: pages with a strict policy forbid everything else.
(() => {
  "use strict";
  const SMALLEST = 64; // pixels of the shorter side; smaller pictures are icons
  const SCROLL_SECONDS = 60; // at most, while more keeps coming
  const PAUSE = 400; // milliseconds after each step of scrolling
  const PATIENCE = 5; // steps without anything new that mean the end
  const LARGEST_INLINE = 20_000_000; // characters of a picture that has no address
  const BOX = "curator-collect";

  const ENDING = /\.(jpe?g|jpe|jfif|pjpeg|a?png|gif|webp|bmp|tiff?|avif|heic|heif|jxl)$/i;
  const NO_PICTURE = /\.(svgz?|ico|cur|css|m?js|json|woff2?|mp4|webm)$/i;
  const LAZY = /^(data-.*(src|iurl|lazy|img|image|bg|background|original|full|large|zoom|hires).*|lowsrc|_src)$/;
  const FULL = /original|full|large|zoom|hires/;
  const ORIGINAL = /^(murl|imgurl|ou|orig(inal)?(url|src|image)?|imghref|contenturl|fullsize)$/;
  const THUMBNAIL = /^(turl|tu)$|thumb|tbn|preview/;
  const IN_QUERY = ["imgurl", "mediaurl", "img_url"];

  /** @type {Map<string, number>} each address with the order in which it was found */
  const found = new Map();
  /** @type {Set<string>} thumbnails of originals that were found */
  const thumbnails = new Set();
  /** @type {WeakMap<Element, string>} what was taken of an element: a page may load it lazily */
  const taken = new WeakMap();
  let isStopped = false;

  /** @param {string | null | undefined} text @returns {string} a whole address, or nothing */
  function absolute(text) {
    const written = (text || "").trim();
    if (!written || written.startsWith("#")) return "";
    if (/^https?:\/\//i.test(written)) return written.replace(/[\t\n\r]/g, "");
    try {
      const url = new URL(written, document.baseURI);
      return url.protocol === "http:" || url.protocol === "https:" ? url.href : "";
    } catch {
      return "";
    }
  }

  /** @param {string} url */
  function path(url) {
    return url.replace(/[?#].*$/s, "").replace(/^[a-z]+:\/\/[^/]*/i, "");
  }

  /** @param {string} url whether its path ends as an image's does; a wiki's File:x.jpg is a page */
  function namesImage(url) {
    return ENDING.test(path(url)) && !/:[^/]*$/.test(path(url));
  }

  /** @param {string} url @returns {boolean} whether it is one to keep */
  function keep(url) {
    if (!url || NO_PICTURE.test(path(url)) || url.includes("/favicon")) return false;
    if (!found.has(url)) found.set(url, found.size);
    return true;
  }

  /** @param {string} srcset @returns {string} its largest candidate */
  function largest(srcset) {
    let best = "";
    let most = -1;
    for (const match of srcset.matchAll(/[\s,]*(\S*[^\s,])(?:\s+([\d.]+)[wx])?\s*(?:,|$)/g)) {
      const size = Number(match[2] || 1);
      if (size > most) [best, most] = [match[1], size];
    }
    return best;
  }

  /**
   * Addresses in a JSON value, as pairs of key and address.
   * @param {any} root
   * @returns {[string, string][]}
   */
  function inData(root) {
    /** @type {[string, string][]} */
    const pairs = [];
    /** @type {[string, any][]} */
    const waiting = [["", root]];
    while (waiting.length && pairs.length < 10_000) {
      const [key, value] = /** @type {[string, any]} */ (waiting.pop());
      if (typeof value === "string") {
        if (/^(https?:)?\/\//i.test(value)) pairs.push([key, absolute(value)]);
      } else if (value && typeof value === "object") {
        for (const [name, inner] of Object.entries(value)) {
          const own = Array.isArray(value) ? key : name.toLowerCase().replace(/[^a-z0-9]/g, "");
          waiting.push([own, inner]);
        }
      }
    }
    return pairs;
  }

  /** @param {Element} element @returns {string} the original that an attribute with JSON names */
  function originalInData(element) {
    for (const attribute of element.attributes) {
      const text = attribute.value.trim();
      if (text[0] !== "{" && text[0] !== "[") continue;
      let data;
      try {
        data = JSON.parse(text);
      } catch {
        continue;
      }
      const pairs = inData(data);
      const original = pairs.find(([key]) => ORIGINAL.test(key));
      if (!original) continue;
      for (const [key, url] of pairs) if (THUMBNAIL.test(key)) thumbnails.add(url);
      return original[1];
    }
    return "";
  }

  /** @param {Element} element @returns {string} the picture to which a link leads */
  function linked(element) {
    const href = absolute(element.getAttribute("href"));
    if (!href) return "";
    for (const name of IN_QUERY) {
      const match = href.match(new RegExp(`[?&]${name}=([^&#]+)`, "i"));
      if (match) {
        try {
          const inner = decodeURIComponent(match[1]);
          if (/^https?:\/\//i.test(inner)) return inner;
        } catch {
          // no address after all
        }
      }
    }
    return namesImage(href) ? href : "";
  }

  /** @param {Element} element @returns {string} an address in a lazy-loading attribute */
  function lazy(element) {
    let best = "";
    for (const { name, value } of element.attributes) {
      if (!LAZY.test(name) || /srcset/.test(name) || /^\s*[{[]/.test(value)) continue;
      const isPicture = element.tagName === "IMG";
      if (/\s/.test(value.trim()) || !(isPicture ? /[/.]/.test(value) : namesImage(value))) continue;
      const url = absolute(value);
      if (url && (!best || FULL.test(name))) best = url;
    }
    return best;
  }

  /** @param {HTMLImageElement} image */
  function isIcon(image) {
    const { naturalWidth, naturalHeight } = image;
    return naturalWidth > 0 && Math.min(naturalWidth, naturalHeight) < SMALLEST;
  }

  /** @param {HTMLImageElement} image @returns {string} its own address, the largest there is */
  function ownAddress(image) {
    const sources = image.parentElement?.tagName === "PICTURE"
      ? [...image.parentElement.querySelectorAll("source")] : [];
    /** @type {(...names: string[]) => string} the largest of what these attributes offer */
    const offered = (...names) => absolute(largest([image, ...sources].flatMap((element) =>
      names.map((name) => element.getAttribute(name) || "")).filter(Boolean).join(", ")));
    // A stand-in may be as small as an icon; what loads later is not known to be one.
    const later = offered("data-srcset", "data-lazy-srcset") || lazy(image);
    if (later || isIcon(image)) return later;
    return offered("srcset") || absolute(image.getAttribute("src")) || absolute(image.currentSrc);
  }

  /** @param {HTMLImageElement} image @returns {string} the picture itself, when it has no address */
  function inline(image) {
    const source = image.getAttribute("src") || "";
    const isPicture = /^data:image\/(?!svg)/i.test(source) && source.length <= LARGEST_INLINE;
    return isPicture && image.naturalWidth > 0 && !isIcon(image) ? source : "";
  }

  /** @param {Element} element @returns {string} the original that an element around it names */
  function originalAround(element) {
    const link = element.closest("a[href]");
    const data = element.closest("[m], [data-m], [data-bem], [data-state]");
    return (data && originalInData(data)) || originalInData(element) || (link && linked(link)) || "";
  }

  /** @param {Element} element @returns {string} */
  function background(element) {
    const written = /** @type {HTMLElement} */ (element).style?.backgroundImage || "";
    const style = written || getComputedStyle(element).backgroundImage;
    const match = style.match(/url\(\s*(?:"([^"]*)"|'([^']*)'|([^)"'\s]*))\s*\)/);
    if (!match || element.clientWidth < SMALLEST || element.clientHeight < SMALLEST) return "";
    return absolute(match[1] || match[2] || match[3]);
  }

  /** @param {Element} element take what it shows, and instead of a thumbnail its original */
  function look(element) {
    if (element.id === BOX) return;
    let url = "";
    if (element.tagName === "IMG") {
      const image = /** @type {HTMLImageElement} */ (element);
      const own = ownAddress(image);
      url = originalAround(image);
      if (url && own && own !== url) thumbnails.add(own);
      url = url || own || inline(image);
    } else {
      url = originalInData(element);
      if (!url && (element.tagName === "A" || element.tagName === "AREA")) url = linked(element);
      if (!url && element.tagName === "VIDEO") url = absolute(element.getAttribute("poster"));
      url = url || lazy(element) || background(element);
    }
    const before = taken.get(element);
    // What stood in for a picture is dropped when its address appears.
    if (before && url && before !== url && before.startsWith("data:")) found.delete(before);
    if (keep(url)) taken.set(element, url);
  }

  /** @param {Document | ShadowRoot | Element} root look at all of it, shadows and frames too */
  function walk(root) {
    /** @type {(Document | ShadowRoot | Element)[]} */
    const waiting = [root];
    while (waiting.length) {
      const place = /** @type {Document} */ (waiting.pop());
      for (const element of place.querySelectorAll("*")) {
        look(element);
        if (element.shadowRoot && element.id !== BOX) waiting.push(element.shadowRoot);
        if (element.tagName === "IFRAME") {
          try {
            const inner = /** @type {HTMLIFrameElement} */ (element).contentDocument;
            if (inner) waiting.push(inner);
          } catch {
            // a frame of another site is closed to us
          }
        }
      }
    }
  }

  /** @returns {string[]} what was found so far, originals instead of their thumbnails */
  function list() {
    return [...found.keys()].filter((url) => !thumbnails.has(url));
  }

  /** @param {number} milliseconds */
  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

  /** @param {(count: number) => void} tell scroll down in steps and look after each */
  async function collect(tell) {
    const started = Date.now();
    let still = 0;
    walk(document);
    while (!isStopped && still < PATIENCE && Date.now() - started < SCROLL_SECONDS * 1000) {
      const before = [window.scrollY, document.documentElement.scrollHeight, found.size].join();
      window.scrollBy(0, window.innerHeight * 0.9);
      await wait(PAUSE);
      walk(document);
      tell(list().length);
      const after = [window.scrollY, document.documentElement.scrollHeight, found.size].join();
      still = before === after ? still + 1 : 0;
    }
  }

  /**
   * @param {string} name @param {Record<string, string>} style @param {(Node | string)[]} content
   * @returns {HTMLElement}
   */
  function make(name, style, ...content) {
    const element = document.createElement(name);
    Object.assign(element.style, style); // not the attribute: a policy may forbid that
    element.append(...content);
    return element;
  }

  /** @param {string} text @param {() => void} act */
  function button(text, act) {
    const made = make("button", { margin: "0 8px 0 0", padding: "6px 12px", font: "inherit" }, text);
    made.addEventListener("click", act);
    return made;
  }

  function main() {
    document.getElementById(BOX)?.remove();
    const host = make("div", {
      position: "fixed", right: "16px", bottom: "16px", zIndex: "2147483647",
    });
    host.id = BOX;
    // In a shadow of its own, so that the page's style sheets leave it alone.
    const shadow = host.attachShadow({ mode: "open" });
    const status = make("p", { margin: "0 0 8px", fontWeight: "600" }, "Scrolling… Esc stops.");
    status.setAttribute("role", "status");
    const box = make("div", {
      maxWidth: "420px", padding: "16px", borderRadius: "8px", border: "1px solid #888",
      background: "#fff", color: "#111", font: "14px/1.4 system-ui, sans-serif",
      boxShadow: "0 4px 24px rgba(0, 0, 0, .3)", boxSizing: "border-box",
    }, status);
    shadow.append(box);
    (document.body || document.documentElement).append(host);

    /** @param {KeyboardEvent} event */
    const onKey = (event) => {
      if (event.key === "Escape") isStopped = true;
    };
    window.addEventListener("keydown", onKey, true);
    collect((count) => {
      status.textContent = `${count} image addresses so far… Esc stops.`;
    }).finally(() => {
      window.removeEventListener("keydown", onKey, true);
      offer(host, box, status);
    });
  }

  /** @param {HTMLElement} host @param {HTMLElement} box @param {HTMLElement} status */
  function offer(host, box, status) {
    const all = list();
    const text = all.join("\n") + "\n";
    status.textContent = `${all.length} image ${all.length === 1 ? "address" : "addresses"}`;

    const copy = async () => {
      try {
        await navigator.clipboard.writeText(text);
        status.textContent = `${all.length} copied. Paste them into the curator.`;
      } catch {
        showText();
      }
    };
    const showText = () => {
      box.querySelector("textarea")?.remove();
      const area = /** @type {HTMLTextAreaElement} */ (make("textarea", {
        display: "block", width: "100%", height: "120px", marginTop: "8px", boxSizing: "border-box",
      }));
      area.value = text;
      area.readOnly = true;
      box.append(area);
      area.focus();
      area.select();
      status.textContent = `This page forbids copying: press Ctrl+C (${all.length} selected).`;
    };
    const save = () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
      link.download = `${(document.title || "images").replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 60)}.txt`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    };
    box.append(button("Copy", copy), button("Download .txt", save), button("Close", () => host.remove()));
  }

  main();
})();
