// The points of the map, drawn by WebGL 2.

const PALETTE_WIDTH = 256; // texels
const SHAPE_SIDE = 64; // texels
const MIN_SIZE = 2; // pixels
const MAX_FITTED_SIZE = 9;
const MAX_SIZE = 16;

const VERTEX_SHADER = `#version 300 es
in vec2 position;
in uint label;
in float selected;
uniform vec2 center, scale;
uniform float size;
uniform int classCount, shapeCount, hasSelection;
uniform sampler2D palette;
out vec4 color;
flat out float shape;
void main() {
  ivec2 texel = classCount == 0 ? ivec2(0, 0) : ivec2(int(label) % 256, int(label) / 256);
  color = texelFetch(palette, texel, 0);
  shape = float(int(label) % shapeCount);
  float outside = color.a == 0.0 ? 4.0 : 0.0; // points of hidden classes leave the canvas
  if (hasSelection == 1 && selected < 0.5) {
    color = vec4(mix(color.rgb, vec3(0.5), 0.75), color.a * 0.35);
  }
  gl_Position = vec4((position - center) * scale + vec2(outside, 0.0), 0.0, 1.0);
  gl_PointSize = size;
}`;

const FRAGMENT_SHADER = `#version 300 es
precision mediump float;
precision mediump sampler2DArray;
in vec4 color;
flat in float shape;
uniform sampler2DArray shapes;
out vec4 result;
void main() {
  float alpha = color.a * texture(shapes, vec3(gl_PointCoord, shape)).r;
  if (alpha == 0.0) discard;
  result = vec4(color.rgb * alpha, alpha);
}`;

export class Points {
  /** The points on a canvas; null if the browser has no WebGL 2. */
  static create(canvas, count, labels, classCount, shapes) {
    const options = { antialias: false, premultipliedAlpha: true };
    const gl = canvas.getContext("webgl2", options);
    return gl ? new Points(gl, count, labels, classCount, shapes) : null;
  }

  constructor(gl, count, labels, classCount, shapes) {
    Object.assign(this, { gl, count, order: shuffledIndices(count) });
    const program = linkProgram(gl);
    gl.useProgram(program);
    this.uniform = (name) => gl.getUniformLocation(program, name);
    this.buffers = {};
    this.#addAttribute(program, "position", 2, gl.FLOAT);
    this.#addAttribute(program, "label", 1, gl.UNSIGNED_SHORT);
    this.#addAttribute(program, "selected", 1, gl.UNSIGNED_BYTE);
    this.#fill("label", Uint16Array.from(this.order, (index) => (labels ? labels[index] : 0)));
    gl.uniform1i(this.uniform("classCount"), classCount);
    this.#setShapes(shapes);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    this.select(null);
  }

  /** Set the shapes of the classes, polygons [[x, y], ...] from -1 to 1. */
  #setShapes(shapes) {
    const { gl } = this;
    const texels = concatenate(shapes.map(rasterize));
    const size = [SHAPE_SIDE, SHAPE_SIDE, shapes.length];
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, gl.createTexture());
    gl.texImage3D(
      gl.TEXTURE_2D_ARRAY, 0, gl.R8, ...size, 0, gl.RED, gl.UNSIGNED_BYTE, texels,
    );
    gl.generateMipmap(gl.TEXTURE_2D_ARRAY);
    gl.texParameteri(gl.TEXTURE_2D_ARRAY, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
    gl.texParameteri(gl.TEXTURE_2D_ARRAY, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D_ARRAY, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    gl.uniform1i(this.uniform("shapes"), 1);
    gl.uniform1i(this.uniform("shapeCount"), shapes.length);
    gl.activeTexture(gl.TEXTURE0);
  }

  /** Set the coordinates of all examples. */
  place(xs, ys) {
    const positions = new Float32Array(2 * this.count);
    this.order.forEach((index, i) => {
      positions[2 * i] = xs[index];
      positions[2 * i + 1] = ys[index];
    });
    this.#fill("position", positions);
  }

  /** Set the color of each class as bytes [r, g, b], or null to hide the class. */
  setColors(colors, opacity) {
    const { gl } = this;
    const height = Math.ceil(Math.max(1, colors.length) / PALETTE_WIDTH);
    const texels = new Uint8Array(4 * PALETTE_WIDTH * height);
    const alpha = Math.round(255 * opacity);
    colors.forEach((color, i) => color && texels.set([...color, alpha], 4 * i));
    const size = [PALETTE_WIDTH, height];
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, ...size, 0, gl.RGBA, gl.UNSIGNED_BYTE, texels);
  }

  /** Dim all examples except these; with null, none. */
  select(indices) {
    const isSelected = new Uint8Array(this.count);
    for (const index of indices ?? []) isSelected[index] = 1;
    this.#fill("selected", Uint8Array.from(this.order, (index) => isSelected[index]));
    this.gl.uniform1i(this.uniform("hasSelection"), indices ? 1 : 0);
  }

  draw(camera, ratio) {
    const { gl } = this;
    const { canvas } = gl;
    canvas.width = Math.round(camera.width * ratio);
    canvas.height = Math.round(camera.height * ratio);
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform2f(this.uniform("center"), camera.x, camera.y);
    const scale = 2 * camera.scale;
    gl.uniform2f(this.uniform("scale"), scale / camera.width, scale / camera.height);
    gl.uniform1f(this.uniform("size"), ratio * this.#size(camera));
    gl.drawArrays(gl.POINTS, 0, this.count);
  }

  /** The diameter of a point: smaller if there are many, larger when the map is zoomed. */
  #size(camera) {
    const fitted = Math.min(MAX_FITTED_SIZE, Math.max(MIN_SIZE, 320 / Math.sqrt(this.count)));
    const zoom = Math.max(1, camera.scale / camera.fittedScale);
    return Math.min(MAX_SIZE, fitted * zoom ** 0.4);
  }

  #addAttribute(program, name, size, type) {
    const { gl } = this;
    const location = gl.getAttribLocation(program, name);
    this.buffers[name] = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[name]);
    gl.enableVertexAttribArray(location);
    if (type === gl.UNSIGNED_SHORT) gl.vertexAttribIPointer(location, size, type, 0, 0);
    else gl.vertexAttribPointer(location, size, type, false, 0, 0);
  }

  #fill(name, values) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[name]);
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
  }
}

/** How much of each texel a polygon covers, as bytes. */
function rasterize(polygon) {
  const canvas = new OffscreenCanvas(SHAPE_SIDE, SHAPE_SIDE);
  const context = canvas.getContext("2d");
  const radius = SHAPE_SIDE / 2;
  context.beginPath();
  for (const [x, y] of polygon) context.lineTo(radius * (1 + x), radius * (1 - y));
  context.fill();
  const { data } = context.getImageData(0, 0, SHAPE_SIDE, SHAPE_SIDE);
  return data.filter((_, i) => i % 4 === 3);
}

function concatenate(parts) {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  parts.forEach((part, i) => bytes.set(part, i * part.length));
  return bytes;
}

/** Indices in a fixed random order, so that no class covers another. */
function shuffledIndices(count) {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  let state = 1;
  for (let i = count - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state / 4294967296) * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

function linkProgram(gl) {
  const program = gl.createProgram();
  const shaders = [[gl.VERTEX_SHADER, VERTEX_SHADER], [gl.FRAGMENT_SHADER, FRAGMENT_SHADER]];
  for (const [type, source] of shaders) {
    const shader = gl.createShader(type);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    throw new Error(`the shaders of the map: ${gl.getProgramInfoLog(program)}`);
  }
  return program;
}
