/** Sizes as people read them. */

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"];

/** So many bytes, in the unit that keeps the number short. */
export function bytes(t, count) {
  const power = Math.min(Math.floor(Math.log10(Math.max(count, 1)) / 3), UNITS.length - 1);
  const options = {
    style: "unit",
    unit: UNITS[power],
    unitDisplay: power ? "short" : "long",
    maximumFractionDigits: power ? 1 : 0,
  };
  return t.number(count / 1000 ** power, options);
}
