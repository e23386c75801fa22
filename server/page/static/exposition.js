/**
 * Prometheus' text format, as far as a panel needs it: samples with their labels, sums and histograms.
 * The format is described on prometheus.io under "Exposition formats".
 */

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?[ \t]+(\S+)(?:[ \t]+-?\d+)?[ \t]*$/;
const LABEL = /\s*([a-zA-Z_]\w*)\s*=\s*"((?:\\.|[^"\\])*)"\s*,?/y;
const ESCAPED = { n: "\n", "\\": "\\", '"': '"' };

/**
 * @typedef {{labels: Record<string, string>, value: number}} Sample
 * @param {string} text
 * @returns {Map<string, Sample[]>} the samples by the name of their series.
 */
export function parseMetrics(text) {
  const series = new Map();
  for (const line of text.split("\n")) {
    const found = line.startsWith("#") ? null : LINE.exec(line);
    if (!found) continue;
    const [, name, labels, value] = found;
    if (!series.has(name)) series.set(name, []);
    series.get(name).push({ labels: labelsOf(labels ?? ""), value: numberOf(value) });
  }
  return series;
}

/** The sum of a series' samples that have these labels; 0 where there is none. */
export const sumOf = (series, name, labels = {}) =>
  (series.get(name) ?? []).filter(has(labels)).reduce((sum, { value }) => sum + value, 0);

/** The sums of a series by the values of one label. @returns {Record<string, number>} */
export function sumsBy(series, name, label, labels = {}) {
  const sums = {};
  for (const sample of (series.get(name) ?? []).filter(has(labels))) {
    const key = sample.labels[label] ?? "";
    sums[key] = (sums[key] ?? 0) + sample.value;
  }
  return sums;
}

/**
 * A histogram's buckets, each with what fell into it alone.
 *
 * @returns {{from: number, to: number, count: number}[]} from -Infinity up, in order.
 */
export function bucketsOf(series, name, labels = {}) {
  const upTo = Object.entries(sumsBy(series, `${name}_bucket`, "le", labels))
    .map(([le, count]) => ({ to: numberOf(le), count }))
    .sort((a, b) => a.to - b.to);
  return upTo.map(({ to, count }, place) => {
    const before = upTo[place - 1] ?? { to: -Infinity, count: 0 };
    return { from: before.to, to, count: count - before.count };
  });
}

/**
 * The value below which a share of a histogram's samples lies, on the straight line between the edges of its bucket, as
 * Prometheus does it; null where it has seen nothing.
 */
export function quantileOf(buckets, share) {
  const whole = buckets.reduce((sum, { count }) => sum + count, 0);
  let below = 0;
  for (const { from, to, count } of buckets) {
    if (count && below + count >= share * whole) {
      if (!Number.isFinite(from)) return to;
      return Number.isFinite(to) ? from + ((to - from) * (share * whole - below)) / count : from;
    }
    below += count;
  }
  return null;
}

/** The mean of what a histogram has seen; null where it has seen nothing, or has no sum (which one of negative
 * values never has). */
export function meanOf(series, name, labels = {}) {
  const count = sumOf(series, `${name}_count`, labels);
  return count && series.has(`${name}_sum`) ? sumOf(series, `${name}_sum`, labels) / count : null;
}

/** The values that a label has in a series, in order. */
export const valuesOf = (series, name, label) => Object.keys(sumsBy(series, name, label)).sort();

/** What has been added since an earlier reading; a series that began anew (a restart) counts whole. */
export function since(series, earlier) {
  if (!earlier) return series;
  const grown = new Map();
  for (const [name, samples] of series) {
    const before = new Map((earlier.get(name) ?? []).map((one) => [keyOf(one), one.value]));
    grown.set(
      name,
      samples.map((one) => {
        const value = one.value - (before.get(keyOf(one)) ?? 0);
        return { ...one, value: value < 0 ? one.value : value };
      }),
    );
  }
  return grown;
}

const keyOf = ({ labels }) => JSON.stringify(Object.entries(labels).sort());

const has = (wanted) => (sample) =>
  Object.entries(wanted).every(([name, value]) => sample.labels[name] === value);

function labelsOf(text) {
  const labels = {};
  LABEL.lastIndex = 0;
  for (let found = LABEL.exec(text); found; found = LABEL.exec(text)) {
    labels[found[1]] = found[2].replace(/\\(.)/g, (whole, one) => ESCAPED[one] ?? whole);
  }
  return labels;
}

const numberOf = (text) => ({ "+Inf": Infinity, "-Inf": -Infinity })[text] ?? Number(text);
