// Numbers and names as people read them.

/** A number in so many digits, with a true minus sign. */
export function number(value, digits = 4) {
  return String(Number(value.toPrecision(digits))).replaceAll("-", "−");
}

/** A number with the decimals that tell values apart that lie within `extent`, two at least; a large one, or one among very
 * small ones, in powers of ten. */
export function fixed(value, extent = 1) {
  return plain(value, Math.max(2, 2 - Math.floor(Math.log10(extent))));
}

/** A round number among others that are a `step` apart. */
export function tick(value, step) {
  return plain(value, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
}

/** A figure and its standard error, to two digits of the error; the figure alone where there is none. */
export function withError({ value, standard_error: error }) {
  if (!error) return number(value, 5);
  const decimals = Math.min(12, Math.max(0, 1 - Math.floor(Math.log10(error))));
  return `${value.toFixed(decimals)} ± ${error.toFixed(decimals)}`.replaceAll("-", "−");
}

function plain(value, decimals) {
  const text = Math.abs(value) < 1e4 && decimals <= 6 ? value.toFixed(decimals) : value.toExponential(2);
  return (Number(text) ? text : text.replace("-", "")).replaceAll("-", "−"); // no negative zero
}

/** So many things, with a comma between thousands. */
export function count(amount, thing) {
  return `${amount.toLocaleString("en")} ${thing}${amount === 1 ? "" : "s"}`;
}

/** The end of a name that is too long, which tells names apart better than the beginning. */
export function shortened(name, most = 24) {
  return name.length <= most ? name : `…${name.slice(1 - most)}`;
}
