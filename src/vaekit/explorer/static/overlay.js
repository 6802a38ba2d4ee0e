// What is drawn over the dots: axes, the prior, a path, marks, the line of a selection.

import { tick } from "./text.js";

export class Overlay {
  constructor(canvas, camera) {
    Object.assign(this, { canvas, camera, pen: canvas.getContext("2d") });
  }

  /** Draw what there is of: names of both axes, contours, sheet, path, marks, line. */
  draw({ names, contours = [], sheet = null, path = null, marks = [], line = null }, ratio) {
    const { canvas, camera, pen } = this;
    [canvas.width, canvas.height] = [Math.round(camera.width * ratio), Math.round(camera.height * ratio)];
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.colours = getComputedStyle(document.documentElement);
    pen.font = "12px system-ui, sans-serif";
    if (sheet) this.#sheet(sheet);
    for (const contour of contours) this.#contour(contour);
    this.#ticks(names);
    if (path) for (const [colour, width] of [["--map", 5], ["--probe", 2]]) this.#line(path, this.#colour(colour), width);
    for (const mark of marks) this.#mark(mark);
    if (line) this.#line(line, this.#colour("--accent"), 2, true);
  }

  #colour(name) {
    return this.colours.getPropertyValue(name).trim();
  }

  #line(points, colour, width, closed = false) {
    const { pen } = this;
    pen.beginPath();
    for (const [x, y] of points) pen.lineTo(...this.camera.toScreen(x, y));
    if (closed) pen.closePath();
    Object.assign(pen, { strokeStyle: colour, lineWidth: width });
    pen.stroke();
  }

  #contour({ name, line }) {
    this.#line(line, this.#colour("--contour"), 1.5);
    const { width, height } = this.camera;
    const points = line.slice(24).concat(line.slice(0, 24)).map(([x, y]) => this.camera.toScreen(x, y)); // from the upper right on
    const seen = points.find(([x, y]) => x > 40 && x < width - 60 && y > 30 && y < height - 30);
    if (seen) this.#text(name, seen[0] + 3, seen[1] - 3);
  }

  #sheet({ image, left, top, side }) {
    const [x, y] = this.camera.toScreen(left, top);
    this.pen.imageSmoothingEnabled = false;
    this.pen.drawImage(image, x, y, side * this.camera.scale, side * this.camera.scale);
  }

  #ticks([across, up]) {
    const { camera, pen } = this;
    for (const { value, step } of ticks(camera.toWorld(0, 0)[0], camera.toWorld(camera.width, 0)[0], camera.width / 90)) {
      const [x] = camera.toScreen(value, 0);
      this.#tick(x, camera.height, 0, -5);
      if (x < camera.width - 90) this.#text(tick(value, step), x + 3, camera.height - 6);
    }
    if (up) {
      for (const { value, step } of ticks(camera.toWorld(0, camera.height)[1], camera.toWorld(0, 0)[1], camera.height / 70)) {
        const [, y] = camera.toScreen(0, value);
        this.#tick(0, y, 5, 0);
        if (y > 24 && y < camera.height - 20) this.#text(tick(value, step), 8, y + 4);
      }
      this.#text(up, 8, 16, true);
    }
    pen.textAlign = "right";
    this.#text(across, camera.width - 8, camera.height - 8, true);
    pen.textAlign = "left";
  }

  #tick(x, y, dx, dy) {
    const { pen } = this;
    Object.assign(pen, { strokeStyle: this.#colour("--muted"), lineWidth: 1 });
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(x + dx, y + dy);
    pen.stroke();
  }

  #text(text, x, y, strong = false) {
    const { pen } = this;
    Object.assign(pen, { strokeStyle: this.#colour("--map"), lineWidth: 3, lineJoin: "round" });
    pen.strokeText(text, x, y);
    pen.fillStyle = this.#colour(strong ? "--ink" : "--muted");
    pen.fillText(text, x, y);
  }

  /** A cross where the place is decoded, a ring around a row, a letter at the ends of a path, a star for an image of one's own. */
  #mark({ kind, x, y }) {
    const { pen } = this;
    const [px, py] = this.camera.toScreen(x, y);
    const colour = this.#colour(kind === "own" ? "--own" : kind === "row" ? "--ring" : "--probe");
    for (const [width, ink] of [[5, this.#colour("--map")], [2, colour]]) {
      Object.assign(pen, { strokeStyle: ink, lineWidth: width });
      pen.beginPath();
      if (kind === "probe" || kind === "held") {
        for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
          pen.moveTo(px + 3 * dx, py + 3 * dy);
          pen.lineTo(px + 11 * dx, py + 11 * dy);
        }
        if (kind === "held") pen.rect(px - 14, py - 14, 28, 28);
      } else if (kind === "own") {
        for (let i = 0; i <= 10; i++) {
          const radius = i % 2 ? 5 : 12, angle = (i * Math.PI) / 5 - Math.PI / 2;
          pen.lineTo(px + radius * Math.cos(angle), py + radius * Math.sin(angle));
        }
      } else {
        pen.arc(px, py, 7, 0, 2 * Math.PI);
      }
      pen.stroke();
    }
    if (kind === "A" || kind === "B") {
      pen.font = "bold 14px system-ui, sans-serif";
      this.#text(kind, px + 10, py - 8, true);
      pen.font = "12px system-ui, sans-serif";
    }
  }
}

/** Round numbers from low to high, about so many. */
function ticks(low, high, count) {
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.max(0, Math.floor(high / step) - first + 1) }, (_, i) => ({ value: (first + i) * step, step }));
}
