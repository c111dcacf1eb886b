// @ts-check
// The page of a service: pictures go in by drop, paste, camera, file or address; answers as bars.

/** @typedef {{predictions?: [string, number][], none_of_these?: boolean, sentence?: string,
 *   error?: string, detail?: string}} Answer */

const SHOWN = 5; // bars of an answer
const KEPT = 20; // answers on the page

/** @template {HTMLElement} T @param {string} id @param {new () => T} kind @returns {T} */
function part(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page lacks #${id}.`);
  return found;
}

const drop = part("drop", HTMLElement);
const status = part("status", HTMLElement);
const answers = part("answers", HTMLElement);
const token = part("token", HTMLInputElement);
const video = part("video", HTMLVideoElement);
const viewer = part("viewer", HTMLElement);

/** @param {string} text @param {boolean} [bad] */
function say(text, bad = false) {
  status.textContent = text;
  status.classList.toggle("bad", bad);
}

/** @param {string} tag @param {string} [name] @param {string} [text] */
function made(tag, name = "", text = "") {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.textContent = text;
  return element;
}

/** @param {number} share */
const percent = (share) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

/** @param {Answer} answer */
function verdict(answer) {
  if (answer.detail) return answer.detail;
  const [label, share] = (answer.predictions ?? [])[0] ?? ["", 0];
  return answer.none_of_these
    ? `None of these; nearest: ${label} ${percent(share)}`
    : `${label} ${percent(share)}`;
}

/** @param {string} name @param {Answer} answer @param {Blob | null} picture */
function show(name, answer, picture) {
  const item = made("li", "answer");
  item.classList.toggle("none", answer.none_of_these === true);
  item.classList.toggle("bad", answer.error !== undefined);
  if (picture) {
    const image = document.createElement("img");
    image.alt = name;
    image.src = URL.createObjectURL(picture);
    image.onerror = () => {
      image.remove();
      item.classList.add("bare");
    };
    item.append(image);
  } else {
    item.classList.add("bare");
  }
  const told = made("div");
  told.append(made("p", "verdict", verdict(answer)), made("p", "name", name));
  const bars = made("dl", "bars");
  for (const [label, share] of (answer.predictions ?? []).slice(0, SHOWN)) {
    const bar = document.createElement("progress");
    bar.value = share;
    bar.setAttribute("aria-label", label);
    const held = made("dd");
    held.append(bar);
    const term = made("dt", "", label);
    term.title = label;
    bars.append(term, held, made("dd", "share", percent(share)));
  }
  told.append(bars);
  item.append(told);
  answers.prepend(item);
  for (const old of [...answers.children].slice(KEPT)) {
    const image = old.querySelector("img");
    if (image) URL.revokeObjectURL(image.src);
    old.remove();
  }
}

/** @param {string} path @param {RequestInit} [options] @returns {Promise<Answer>} */
async function ask(path, options = {}) {
  const headers = token.value ? { Authorization: `Bearer ${token.value}` } : undefined;
  let response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch {
    return { error: "unreachable", detail: "The service does not answer." };
  }
  if (response.status === 401) {
    part("login", HTMLElement).hidden = false;
    token.focus();
  }
  try {
    return await response.json();
  } catch {
    return { error: "unreadable", detail: `The service answered with status ${response.status}.` };
  }
}

/** @param {Iterable<File>} files */
async function classify(files) {
  const pictures = [...files];
  let done = 0;
  for (const picture of pictures) {
    say(`Looking at ${++done} of ${pictures.length} …`);
    show(picture.name, await ask("classify", { method: "POST", body: picture }), picture);
  }
  say(pictures.length ? "" : "That was no picture.", !pictures.length);
}

/** @param {string} address */
async function classifyAddress(address) {
  say("Fetching the picture …");
  show(address, await ask(`classify-url?url=${encodeURIComponent(address)}`), null);
  say("");
}

/** @param {DataTransfer | null} data */
function taken(data) {
  if (!data) return;
  if (data.files.length) {
    classify(data.files);
    return;
  }
  const text = data.getData("text/uri-list") || data.getData("text/plain");
  const address = text.split("\n").find((line) => /^https?:\/\//.test(line.trim()));
  if (address) classifyAddress(address.trim());
  else say("That was neither a picture nor the address of one.", true);
}

for (const id of ["files", "shot"]) {
  const field = part(id, HTMLInputElement);
  field.addEventListener("change", () => {
    const files = [...(field.files ?? [])];
    field.value = "";
    classify(files);
  });
}
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
document.addEventListener("dragleave", () => drop.classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  taken(event.dataTransfer);
});
document.addEventListener("paste", (event) => {
  if (event.target instanceof HTMLInputElement && !event.clipboardData?.files.length) return;
  event.preventDefault();
  taken(event.clipboardData);
});
part("fetch", HTMLElement).addEventListener("submit", (event) => {
  event.preventDefault();
  classifyAddress(part("address", HTMLInputElement).value.trim());
});

part("login", HTMLElement).addEventListener("submit", (event) => event.preventDefault());

function closeCamera() {
  if (video.srcObject instanceof MediaStream) {
    for (const track of video.srcObject.getTracks()) track.stop();
  }
  video.srcObject = null;
  viewer.hidden = true;
}
const camera = part("camera", HTMLButtonElement);
camera.addEventListener("click", async () => {
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: "environment" },
    });
    viewer.hidden = false;
    await video.play();
  } catch {
    closeCamera();
    say("No camera could be opened; the browser may have been told not to.", true);
  }
});
part("stop", HTMLButtonElement).addEventListener("click", closeCamera);
part("take", HTMLButtonElement).addEventListener("click", () => {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  closeCamera();
  canvas.toBlob((blob) => {
    if (blob) classify([new File([blob], "camera.jpg", { type: blob.type })]);
  }, "image/jpeg");
});
// Browsers open a camera in the page over TLS or from this machine alone; phones have their own.
if (!navigator.mediaDevices?.getUserMedia) {
  camera.hidden = true;
  part("phone", HTMLElement).hidden = false;
}

const health = await (await fetch("healthz")).json();
part("classes", HTMLElement).textContent =
  health.classes.length > 30
    ? `One of ${health.classes.length} classes.`
    : `One of: ${health.classes.join(", ")}${health.none_of_these ? ", or none of these" : ""}.`;
part("login", HTMLElement).hidden = !health.token_needed;
