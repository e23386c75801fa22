/** What stood behind an answer: the prompt as it was sent, the passages, what people said, the versions. */

import { html } from "../vendor/htm-preact.js";

const textOf = ({ content, tool_calls }) =>
  typeof content === "string" ? content : JSON.stringify(content ?? tool_calls ?? "", null, 1);

export function ReviewProof({ t, record }) {
  const { feedback, passages, messages, turned_down, versions } = record;
  return html`<div class="desk-proof">
    ${
      feedback.length > 0 &&
      html`<section>
        <h3>${t("said")}</h3>
        <ul>
          ${feedback.map((one) => html`<li key=${one.id} class=${one.state}>${saidIn(t, one)}</li>`)}
        </ul>
      </section>`
    }
    ${
      turned_down.length > 0 &&
      html`<section>
        <h3>${t("turned_down")}</h3>
        <ol>
          ${turned_down.map(({ reason }) => html`<li>${reason}</li>`)}
        </ol>
      </section>`
    }
    <details>
      <summary>${t("passages_n", { count: passages.length })}</summary>
      ${passages.map(
        (one, index) =>
          html`<blockquote>
            <p class="soft small">${one.number ?? index + 1} · ${one.title || one.document}</p>
            <p class="as-written">${one.text}</p>
          </blockquote>`,
      )}
    </details>
    <details>
      <summary>${t("prompt_n", { count: messages.length })}</summary>
      ${messages.map(
        (one) =>
          html`<div class="desk-message">
            <b>${one.role}</b>
            <p class="as-written">${textOf(one)}</p>
          </div>`,
      )}
    </details>
    <p class="soft small desk-versions">
      ${Object.entries(versions).map(([name, value]) => html`<span>${name} ${value}</span> `)} ${record.id}
    </p>
  </div>`;
}

function saidIn(t, one) {
  const words = [one.correction, one.comment, ...(one.reason_codes ?? [])].filter(Boolean).join(" · ");
  const stated = Object.entries(one.propositions ?? {});
  const value = one.value === undefined ? "" : ` ${String(one.value)}`;
  const ruled =
    one.type === "ruling" && !stated.length && !one.class
      ? t("agreed")
      : [one.class].filter(Boolean).join("");
  const named = stated.slice(0, 4).map(([name, holds]) => `${name}: ${t(holds ? "yes" : "no")}`);
  const more = stated.length > 4 ? ` +${stated.length - 4}` : "";
  return html`<span class="badge">${t(`type_${one.type}`)}${value}</span>
    ${ruled} ${named.join(", ")}${more}
    <span class="as-written">${words}</span>
    <span class="soft small"
      >${one.rater} ${t.time(one.created)} ${one.state !== "counts" && t(`feedback_${one.state}`)}</span
    >`;
}
