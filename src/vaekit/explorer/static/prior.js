// The prior: draws from it, and its density on a map.

const SHARES = [0.5, 0.9, 0.99];
const CORNERS = 192; // of what looks like a circle

export class Prior {
  constructor(facts, arrays, space) {
    Object.assign(this, { facts, space, normal: facts.prior.mean ? facts.prior : null, draws: arrays.draws, next: 0 });
  }

  /** A code z drawn from p(z), or p(z given the class), with its entries where it is discrete. Of a prior that is not normal
   * the next of some drawn before. */
  sample(label) {
    if (this.normal) {
      const { mean, sd } = this.#of(label);
      return { z: Float32Array.from(mean, (value, i) => value + sd[i] * gaussian()) };
    }
    const classes = this.facts.conditional ? this.facts.classes.length : 1;
    const count = this.facts.prior.draws;
    const index = (this.next++ % (count / classes)) * classes + label; // drawn for each class in turn
    const width = this.draws.length / count;
    const drawn = this.draws.subarray(index * width, (index + 1) * width);
    return this.space.discrete ? { z: this.space.embed(drawn), indices: drawn } : { z: Float32Array.from(drawn) };
  }

  /** Closed lines [[x, y], ...] that hold 50, 90 and 99 % of the prior's mass on the map; none of a prior that is not normal. */
  contours(directions, label) {
    if (!this.normal || directions.some(({ kind }) => kind === "spread")) return [];
    const { mean, sd } = this.#of(label);
    const centre = directions.map((direction) => this.space.along(direction, mean));
    const [u, v] = directions.map(({ vector }) => vector);
    const covariance = (a, b) => sd.reduce((sum, s, i) => sum + s * s * a[i] * b[i], 0);
    const a = Math.sqrt(covariance(u, u)); // the Cholesky factor [[a, 0], [b, c]]
    const b = covariance(u, v) / a;
    const c = Math.sqrt(Math.max(0, covariance(v, v) - b * b));
    return SHARES.map((share) => {
      const radius = Math.sqrt(-2 * Math.log(1 - share));
      const line = Array.from({ length: CORNERS + 1 }, (_, i) => {
        const angle = (2 * Math.PI * i) / CORNERS;
        const [x, y] = [radius * Math.cos(angle), radius * Math.sin(angle)];
        return [centre[0] + a * x, centre[1] + b * x + c * y];
      });
      return { name: `${100 * share} %`, line };
    });
  }

  #of(label) {
    const which = this.normal.mean.length > 1 ? label : 0;
    return { mean: this.normal.mean[which], sd: this.normal.sd[which] };
  }
}

function gaussian() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}
