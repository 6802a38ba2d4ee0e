// The dots of the map, by WebGL 2.

const VERTEX = `#version 300 es
in vec2 position;
in uint group;
in float chosen;
uniform vec2 centre, scale;
uniform float size;
uniform int groups, selecting;
uniform sampler2D palette;
out vec4 colour;
flat out int shape;
void main() {
  colour = groups == 0 ? texelFetch(palette, ivec2(0, 0), 0) : texelFetch(palette, ivec2(int(group) % 256, int(group) / 256), 0);
  shape = int(group) / 10 % 4;
  float hidden = colour.a == 0.0 ? 4.0 : 0.0;
  if (selecting == 1 && chosen < 0.5) colour = vec4(mix(colour.rgb, vec3(0.5), 0.75), colour.a * 0.35);
  gl_Position = vec4((position - centre) * scale + vec2(hidden, 0.0), 0.0, 1.0);
  gl_PointSize = size;
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 colour;
flat in int shape;
out vec4 result;
void main() {
  vec2 p = gl_PointCoord * 2.0 - 1.0;
  float outside = shape == 0 ? length(p) : shape == 1 ? max(abs(p.x), abs(p.y)) * 1.15
    : shape == 2 ? abs(p.x) + abs(p.y) : max(abs(p.x) - p.y * 0.5, p.y) * 1.1;
  if (outside > 1.0) discard;
  result = vec4(colour.rgb * colour.a, colour.a);
}`;

export class Points {
  /** null where the browser has no WebGL 2. */
  static on(canvas, count, labels, groups) {
    const gl = canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: true });
    return gl ? new Points(gl, count, labels, groups) : null;
  }

  constructor(gl, count, labels, groups) {
    Object.assign(this, { gl, count, groups, order: shuffled(count) });
    const program = link(gl);
    gl.useProgram(program);
    this.uniform = (name) => gl.getUniformLocation(program, name);
    this.buffers = {};
    this.#attribute(program, "position", 2, gl.FLOAT);
    this.#attribute(program, "group", 1, gl.UNSIGNED_SHORT);
    this.#attribute(program, "chosen", 1, gl.UNSIGNED_BYTE);
    this.#fill("group", this.order.map((row) => (labels ? labels[row] : 0)), Uint16Array);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.uniform1i(this.uniform("groups"), groups);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    this.select(null);
  }

  /** Where rows are. */
  place(xs, ys) {
    const both = new Float32Array(2 * this.count);
    this.order.forEach((row, i) => {
      both[2 * i] = xs[row];
      both[2 * i + 1] = ys[row];
    });
    this.#fill("position", both, Float32Array);
  }

  /** The colour of each class as [r, g, b] of bytes, null where it is hidden. */
  colour(colours, alpha) {
    const texels = new Uint8Array(256 * 4 * Math.ceil(Math.max(1, colours.length) / 256));
    colours.forEach((colour, i) => colour && texels.set([...colour, Math.round(255 * alpha)], 4 * i));
    const { gl } = this;
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, texels.length / 1024, 0, gl.RGBA, gl.UNSIGNED_BYTE, texels);
  }

  /** Dim all rows but these; null: none. */
  select(rows) {
    const chosen = new Uint8Array(this.count);
    if (rows) {
      const all = new Uint8Array(this.count);
      for (const row of rows) all[row] = 1;
      this.order.forEach((row, i) => (chosen[i] = all[row]));
    }
    this.#fill("chosen", chosen, Uint8Array);
    this.gl.uniform1i(this.uniform("selecting"), rows ? 1 : 0);
  }

  draw(camera, ratio) {
    const { gl } = this;
    const { canvas } = gl;
    [canvas.width, canvas.height] = [Math.round(camera.width * ratio), Math.round(camera.height * ratio)];
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform2f(this.uniform("centre"), camera.x, camera.y);
    gl.uniform2f(this.uniform("scale"), (2 * camera.scale) / camera.width, (2 * camera.scale) / camera.height);
    const crowd = Math.min(9, Math.max(2, 320 / Math.sqrt(this.count)));
    gl.uniform1f(this.uniform("size"), ratio * Math.min(16, crowd * Math.max(1, camera.scale / camera.fitted) ** 0.4));
    gl.drawArrays(gl.POINTS, 0, this.count);
  }

  #attribute(program, name, width, type) {
    const { gl } = this;
    const at = gl.getAttribLocation(program, name);
    this.buffers[name] = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[name]);
    gl.enableVertexAttribArray(at);
    if (type === gl.UNSIGNED_SHORT) gl.vertexAttribIPointer(at, width, type, 0, 0);
    else gl.vertexAttribPointer(at, width, type, false, 0, 0);
  }

  #fill(name, values, Type) {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[name]);
    gl.bufferData(gl.ARRAY_BUFFER, values instanceof Type ? values : Type.from(values), gl.STATIC_DRAW);
  }
}

/** Rows in an order that mixes them, so that no class hides another: the same one each time. */
function shuffled(count) {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  let state = 1;
  for (let i = count - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state / 4294967296) * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

function link(gl) {
  const program = gl.createProgram();
  for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(type);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(`the map's shaders: ${gl.getProgramInfoLog(program)}`);
  return program;
}
