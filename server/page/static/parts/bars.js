/** Bars drawn with a few elements: values around a zero line, and a whole that is made of parts. */

import { html } from "../vendor/htm-preact.js";

/** @param {{rows: {label: string, value: number, shown: string, note?: string, evidence?: string}[]}} props */
export function SignedBars({ rows }) {
  const most = Math.max(...rows.map(({ value }) => Math.abs(value)), 1e-9);
  const negative = Math.max(...rows.map(({ value }) => -value), 0);
  const positive = Math.max(...rows.map(({ value }) => value), 0);
  const whole = negative + positive || most;
  const zero = (negative / whole) * 100;
  return html`<ul class="bars">
    ${rows.map(({ label, value, shown, note, evidence }) => {
      const width = (Math.abs(value) / whole) * 100;
      const style = { left: `${value < 0 ? zero - width : zero}%`, width: `${width}%` };
      return html`<li>
        <span class="bar-label">${label}${note && html`${"\u00a0"}<span class="soft">${note}</span>`}</span>
        <span class="bar-track" aria-hidden="true">
          <span class=${`bar-fill ${value < 0 ? "minus" : ""}`} style=${style} />
          <span class="bar-zero" style=${{ left: `${zero}%` }} />
        </span>
        <span class="bar-value">${shown}</span>
        ${evidence && html`<q class="bar-evidence">${evidence}</q>`}
      </li>`;
    })}
  </ul>`;
}

/** @param {{t: Function, stages: Record<string, number>}} props milliseconds by stage, in their order. */
export function StageBar({ t, stages }) {
  const parts = Object.entries(stages);
  const whole = parts.reduce((sum, [, ms]) => sum + ms, 0) || 1;
  return html`<div class="stage-track" aria-hidden="true">
      ${parts.map(([name, ms]) => html`<span class=${`stage-${name}`} style=${{ width: `${(ms / whole) * 100}%` }} />`)}
    </div>
    <dl class="stages">
      ${parts.map(
        ([name, ms]) =>
          html`<div>
            <dt><i class=${`stage-${name}`} aria-hidden="true" />${t(`stage_${name}`)}</dt>
            <dd>${t("ms", { count: t.number(ms, { maximumFractionDigits: ms < 10 ? 1 : 0 }) })}</dd>
          </div>`,
      )}
    </dl>`;
}
