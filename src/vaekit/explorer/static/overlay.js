// The drawing over the points: axes, the prior, a path, marks, the outline of a selection.

import { formatTick } from "./format.js";

const FONT = "12px system-ui, sans-serif";
const MARK_FONT = "bold 14px system-ui, sans-serif";
const PIXELS_PER_X_TICK = 90;
const PIXELS_PER_Y_TICK = 70;
const UNIT_DIRECTIONS = [[1, 0], [-1, 0], [0, 1], [0, -1]];
const MARK_COLORS = { upload: "--upload", example: "--ring" };

export class Overlay {
  constructor(canvas, camera) {
    Object.assign(this, { canvas, camera, context: canvas.getContext("2d") });
  }

  /** Draw the content of the overlay; every part but the axis names may be left out. */
  draw({ axisNames, contours = [], grid = null, path = null, marks = [], outline = null }, ratio) {
    const { canvas, camera, context } = this;
    canvas.width = Math.round(camera.width * ratio);
    canvas.height = Math.round(camera.height * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.style = getComputedStyle(document.documentElement);
    context.font = FONT;
    if (grid) this.#drawGrid(grid);
    for (const contour of contours) this.#drawContour(contour);
    this.#drawAxes(axisNames);
    if (path) this.#drawPath(path);
    for (const mark of marks) this.#drawMark(mark);
    if (outline) this.#drawLine(outline, this.#color("--accent"), 2, true);
  }

  #color(name) {
    return this.style.getPropertyValue(name).trim();
  }

  #drawLine(points, color, width, closed = false) {
    const { context } = this;
    context.beginPath();
    for (const [x, y] of points) context.lineTo(...this.camera.toScreen(x, y));
    if (closed) context.closePath();
    context.strokeStyle = color;
    context.lineWidth = width;
    context.stroke();
  }

  /** A line with an edge in the color of the map, to be visible on points. */
  #drawPath(path) {
    this.#drawLine(path, this.#color("--map"), 5);
    this.#drawLine(path, this.#color("--decoded"), 2);
  }

  /** Draw a contour with its name on the upper right, if that is visible. */
  #drawContour({ name, lines }) {
    for (const line of lines) this.#drawLine(line, this.#color("--contour"), 1.5);
    const { width, height } = this.camera;
    const points = lines.flat().map(([x, y]) => this.camera.toScreen(x, y));
    const isInside = ([x, y]) => x > 40 && x < width - 60 && y > 30 && y < height - 30;
    const visible = points.filter(isInside);
    if (!visible.length) return;
    const isFurther = (a, b) => (a[0] - a[1] > b[0] - b[1] ? a : b);
    const [x, y] = visible.reduce(isFurther);
    this.#drawText(name, x + 3, y - 3);
  }

  #drawGrid({ image, left, top, side }) {
    const [x, y] = this.camera.toScreen(left, top);
    const size = side * this.camera.scale;
    this.context.imageSmoothingEnabled = false;
    this.context.drawImage(image, x, y, size, size);
  }

  #drawAxes([xName, yName]) {
    const { camera, context } = this;
    this.#drawXTicks();
    if (yName) {
      this.#drawYTicks();
      this.#drawText(yName, 8, 16, true);
    }
    context.textAlign = "right";
    this.#drawText(xName, camera.width - 8, camera.height - 8, true);
    context.textAlign = "left";
  }

  #drawXTicks() {
    const { camera } = this;
    const [low] = camera.toMap(0, 0);
    const [high] = camera.toMap(camera.width, 0);
    for (const { value, step } of ticks(low, high, camera.width / PIXELS_PER_X_TICK)) {
      const [x] = camera.toScreen(value, 0);
      const hasSpace = x < camera.width - 90;
      this.#drawTick(x, camera.height, 0, -5);
      if (hasSpace) this.#drawText(formatTick(value, step), x + 3, camera.height - 6);
    }
  }

  #drawYTicks() {
    const { camera } = this;
    const [, low] = camera.toMap(0, camera.height);
    const [, high] = camera.toMap(0, 0);
    for (const { value, step } of ticks(low, high, camera.height / PIXELS_PER_Y_TICK)) {
      const [, y] = camera.toScreen(0, value);
      const hasSpace = y > 24 && y < camera.height - 20;
      this.#drawTick(0, y, 5, 0);
      if (hasSpace) this.#drawText(formatTick(value, step), 8, y + 4);
    }
  }

  #drawTick(x, y, dx, dy) {
    const { context } = this;
    context.strokeStyle = this.#color("--muted");
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x + dx, y + dy);
    context.stroke();
  }

  #drawText(text, x, y, strong = false) {
    const { context } = this;
    Object.assign(context, { strokeStyle: this.#color("--map"), lineWidth: 3, lineJoin: "round" });
    context.strokeText(text, x, y);
    context.fillStyle = this.#color(strong ? "--text" : "--muted");
    context.fillText(text, x, y);
  }

  /** Draw a cross at the decoded position, a ring around an example, a letter at the endpoints of
   * a path, a star for an uploaded image; each with an edge in the color of the map. */
  #drawMark({ kind, x, y }) {
    const { context } = this;
    const [px, py] = this.camera.toScreen(x, y);
    const strokes = [[5, "--map"], [2, MARK_COLORS[kind] ?? "--decoded"]];
    for (const [width, color] of strokes) {
      context.strokeStyle = this.#color(color);
      context.lineWidth = width;
      context.beginPath();
      this.#traceMark(kind, px, py);
      context.stroke();
    }
    if (kind === "A" || kind === "B") {
      context.font = MARK_FONT;
      this.#drawText(kind, px + 10, py - 8, true);
      context.font = FONT;
    }
  }

  #traceMark(kind, px, py) {
    const { context } = this;
    if (kind === "decoded" || kind === "pinned") traceCross(context, px, py);
    else if (kind === "upload") traceStar(context, px, py);
    else context.arc(px, py, 7, 0, 2 * Math.PI);
    if (kind === "pinned") context.rect(px - 14, py - 14, 28, 28);
  }
}

function traceCross(context, px, py) {
  for (const [dx, dy] of UNIT_DIRECTIONS) {
    context.moveTo(px + 3 * dx, py + 3 * dy);
    context.lineTo(px + 11 * dx, py + 11 * dy);
  }
}

function traceStar(context, px, py) {
  for (let i = 0; i <= 10; i++) {
    const radius = i % 2 ? 5 : 12;
    const angle = (i * Math.PI) / 5 - Math.PI / 2;
    context.lineTo(px + radius * Math.cos(angle), py + radius * Math.sin(angle));
  }
}

/** About `count` round numbers from low to high. */
function ticks(low, high, count) {
  const minStep = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(minStep));
  const steps = [1, 2, 5, 10].map((factor) => factor * power);
  const step = steps.find((size) => size >= minStep);
  const first = Math.ceil(low / step);
  const length = Math.max(0, Math.floor(high / step) - first + 1);
  return Array.from({ length }, (_, i) => ({ value: (first + i) * step, step }));
}
