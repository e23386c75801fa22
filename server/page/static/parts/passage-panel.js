/** A passage beside the answer that cites it: the cited words marked, its document, page and score. */

import { claimOf, markCited } from "../cited.js";
import { html, useEffect, useRef } from "../vendor/htm-preact.js";

/**
 * @param {{t: Function, exchange: object, number: number, index: number | null, choose: (number: number) => void,
 *   close: () => void}} props `index` says which annotation was opened; null where a passage is only looked at.
 */
export function PassagePanel({ t, exchange, number, index, choose, close }) {
  const head = useRef(null);
  const { content, annotations, plumbline } = exchange;
  const passages = plumbline.passages;
  const passage = passages.find((one) => one.number === number);
  const claim = index === null ? "" : claimOf(content, annotations, index);
  const cited = new Set(annotations.map(({ url_citation }) => url_citation.url));

  useEffect(() => head.current.focus(), [number, index]);

  return html`<aside class="passage" aria-label=${t("source_n", { number })}>
    <div class="passage-head">
      <h2 ref=${head} tabindex="-1">${passage.title || passage.document}</h2>
      <button class="quiet close" aria-label=${t("close")} onClick=${close}>×</button>
    </div>
    <dl class="facts">
      <dt>${t("document")}</dt>
      <dd class="path">${passage.document}</dd>
      ${
        passage.heading &&
        html`<dt>${t("section")}</dt>
          <dd>${passage.heading}</dd>`
      }
      ${
        passage.page !== null &&
        html`<dt>${t("page")}</dt>
          <dd>${passage.page}</dd>`
      }
      <dt>${t("score")}</dt>
      <dd>${t.number(passage.score, { minimumFractionDigits: 3, maximumFractionDigits: 3 })}</dd>
    </dl>
    <blockquote class="passage-text" tabindex="0">
      ${markCited(passage.text, claim).map(([text, isCited]) => (isCited ? html`<mark>${text}</mark>` : text))}
    </blockquote>
    <div class="passage-others" role="group" aria-label=${t("sources")}>
      <span class="soft small">${t("sources")}</span>
      ${passages.map(
        (one) =>
          html`<button
            class=${`chip ${cited.has(one.url) ? "" : "uncited"}`}
            aria-pressed=${one.number === number ? "true" : "false"}
            aria-label=${t("open_source", { number: one.number, title: one.title })}
            title=${one.title}
            onClick=${() => choose(one.number)}
          >
            ${one.number}
          </button>`,
      )}
    </div>
  </aside>`;
}
