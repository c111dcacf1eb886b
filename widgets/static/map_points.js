// @ts-check
// Points on a canvas: one buffer of places, a byte of colour and a byte of marks for each point, and
// one pair of shaders. Where there is no WebGL they are written into a plain canvas, pixel by pixel.

/** @import {Camera, Size} from "./map_states" */

export const SELECTED = 1;
export const HIDDEN = 2;
export const FAINT = 4;
const [RADIUS_MORE, FAINT_ALPHA, OTHERS_ALPHA] = [1.35, 0.16, 0.28];

const VERTEX = `#version 300 es
precision highp float;
in vec2 place;
in uint code;
in uint marks;
uniform vec4 view; // what place 0 0 is on the screen, and how long 1 is, in clip space
uniform float size;
uniform uint pass; // 0: what is not selected, 1: what is, 2: all
uniform sampler2D palette;
out vec4 colour;
void main() {
  bool chosen = (marks & 1u) != 0u;
  bool faint = (marks & 4u) != 0u;
  bool drawn = (marks & 2u) == 0u && (pass == 2u || chosen == (pass == 1u));
  gl_Position = drawn ? vec4(place * view.zw + view.xy, 0, 1) : vec4(2, 2, 2, 1);
  gl_PointSize = chosen ? size * ${RADIUS_MORE} : size;
  colour = texelFetch(palette, ivec2(int(code), 0), 0);
  if (faint) colour.a *= ${FAINT_ALPHA};
  else if (pass == 0u) colour.a *= ${OTHERS_ALPHA};
}`;

const FRAGMENT = `#version 300 es
precision highp float; // as above: the size is known to both
in vec4 colour;
uniform float size;
out vec4 shown;
void main() {
  float away = length(gl_PointCoord - 0.5) * 2.0;
  float cover = clamp((1.0 - away) * size * 0.5 + 0.5, 0.0, 1.0);
  shown = vec4(colour.rgb, 1) * (colour.a * cover);
}`;

/** What draws points on `canvas`. `points`: x and y of each; `draw`: `any` whether some are selected.
 * @typedef {{kind: "webgl" | "canvas", points(xy: Float32Array): void,
 * codes(codes: Uint8Array<ArrayBuffer>): void, marks(marks: Uint8Array<ArrayBuffer>): void, palette(rgba: Uint8Array): void,
 * draw(camera: Camera, screen: Size, ratio: number, size: number, any: boolean): void,
 * end(): void}} Points */

/** Whether WebGL has a GPU: in software it takes ten times as long as the plain canvas
 * (docs/experiments.md). */
function hasGpu() {
  const gl = document.createElement("canvas").getContext("webgl2");
  const info = gl?.getExtension("WEBGL_debug_renderer_info");
  const name = gl ? gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER) : "software";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return !/swiftshader|llvmpipe|software|basic render/i.test(String(name));
}

/** @param {HTMLCanvasElement} canvas @returns {Points} */
export function pointsOn(canvas) {
  const gl = hasGpu() ? canvas.getContext("webgl2", { antialias: false }) : null;
  return gl ? onGpu(canvas, gl) : onPlain(canvas);
}

/** @param {WebGL2RenderingContext} gl @param {number} kind @param {string} source */
function shader(gl, kind, source) {
  const made = /** @type {WebGLShader} */ (gl.createShader(kind));
  gl.shaderSource(made, source);
  gl.compileShader(made);
  return made;
}

