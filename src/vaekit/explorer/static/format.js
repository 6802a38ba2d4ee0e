// Numbers and names as text.

/** A number with some significant digits, and a true minus sign. */
export function formatNumber(value, digits = 4) {
  return String(Number(value.toPrecision(digits))).replaceAll("-", "−");
}

/** A number with enough decimals to distinguish values within `range`, two at least; a large
 * number, or one of a very small range, in powers of ten. */
export function formatFixed(value, range = 1) {
  return withDecimals(value, Math.max(2, 2 - Math.floor(Math.log10(range))));
}

/** The label of a tick, with the decimals of the step between ticks. */
export function formatTick(value, step) {
  return withDecimals(value, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
}

/** A metric and its standard error, to two digits of the error; without one, the metric alone. */
export function formatMetric({ value, standard_error: error }) {
  if (!error) return formatNumber(value, 5);
  const decimals = Math.min(12, Math.max(0, 1 - Math.floor(Math.log10(error))));
  return `${value.toFixed(decimals)} ± ${error.toFixed(decimals)}`.replaceAll("-", "−");
}

function withDecimals(value, decimals) {
  const isPlain = Math.abs(value) < 1e4 && decimals <= 6;
  const text = isPlain ? value.toFixed(decimals) : value.toExponential(2);
  return (Number(text) ? text : text.replace("-", "")).replaceAll("-", "−"); // no negative zero
}

/** A count with its noun, with a comma between thousands. */
export function formatCount(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** A long name without its beginning: the ends of names distinguish them better. */
export function shorten(name, maxLength = 24) {
  return name.length <= maxLength ? name : `…${name.slice(1 - maxLength)}`;
}
