// The prior: samples of it, and its contours on the map.

import { densestRegions } from "./density.js";

const CONTOUR_MASSES = [0.5, 0.9, 0.99];
const CONTOUR_POINTS = 192;

export class Prior {
  #next = 0;

  constructor(facts, arrays, space) {
    Object.assign(this, { facts, space, samples: arrays.prior_samples });
    this.normal = facts.prior.mean ? facts.prior : null;
  }

  /** A sample of p(z), or p(z|y), with its codebook entries if it is discrete. Only a normal prior
   * is sampled here; of another, the next of the samples in the page. */
  sample(label) {
    if (!this.normal) return this.#nextSample(label);
    const { mean, stddev } = this.#parameters(label);
    const z = Float32Array.from(mean, (value, i) => value + stddev[i] * standardNormal());
    return { z, indices: null };
  }

  #nextSample(label) {
    const classes = this.facts.conditional ? this.facts.classes.length : 1;
    const count = this.facts.prior.samples;
    const index = (this.#next++ % (count / classes)) * classes + label; // classes alternate
    const width = this.samples.length / count;
    const sample = this.samples.subarray(index * width, (index + 1) * width);
    if (!this.space.discrete) return { z: Float32Array.from(sample), indices: null };
    return { z: this.space.embed(sample), indices: sample };
  }

  /** The borders of the densest 50, 90 and 99 % of the prior in the plane of two directions, each
   * as lines [[x, y], ...]: of a normal prior exactly, of another from its samples. */
  contours(directions, label) {
    if (directions.some(({ kind }) => kind === "jitter")) return [];
    if (!this.normal) return this.#sampledContours(directions);
    const { mean, stddev } = this.#parameters(label);
    const center = directions.map((direction) => this.space.along(direction, mean));
    const factor = choleskyFactor(directions.map(({ vector }) => vector), stddev);
    return CONTOUR_MASSES.map((mass) => ({
      name: massName(mass),
      lines: [ellipse(center, factor, Math.sqrt(-2 * Math.log(1 - mass)))],
    }));
  }

  /** Contours of all samples, computed once for each pair of directions. */
  #sampledContours(directions) {
    const isSame = this.cached && directions.every((each, i) => each === this.cached.directions[i]);
    if (!isSame) {
      const [xs, ys] = directions.map((direction) => this.#sampleCoordinates(direction));
      const contours = densestRegions(xs, ys, CONTOUR_MASSES);
      const named = contours.map((lines, i) => ({ name: massName(CONTOUR_MASSES[i]), lines }));
      this.cached = { directions, contours: named };
    }
    return this.cached.contours;
  }

  #sampleCoordinates(direction) {
    const { samples: count } = this.facts.prior;
    const width = this.samples.length / count;
    return Array.from({ length: count }, (_, i) => {
      const sample = this.samples.subarray(i * width, (i + 1) * width);
      return this.space.along(direction, this.space.discrete ? this.space.embed(sample) : sample);
    });
  }

  #parameters(label) {
    const index = this.normal.mean.length > 1 ? label : 0;
    return { mean: this.normal.mean[index], stddev: this.normal.stddev[index] };
  }
}

function massName(mass) {
  return `${Math.round(100 * mass)} %`;
}

/** The Cholesky factor [[a, 0], [b, c]] of the covariance along two directions. */
function choleskyFactor([u, v], stddev) {
  const covariance = (p, q) => stddev.reduce((sum, s, i) => sum + s * s * p[i] * q[i], 0);
  const a = Math.sqrt(covariance(u, u));
  const b = covariance(u, v) / a;
  const c = Math.sqrt(Math.max(0, covariance(v, v) - b * b));
  return { a, b, c };
}

function ellipse(center, { a, b, c }, radius) {
  return Array.from({ length: CONTOUR_POINTS + 1 }, (_, i) => {
    const angle = (2 * Math.PI * i) / CONTOUR_POINTS;
    const x = radius * Math.cos(angle);
    const y = radius * Math.sin(angle);
    return [center[0] + a * x, center[1] + b * x + c * y];
  });
}

/** A standard normal number (Box and Muller, 1958). */
function standardNormal() {
  const radius = Math.sqrt(-2 * Math.log(1 - Math.random()));
  return radius * Math.cos(2 * Math.PI * Math.random());
}
