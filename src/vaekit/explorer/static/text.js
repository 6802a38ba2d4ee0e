// Numbers and names as people read them.

/** A number in so many digits, with a true minus sign. */
export function number(value, digits = 4) {
  return String(Number(value.toPrecision(digits))).replaceAll("-", "−");
}

/** A number with two decimals, and no negative zero; a large one in powers of ten. */
export function fixed(value) {
  const text = Math.abs(value) < 1e4 ? (Math.round(100 * value) / 100 || 0).toFixed(2) : value.toExponential(1);
  return text.replaceAll("-", "−");
}

/** So many things, with a comma between thousands. */
export function count(amount, thing) {
  return `${amount.toLocaleString("en")} ${thing}${amount === 1 ? "" : "s"}`;
}

/** The end of a name that is too long, which tells names apart better than the beginning. */
export function shortened(name, most = 24) {
  return name.length <= most ? name : `…${name.slice(1 - most)}`;
}
