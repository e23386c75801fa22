/** The histogram of one version's rewards: drawn, and as a table for those who can't see it. */

import { html } from "../vendor/htm-preact.js";

const HEIGHT = 100;

export function Histogram({ t, version, count, median, buckets }) {
  const shown = trimmed(buckets);
  const most = Math.max(...shown.map((one) => one.count), 1);
  const step = 100 / shown.length;
  return html`<figure class="histogram">
    <figcaption>
      <b>${version}</b>
      <span class="soft"
        >${t("reward_median", { median: t.number(median ?? 0, { maximumFractionDigits: 1 }), count: t.number(count) })}</span
      >
    </figcaption>
    <svg viewBox="0 0 100 ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
      ${shown.map((one, place) => {
        const height = (HEIGHT * one.count) / most;
        return html`<rect
          class=${one.to <= 0 ? "minus" : ""}
          x=${place * step + 0.4}
          width=${step - 0.8}
          y=${HEIGHT - height}
          height=${height}
        />`;
      })}
    </svg>
    <div class="histogram-scale" aria-hidden="true">
      ${shown.map((one) => html`<span>${edge(t, one.to)}</span>`)}
    </div>
    <table class="sr-only">
      <caption>
        ${t("rewards")}: ${version}
      </caption>
      <thead>
        <tr>
          <th scope="col">${t("reward_range")}</th>
          <th scope="col">${t("count")}</th>
        </tr>
      </thead>
      <tbody>
        ${shown.map(
          (one) =>
            html`<tr>
              <td>${t("range", { from: edge(t, one.from), to: edge(t, one.to) })}</td>
              <td>${t.number(one.count)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </figure>`;
}

/** Without the empty buckets at both ends, but never fewer than a few. */
function trimmed(buckets) {
  const filled = buckets.map(({ count }, place) => (count ? place : -1)).filter((place) => place >= 0);
  if (!filled.length) return buckets;
  const first = Math.max(Math.min(filled[0], buckets.length - 6) - 1, 0);
  return buckets.slice(first, Math.max(filled.at(-1) + 2, first + 6));
}

function edge(t, value) {
  if (value === Infinity) return "∞";
  return value === -Infinity ? "−∞" : t.number(value);
}
