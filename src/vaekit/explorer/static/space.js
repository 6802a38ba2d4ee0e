// The latent space: codes of rows, and the directions that a map can show.

export class Space {
  constructor(facts, arrays) {
    const { size, discrete } = facts.latent;
    Object.assign(this, { size, discrete, rows: facts.rows, arrays, codes: arrays.codes });
    this.width = this.codes.length / facts.rows;
    const shares = facts.latent.shares ?? [];
    this.directions = [...(discrete ? [] : this.#axes()), ...(discrete || shares.length > 1 ? this.#components(shares) : [])];
    if (this.directions.length === 1) this.directions.push(spread());
    const order = facts.latent.order;
    this.start = size > 2 && order ? [order[0], order[1]] : [0, 1];
  }

  #axes() {
    return Array.from({ length: this.size }, (_, i) => {
      const vector = new Float32Array(this.size);
      vector[i] = 1;
      return { name: `z${i + 1}`, kind: "axis", vector, centre: null, column: i };
    });
  }

  #components(shares) {
    const { axes, centre } = this.arrays;
    return shares.map((share, i) => {
      const vector = axes.subarray(i * this.size, (i + 1) * this.size);
      const column = this.discrete ? i : null;
      return { name: `PC ${i + 1} (${Math.round(100 * share)} %)`, kind: "component", vector, centre, column };
    });
  }

  /** Where codes of all rows are along a direction, [N]. */
  coordinates(direction) {
    const found = new Float32Array(this.rows);
    for (let row = 0; row < this.rows; row++) {
      if (direction.kind === "spread") found[row] = ((row * 0.618034) % 1) * 2 - 1;
      else if (direction.column !== null) found[row] = this.codes[row * this.width + direction.column];
      else found[row] = this.along(direction, this.codes.subarray(row * this.width, (row + 1) * this.width));
    }
    return found;
  }

  /** Where a code is along a direction. */
  along({ kind, vector, centre }, z) {
    if (kind === "spread") return 0;
    let sum = 0;
    for (let i = 0; i < z.length; i++) sum += vector[i] * (z[i] - (centre ? centre[i] : 0));
    return sum;
  }

  /** The code at (a, b) of the map; in all directions that the map does not show it stays where `z` is. */
  at(z, [first, second], a, b) {
    const moved = Float32Array.from(z);
    for (const [direction, wanted] of [[first, a], [second, b]]) {
      if (direction.kind === "spread") continue;
      const step = wanted - this.along(direction, z);
      for (let i = 0; i < moved.length; i++) moved[i] += step * direction.vector[i];
    }
    return moved;
  }

  /** The code of a row, [L]. */
  code(row) {
    return this.discrete ? this.embed(this.indices(row)) : Float32Array.from(this.codes.subarray(row * this.size, (row + 1) * this.size));
  }

  /** The entries of the codebook that make it, [M]; null of a continuous one. */
  indices(row) {
    const positions = this.discrete?.positions;
    return positions ? this.arrays.indices.subarray(row * positions, (row + 1) * positions) : null;
  }

  /** The code that is made of these entries of the codebook: positions are pixel by pixel, and in one group by group. */
  embed(indices) {
    const { positions, count, groups } = this.discrete;
    const { vectors } = this.arrays;
    const width = vectors.length / count;
    const pixels = positions / groups;
    const z = new Float32Array(this.size);
    for (let position = 0; position < positions; position++) {
      const pixel = Math.floor(position / groups), group = position % groups;
      for (let j = 0; j < width; j++) z[(group * width + j) * pixels + pixel] = vectors[indices[position] * width + j];
    }
    return z;
  }
}

function spread() {
  return { name: "spread by chance", kind: "spread", vector: null, centre: null, column: null };
}

/** The point at t of [0, 1] on the line from code a to code b. */
export function straight(a, b, t) {
  return a.map((value, i) => (1 - t) * value + t * b[i]);
}

/** The same on a sphere around the origin, the length going evenly from |a| to |b| (Shoemake, 1985). */
export function spherical(a, b, t) {
  const [lengthA, lengthB] = [Math.hypot(...a), Math.hypot(...b)];
  const cosine = a.reduce((sum, value, i) => sum + value * b[i], 0) / (lengthA * lengthB);
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  if (!(Math.sin(angle) > 1e-6)) return straight(a, b, t);
  const length = ((1 - t) * lengthA + t * lengthB) / Math.sin(angle);
  const [fromA, fromB] = [Math.sin((1 - t) * angle) / lengthA, Math.sin(t * angle) / lengthB];
  return a.map((value, i) => length * (fromA * value + fromB * b[i]));
}
