// Points of the plane in a grid of cells, to find those near a place or within a line.

export class Neighbours {
  constructor(xs, ys) {
    Object.assign(this, { xs, ys });
    const [left, right] = extent(xs), [bottom, top] = extent(ys);
    this.side = Math.max(1, Math.ceil(Math.sqrt(xs.length / 2)));
    Object.assign(this, { left, bottom, wide: (right - left) / this.side || 1, high: (top - bottom) / this.side || 1 });
    this.starts = new Uint32Array(this.side * this.side + 1);
    const cells = xs.map((x, i) => this.#cell(this.#column(x), this.#line(ys[i])));
    for (const cell of cells) this.starts[cell + 1]++;
    for (let i = 0; i < this.side * this.side; i++) this.starts[i + 1] += this.starts[i];
    const ends = this.starts.slice();
    this.order = new Uint32Array(xs.length);
    cells.forEach((cell, i) => (this.order[ends[cell]++] = i));
  }

  /** The allowed point nearest to (x, y) within a distance; -1 where there is none. */
  nearest(x, y, within, allowed) {
    let best = -1, least = within * within;
    this.#each(x - within, y - within, x + within, y + within, (i) => {
      const distance = (this.xs[i] - x) ** 2 + (this.ys[i] - y) ** 2;
      if (distance <= least && allowed(i)) [best, least] = [i, distance];
    });
    return best;
  }

  /** The allowed points within a polygon [[x, y], ...], in order. */
  inside(polygon, allowed) {
    const [xs, ys] = [polygon.map(([x]) => x), polygon.map(([, y]) => y)];
    const found = [];
    this.#each(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys), (i) => {
      if (allowed(i) && contains(polygon, this.xs[i], this.ys[i])) found.push(i);
    });
    return Uint32Array.from(found).sort();
  }

  #each(left, bottom, right, top, visit) {
    for (let line = this.#line(bottom); line <= this.#line(top); line++) {
      const [first, last] = [this.#cell(this.#column(left), line), this.#cell(this.#column(right), line)];
      for (let at = this.starts[first]; at < this.starts[last + 1]; at++) visit(this.order[at]);
    }
  }

  #column(x) {
    return Math.min(this.side - 1, Math.max(0, Math.floor((x - this.left) / this.wide)));
  }

  #line(y) {
    return Math.min(this.side - 1, Math.max(0, Math.floor((y - this.bottom) / this.high)));
  }

  #cell(column, line) {
    return line * this.side + column;
  }
}

function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

function contains(polygon, x, y) {
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [ax, ay] = polygon[i], [bx, by] = polygon[j];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}
