// @ts-check
// A picture from the camera: live where the browser shows it, else by the phone's own camera.

import { h } from "./drawing.js";

/** Whether the camera can be shown here: browsers allow it to this machine, and over TLS. */
const canShow = () => Boolean(navigator.mediaDevices?.getUserMedia);

/** @param {(file: Blob, name: string) => void} taken @param {() => void} redraw */
export function camera(taken, redraw) {
  /** @type {MediaStream | null} */
  let stream = null;
  let problem = "";
  const video = h("video", { muted: true, playsinline: true, autoplay: true });

  function stop() {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    video.srcObject = null;
  }

  async function start() {
    problem = "";
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      video.srcObject = stream;
      await video.play();
    } catch {
      stop();
      problem = "The camera was not allowed, or there is none. Drop a picture instead.";
    }
    redraw();
  }

  function take() {
    const canvas = h("canvas", { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d")?.drawImage(video, 0, 0);
    stop();
    redraw();
    canvas.toBlob((blob) => blob && taken(blob, "camera.jpg"), "image/jpeg", 0.92);
  }

  const button = (/** @type {string} */ title, /** @type {() => void} */ act) =>
    h("button", { class: "cu-button", type: "button", onclick: act }, title);

  return {
    stop,
    /** The button; with the picture that the camera sees. */
    view() {
      if (stream)
        return h(
          "div",
          { class: "cu-camera", key: "camera" },
          video,
          h(
            "div",
            { class: "cu-row" },
            button("Take it", take),
            button("Stop", () => {
              stop();
              redraw();
            }),
          ),
        );
      if (canShow())
        return h("span", { key: "camera-off" }, button("Camera", start), problem && ` ${problem}`);
      /** @type {(e: {currentTarget: HTMLElement}) => void} */
      const choose = (e) => e.currentTarget.parentElement?.querySelector("input")?.click();
      return h(
        "span",
        { key: "camera-file" },
        h("input", {
          type: "file",
          hidden: true,
          tabindex: -1,
          "aria-hidden": "true",
          accept: "image/*",
          capture: "environment",
          onchange: (e) => {
            const file = e.target.files?.[0];
            if (file) taken(file, file.name);
            e.target.value = "";
          },
        }),
        h("button", { class: "cu-button", type: "button", onclick: choose }, "Camera"),
      );
    },
  };
}
