// Numbers and names as people read them.

/** A number in so many digits, with a true minus sign. */
export function number(value, digits = 4) {
  return String(Number(value.toPrecision(digits))).replace("-", "−");
}

/** A number with two decimals, and no negative zero. */
export function fixed(value) {
  return (Math.round(100 * value) / 100 || 0).toFixed(2).replace("-", "−");
}

/** So many things, with a comma between thousands. */
export function count(amount, thing) {
  return `${amount.toLocaleString("en")} ${thing}${amount === 1 ? "" : "s"}`;
}

/** The end of a name that is too long, which tells names apart better than the beginning. */
export function shortened(name, most = 24) {
  return name.length <= most ? name : `…${name.slice(1 - most)}`;
}
