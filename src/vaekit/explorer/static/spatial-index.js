// Points of the plane in a grid of cells, to search near a position or inside a polygon.

const POINTS_PER_CELL = 2;

export class SpatialIndex {
  constructor(xs, ys) {
    Object.assign(this, { xs, ys });
    const [left, right] = range(xs);
    const [bottom, top] = range(ys);
    this.left = left;
    this.bottom = bottom;
    this.side = Math.max(1, Math.ceil(Math.sqrt(xs.length / POINTS_PER_CELL))); // cells
    this.cellWidth = (right - left) / this.side || 1;
    this.cellHeight = (top - bottom) / this.side || 1;
    this.#sortByCell();
  }

  /** The index of the allowed point nearest to (x, y) within a distance, or -1. */
  nearest(x, y, maxDistance, isAllowed) {
    let best = -1;
    let bestSquare = maxDistance * maxDistance;
    const visit = (i) => {
      const square = (this.xs[i] - x) ** 2 + (this.ys[i] - y) ** 2;
      if (square <= bestSquare && isAllowed(i)) [best, bestSquare] = [i, square];
    };
    this.#visit(x - maxDistance, y - maxDistance, x + maxDistance, y + maxDistance, visit);
    return best;
  }

  /** The indices of the allowed points inside a polygon [[x, y], ...], in order. */
  inside(polygon, isAllowed) {
    const [left, right] = range(polygon.map(([x]) => x));
    const [bottom, top] = range(polygon.map(([, y]) => y));
    const indices = [];
    this.#visit(left, bottom, right, top, (i) => {
      if (isAllowed(i) && contains(polygon, this.xs[i], this.ys[i])) indices.push(i);
    });
    return Uint32Array.from(indices).sort();
  }

  /** Sort the points by cell: the points of cell c are order[starts[c]] to order[starts[c + 1] - 1]. */
  #sortByCell() {
    const cellOf = (x, i) => this.#cell(this.#column(x), this.#row(this.ys[i]));
    const cells = Uint32Array.from(this.xs, cellOf);
    this.starts = new Uint32Array(this.side * this.side + 1);
    for (const cell of cells) this.starts[cell + 1]++;
    for (let i = 0; i < this.side * this.side; i++) this.starts[i + 1] += this.starts[i];
    const ends = this.starts.slice();
    this.order = new Uint32Array(this.xs.length);
    cells.forEach((cell, i) => (this.order[ends[cell]++] = i));
  }

  /** Visit all points of the cells that a rectangle touches. */
  #visit(left, bottom, right, top, visit) {
    for (let row = this.#row(bottom); row <= this.#row(top); row++) {
      const first = this.#cell(this.#column(left), row);
      const last = this.#cell(this.#column(right), row);
      for (let i = this.starts[first]; i < this.starts[last + 1]; i++) visit(this.order[i]);
    }
  }

  #column(x) {
    return this.#clip(Math.floor((x - this.left) / this.cellWidth));
  }

  #row(y) {
    return this.#clip(Math.floor((y - this.bottom) / this.cellHeight));
  }

  #clip(index) {
    return Math.min(this.side - 1, Math.max(0, index));
  }

  #cell(column, row) {
    return row * this.side + column;
  }
}

function range(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** Whether a ray from the point crosses the polygon an odd number of times. */
function contains(polygon, x, y) {
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [ax, ay] = polygon[i];
    const [bx, by] = polygon[j];
    const crossesHeight = ay > y !== by > y;
    if (crossesHeight && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}
