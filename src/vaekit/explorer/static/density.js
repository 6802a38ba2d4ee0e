// Densest regions of samples in the plane, from a histogram with linear interpolation.

/** For each mass, the border of the densest region with this share of the samples, as lines of two
 * points [[x, y], [x, y]]. */
export function densestRegions(xs, ys, masses) {
  const bins = Math.max(4, Math.round(Math.cbrt(xs.length)));
  const [x, y] = [axis(xs, bins), axis(ys, bins)];
  const side = bins + 2; // with a border of empty bins
  const counts = new Float64Array(side * side);
  xs.forEach((value, i) => counts[bin(x, value, bins) * side + bin(y, ys[i], bins)]++);
  const heights = Float64Array.from(xs, (value, i) => interpolate(counts, side, x, y, value, ys[i]));
  heights.sort();
  return masses.map((mass) => {
    const level = heights[Math.floor((1 - mass) * (heights.length - 1))];
    return borderLines(counts, side, x, y, level);
  });
}

/** The center of the first bin, which is empty, and the width of the bins. */
function axis(values, bins) {
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  const width = Math.max((high - low) / bins, 1e-9 * Math.max(1, Math.abs(low)));
  return { origin: low - width / 2, low, width };
}

function bin({ low, width }, value, bins) {
  return 1 + Math.min(bins - 1, Math.floor((value - low) / width));
}

function interpolate(counts, side, x, y, px, py) {
  const u = (px - x.origin) / x.width;
  const v = (py - y.origin) / y.width;
  const i = Math.min(side - 2, Math.floor(u));
  const j = Math.min(side - 2, Math.floor(v));
  const between = (a, b, t) => a + t * (b - a);
  const at = (di, dj) => counts[(i + di) * side + j + dj];
  return between(between(at(0, 0), at(1, 0), u - i), between(at(0, 1), at(1, 1), u - i), v - j);
}

/** The lines on which the interpolated counts have this level: marching squares. */
function borderLines(counts, side, x, y, level) {
  const lines = [];
  for (let i = 0; i < side - 1; i++) {
    for (let j = 0; j < side - 1; j++) {
      const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
      const heights = corners.map(([a, b]) => counts[a * side + b] - level);
      const crossings = [];
      corners.forEach(([a, b], k) => {
        const next = (k + 1) % 4;
        if (heights[k] > 0 === heights[next] > 0) return;
        const t = heights[k] / (heights[k] - heights[next]);
        const [c, d] = corners[next];
        const [u, v] = [a + t * (c - a), b + t * (d - b)];
        crossings.push([x.origin + u * x.width, y.origin + v * y.width]);
      });
      for (let k = 0; k < crossings.length; k += 2) lines.push(crossings.slice(k, k + 2));
    }
  }
  return lines;
}
