/** What the judge said of each proposition, and what the person says. */

import { html, useState } from "../vendor/htm-preact.js";

// What is less probable than this is shown on request only, unless it was ruled on.
const UNLIKELY = 0.1;

export function ReviewPropositions({ t, desk, propositions, overruling }) {
  const [all, setAll] = useState(false);
  const shown = propositions.filter(
    (one) => all || overruling || one.probability >= UNLIKELY || one.ruled !== undefined,
  );
  if (!propositions.length) return html`<p class="soft">${t("no_verdict")}</p>`;
  return html`<section aria-label=${t("propositions")}>
    <div class="row">
      <h3>${t("propositions")}</h3>
      ${overruling && html`<span class="badge accent" role="status">${t("overruling", { number: overruling.text || "…" })}</span>`}
      ${
        shown.length < propositions.length || all
          ? html`<button class="quiet small" onClick=${() => setAll(!all)}>
              ${all ? t("likely_only") : t("show_all", { count: propositions.length })}
            </button>`
          : null
      }
    </div>
    <ol class="desk-propositions">
      ${shown.map((one) => html`<${Proposition} key=${one.name} ...${{ t, desk, one }} />`)}
    </ol>
  </section>`;
}

function Proposition({
  t,
  desk,
  one: { number, name, probability, holds, threshold, hard, wording, ruled },
}) {
  const percent = `${Math.round(probability * 100)}%`;
  const words = wording[t.language] ?? name.replaceAll("_", " ");
  const button = (value, word) => {
    const says = value === holds ? "agree_with" : "overrule_it";
    return html`<button
      class="small"
      aria-pressed=${ruled === value ? "true" : "false"}
      aria-label=${`${t(word)}, ${number}: ${words}`}
      title=${t(says)}
      onClick=${() => desk.rule(name, value)}
    >
      ${t(word)}
    </button>`;
  };
  return html`<li
    class=${`${hard && holds ? "broken" : ""} ${ruled !== undefined && ruled !== holds ? "overruled" : ""}`}
  >
    <span class="desk-number">${number}</span>
    <span class="desk-wording"
      >${words} <code>${name}</code>${hard && html` <span class="badge warn">${t("hard")}</span>`}</span
    >
    <span class="bar-track" aria-hidden="true"
      ><span class=${`bar-fill ${holds && hard ? "minus" : ""}`} style=${{ width: percent }} /><span
        class="bar-zero"
        style=${{ left: `${threshold * 100}%` }}
    /></span>
    <span class="desk-percent">${percent}</span>
    <span class="row">${button(true, "yes")}${button(false, "no")}</span>
  </li>`;
}
