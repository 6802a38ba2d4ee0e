// The color and the shape of a class, the same as in plots.

/** The color of a class as [r, g, b]; it is visible on both themes. */
export function classColor({ colors }, label) {
  const text = colors[label % colors.length];
  return [1, 3, 5].map((start) => parseInt(text.slice(start, start + 2), 16));
}

/** The shape of a class: a polygon [[x, y], ...] from -1 to 1, y upward. */
export function classShape({ shapes }, label) {
  return shapes[label % shapes.length];
}