/** @param {HTMLCanvasElement} canvas @param {WebGL2RenderingContext} gl @returns {Points} */
function onGpu(canvas, gl) {
  const program = gl.createProgram();
  gl.attachShader(program, shader(gl, gl.VERTEX_SHADER, VERTEX));
  gl.attachShader(program, shader(gl, gl.FRAGMENT_SHADER, FRAGMENT));
  gl.linkProgram(program);
  gl.useProgram(program);
  const at = (/** @type {string} */ name) => gl.getUniformLocation(program, name);
  const [view, extent, pass] = [at("view"), at("size"), at("pass")];
  let total = 0;
  /** @param {string} name @param {(where: number) => void} described */
  function buffer(name, described) {
    const made = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, made);
    const where = gl.getAttribLocation(program, name);
    gl.enableVertexAttribArray(where);
    described(where);
    return (/** @type {Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>} */ values) => {
      gl.bindBuffer(gl.ARRAY_BUFFER, made);
      gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
    };
  }
  const places = buffer("place", (w) => gl.vertexAttribPointer(w, 2, gl.FLOAT, false, 0, 0));
  const byte = (/** @type {number} */ w) => gl.vertexAttribIPointer(w, 1, gl.UNSIGNED_BYTE, 0, 0);
  const [codes, marks] = [buffer("code", byte), buffer("marks", byte)];
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  return {
    kind: "webgl",
    points: (xy) => {
      total = xy.length / 2;
      places(/** @type {Float32Array<ArrayBuffer>} */ (xy));
    },
    codes: (values) => codes(/** @type {Uint8Array<ArrayBuffer>} */ (values)),
    marks: (values) => marks(/** @type {Uint8Array<ArrayBuffer>} */ (values)),
    palette: (rgba) =>
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, rgba),
    draw(camera, { width, height }, ratio, size, any) {
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      const [sx, sy] = [(2 * camera.scale) / width, (2 * camera.scale) / height];
      gl.uniform4f(view, -camera.x * sx, -camera.y * sy, sx, sy);
      gl.uniform1f(extent, size * ratio);
      for (const part of any ? [0, 1] : [2]) {
        gl.uniform1ui(pass, part);
        gl.drawArrays(gl.POINTS, 0, total);
      }
    },
    end: () => gl.getExtension("WEBGL_lose_context")?.loseContext(),
  };
}

/** @param {HTMLCanvasElement} canvas @returns {Points} */
function onPlain(canvas) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  let xy = new Float32Array();
  let codes = new Uint8Array();
  let marks = new Uint8Array();
  const colours = new Uint32Array(256);
  /** Places of a disc's pixels beside its middle. @param {number} radius */
  const disc = (radius) => {
    const found = [];
    const end = Math.ceil(radius);
    for (let y = -end; y <= end; y += 1)
      for (let x = -end; x <= end; x += 1) if (x * x + y * y <= radius * radius) found.push([x, y]);
    return found;
  };
  return {
    kind: "canvas",
    points: (values) => {
      xy = new Float32Array(values);
    },
    codes: (values) => {
      codes = values;
    },
    marks: (values) => {
      marks = values;
    },
    palette: (rgba) => colours.set(new Uint32Array(rgba.buffer, 0, 256)),
    draw(camera, screen, ratio, size, any) {
      const { width, height } = canvas;
      if (!width || !height) return;
      const image = context.createImageData(width, height);
      const pixels = new Uint32Array(image.data.buffer);
      const scale = camera.scale * ratio;
      const left = (screen.width / 2) * ratio - camera.x * scale;
      const top = (screen.height / 2) * ratio + camera.y * scale;
      for (const chosen of any ? [false, true] : [false]) {
        const dots = disc(((chosen ? RADIUS_MORE : 1) * size * ratio) / 2);
        const alpha = any && !chosen ? OTHERS_ALPHA : 1;
        for (let place = 0; place < marks.length; place += 1) {
          const mark = marks[place];
          if (mark & HIDDEN || (any && Boolean(mark & SELECTED) !== chosen)) continue;
          const x = Math.round(left + xy[2 * place] * scale);
          const y = Math.round(top - xy[2 * place + 1] * scale);
          if (x < 0 || y < 0 || x >= width || y >= height) continue;
          const part = Math.round(255 * (mark & FAINT ? FAINT_ALPHA : alpha));
          const colour = ((colours[codes[place]] & 0xffffff) | (part << 24)) >>> 0;
          for (const [dx, dy] of dots) {
            const column = x + dx;
            if (column >= 0 && column < width) pixels[(y + dy) * width + column] = colour;
          }
        }
      }
      context.putImageData(image, 0, 0);
    },
    end() {},
  };
}
