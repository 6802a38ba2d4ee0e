// The latent space: codes of the examples, and the directions that a map can show.

const GOLDEN_RATIO = 0.618034; // its multiples modulo 1 are spread evenly

export class LatentSpace {
  constructor(facts, arrays) {
    const { dim, discrete, order, explained_variance: explained } = facts.latent;
    Object.assign(this, { dim, discrete, arrays, codes: arrays.codes, count: facts.examples });
    this.stride = this.codes.length / facts.examples; // stored values per code
    this.directions = this.#directions(explained);
    this.initial = dim > 2 && order.length ? [order[0], order[1]] : [0, 1]; // of the map
  }

  #directions(explained) {
    const axes = this.discrete ? [] : this.#axes();
    const hasComponents = this.discrete || explained.length > 1;
    const directions = [...axes, ...(hasComponents ? this.#components(explained) : [])];
    return directions.length === 1 ? [...directions, jitter()] : directions;
  }

  #axes() {
    return Array.from({ length: this.dim }, (_, i) => {
      const vector = new Float32Array(this.dim);
      vector[i] = 1;
      return { name: `z${i + 1}`, kind: "axis", vector, center: null, column: i };
    });
  }

  /** Principal components of the codes; discrete codes are stored as their coordinates. */
  #components(explained) {
    const { components, center } = this.arrays;
    return explained.map((fraction, i) => {
      const vector = components.subarray(i * this.dim, (i + 1) * this.dim);
      const column = this.discrete ? i : null;
      const name = `PC ${i + 1} (${Math.round(100 * fraction)} %)`;
      return { name, kind: "component", vector, center, column };
    });
  }

  /** The coordinates of all examples along a direction, [N]. */
  coordinates(direction) {
    const coordinates = new Float32Array(this.count);
    for (let i = 0; i < this.count; i++) coordinates[i] = this.#coordinate(direction, i);
    return coordinates;
  }

  #coordinate(direction, index) {
    const start = index * this.stride;
    if (direction.kind === "jitter") return ((index * GOLDEN_RATIO) % 1) * 2 - 1;
    if (direction.column !== null) return this.codes[start + direction.column];
    return this.along(direction, this.codes.subarray(start, start + this.stride));
  }

  /** The coordinate of a code along a direction. */
  along({ kind, vector, center }, z) {
    if (kind === "jitter") return 0;
    let sum = 0;
    for (let i = 0; i < z.length; i++) sum += vector[i] * (z[i] - (center ? center[i] : 0));
    return sum;
  }

  /** The code at (x, y) of the map, equal to `z` in all directions that the map does not show. */
  at(z, [xDirection, yDirection], x, y) {
    const moved = Float32Array.from(z);
    for (const [direction, target] of [[xDirection, x], [yDirection, y]]) {
      if (direction.kind === "jitter") continue;
      const step = target - this.along(direction, z);
      for (let i = 0; i < moved.length; i++) moved[i] += step * direction.vector[i];
    }
    return moved;
  }

  /** The code of an example, [L]. */
  code(index) {
    if (this.discrete) return this.embed(this.indices(index));
    return Float32Array.from(this.codes.subarray(index * this.dim, (index + 1) * this.dim));
  }

  /** The example whose code is nearest to a continuous code [L], and their distance. */
  nearest(z) {
    let best = { index: 0, square: Infinity };
    for (let index = 0; index < this.count; index++) {
      let square = 0;
      for (let i = 0; i < this.dim; i++) square += (this.codes[index * this.dim + i] - z[i]) ** 2;
      if (square < best.square) best = { index, square };
    }
    return { index: best.index, distance: Math.sqrt(best.square) };
  }

  /** The codebook entries of an example, [M]; null in a continuous space. */
  indices(index) {
    if (!this.discrete) return null;
    const { positions } = this.discrete;
    return this.arrays.indices.subarray(index * positions, (index + 1) * positions);
  }

  /** The code [L] of codebook entries [M]: positions are ordered by pixel, and then by group. */
  embed(indices) {
    const { positions, count, groups } = this.discrete;
    const { codebook } = this.arrays;
    const width = codebook.length / count;
    const pixels = positions / groups;
    const z = new Float32Array(this.dim);
    for (let position = 0; position < positions; position++) {
      const pixel = Math.floor(position / groups);
      const group = position % groups;
      for (let j = 0; j < width; j++) {
        z[(group * width + j) * pixels + pixel] = codebook[indices[position] * width + j];
      }
    }
    return z;
  }
}

function jitter() {
  return { name: "jitter", kind: "jitter", vector: null, center: null, column: null };
}

/** Linear interpolation from code a to code b, t from 0 to 1. */
export function linear(a, b, t) {
  return a.map((value, i) => (1 - t) * value + t * b[i]);
}

/** Spherical interpolation around the origin (Shoemake, 1985), with linear length. */
export function spherical(a, b, t) {
  const lengthA = Math.hypot(...a);
  const lengthB = Math.hypot(...b);
  const cosine = a.reduce((sum, value, i) => sum + value * b[i], 0) / (lengthA * lengthB);
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  if (!(Math.sin(angle) > 1e-6)) return linear(a, b, t);
  const length = ((1 - t) * lengthA + t * lengthB) / Math.sin(angle);
  const weightA = Math.sin((1 - t) * angle) / lengthA;
  const weightB = Math.sin(t * angle) / lengthB;
  return a.map((value, i) => length * (weightA * value + weightB * b[i]));
}
