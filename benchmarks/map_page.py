"""Frame times of the map's points in Chromium: 200,000 drawn ones, by WebGL and on a plain canvas.

    python benchmarks/map_page.py [--points 200000] [--frames 40]

The points alone, 1280 x 700 pixels, zoomed a little at each frame; a pixel is read back after
each, so that the time holds all of the drawing. Without a GPU, Chromium draws WebGL in software.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import shutil
import threading

import sides
from playwright.sync_api import sync_playwright

# WebGL where there is no GPU.
SOFTWARE = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
SCRIPT = """
async ({points, frames, plain}) => {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, {width: 1280, height: 700});
  document.body.append(canvas);
  const own = canvas.getContext.bind(canvas);
  // WebGL in software, too, which the page does not take.
  WebGL2RenderingContext.prototype.getParameter = () => 'taken for a GPU';
  canvas.getContext = (kind) => plain && kind === 'webgl2' ? null : own(kind);
  const {pointsOn} = await import('/map_points.js');
  const painter = pointsOn(canvas);
  const codes = new Uint8Array(points).map((_, at) => at % 10);
  painter.points(new Float32Array(2 * points).map(() => Math.random() * 2 - 1));
  painter.codes(codes);
  painter.marks(new Uint8Array(points));
  painter.palette(new Uint8Array(1024).map((_, at) => at % 4 === 3 ? 255 : (at * 37) % 255));
  const times = [];
  for (let frame = 0; frame < frames; frame += 1) {
    const began = performance.now();
    const camera = {x: 0, y: 0, scale: 330 * 1.01 ** frame};
    painter.draw(camera, {width: 1280, height: 700}, 1, 2.5, false);
    if (painter.kind === 'webgl') {
      const gl = own('webgl2');
      gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    }
    times.push(performance.now() - began);
    await new Promise(requestAnimationFrame);
  }
  times.sort((a, b) => a - b);
  const at = share => times[Math.floor(share * (times.length - 1))].toFixed(1);
  return `${painter.kind}: median ${at(0.5)} ms, 95 % under ${at(0.95)} ms`;
}
"""


def main() -> None:
    """Measure both ways of drawing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=200_000)
    parser.add_argument("--frames", type=int, default=40)
    asked = parser.parse_args()
    folder = str(sides.ROOT / "widgets" / "static")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
            args=["--no-sandbox", *SOFTWARE],
        )
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/map.css")
        for plain in (False, True):
            given = {"points": asked.points, "frames": asked.frames, "plain": plain}
            print(page.evaluate(SCRIPT, given))
        browser.close()
    server.shutdown()


if __name__ == "__main__":
    main()
