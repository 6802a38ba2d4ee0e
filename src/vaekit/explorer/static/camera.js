// The visible part of the map: a center, and the number of pixels per unit.

const MIN_ZOOM = 1 / 50; // relative to the scale at which all points are visible
const MAX_ZOOM = 5000;
const TAIL = 0.005; // fraction of values at either end that are outliers
const FILLED = 0.9; // of the map, by all points
const MARGIN = 0.03;

export class Camera {
  constructor() {
    Object.assign(this, { x: 0, y: 0, scale: 1, fittedScale: 1, width: 1, height: 1 });
  }

  resize(width, height) {
    Object.assign(this, { width, height });
  }

  /** Show all points. */
  fit(xs, ys) {
    const [left, right] = widened(xs);
    const [bottom, top] = widened(ys);
    this.x = (left + right) / 2;
    this.y = (bottom + top) / 2;
    const scaleX = this.width / (right - left);
    const scaleY = this.height / (top - bottom);
    this.scale = FILLED * Math.min(scaleX, scaleY);
    this.fittedScale = this.scale;
  }

  toScreen(x, y) {
    return [
      this.width / 2 + (x - this.x) * this.scale,
      this.height / 2 - (y - this.y) * this.scale,
    ];
  }

  toMap(px, py) {
    return [
      this.x + (px - this.width / 2) / this.scale,
      this.y - (py - this.height / 2) / this.scale,
    ];
  }

  pan(dx, dy) {
    this.x -= dx / this.scale;
    this.y += dy / this.scale;
  }

  /** Zoom about a pixel: the point of the map there does not move. */
  zoom(factor, px = this.width / 2, py = this.height / 2) {
    const [x, y] = this.toMap(px, py);
    const [min, max] = [this.fittedScale * MIN_ZOOM, this.fittedScale * MAX_ZOOM];
    this.scale = Math.min(Math.max(this.scale * factor, min), max);
    const [movedX, movedY] = this.toMap(px, py);
    this.x += x - movedX;
    this.y += y - movedY;
  }
}

/** The width of the range of all values except a few outliers. */
export function centralWidth(values) {
  const sorted = values.slice().sort();
  const last = sorted.length - 1;
  const width = sorted[Math.ceil((1 - TAIL) * last)] - sorted[Math.floor(TAIL * last)];
  return width || Math.max(1, Math.abs(sorted[0]));
}

/** The range of all values, widened a little; a unit or more around equal values. */
function widened(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const margin = MARGIN * (high - low) || Math.max(1, Math.abs(low)) / 2;
  return [low - margin, high + margin];
}
