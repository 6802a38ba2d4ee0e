// Where the map is looked at: a centre, and how many pixels a unit is wide.

export class Camera {
  constructor() {
    Object.assign(this, { x: 0, y: 0, scale: 1, fitted: 1, width: 1, height: 1 });
  }

  resize(width, height) {
    Object.assign(this, { width, height });
  }

  /** Show all points but a few that lie far out. */
  fit(xs, ys) {
    const [left, right, bottom, top] = [...middle(xs), ...middle(ys)];
    this.x = (left + right) / 2;
    this.y = (bottom + top) / 2;
    this.scale = 0.9 * Math.min(this.width / Math.max(right - left, 1e-9), this.height / Math.max(top - bottom, 1e-9));
    this.fitted = this.scale;
  }

  toScreen(x, y) {
    return [this.width / 2 + (x - this.x) * this.scale, this.height / 2 - (y - this.y) * this.scale];
  }

  toWorld(px, py) {
    return [this.x + (px - this.width / 2) / this.scale, this.y - (py - this.height / 2) / this.scale];
  }

  pan(dx, dy) {
    this.x -= dx / this.scale;
    this.y += dy / this.scale;
  }

  /** Zoom so that what is at this pixel stays there. */
  zoom(factor, px = this.width / 2, py = this.height / 2) {
    const [x, y] = this.toWorld(px, py);
    this.scale = Math.min(Math.max(this.scale * factor, this.fitted / 50), this.fitted * 5000);
    const [nowX, nowY] = this.toWorld(px, py);
    this.x += x - nowX;
    this.y += y - nowY;
  }
}

/** How far all values but a few are apart. */
export function extent(values) {
  const [low, high] = middle(values);
  return high - low;
}

/** The range of all values but half a percent at either end, widened a little. */
function middle(values) {
  const sorted = values.slice().sort(); // all of them: of every so manieth row one class may be
  const [low, high] = [sorted[Math.floor(0.005 * (sorted.length - 1))], sorted[Math.ceil(0.995 * (sorted.length - 1))]];
  const margin = 0.03 * (high - low) || Math.max(1, Math.abs(low)) / 2;
  return [low - margin, high + margin];
}
