/** The turns of the queue, one under the other. */

import { html, useEffect, useRef } from "../vendor/htm-preact.js";

export function ReviewQueue({ t, desk, go }) {
  const list = useRef(null);
  useEffect(
    () => list.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" }),
    [desk.at, desk.items],
  );
  return html`<p class="soft small" role="status">${t("in_queue", { count: t.number(desk.total) })}</p>
    <ol class="desk-queue" ref=${list}>
      ${desk.items.map(
        (item, index) =>
          html`<li key=${item.id}>
            <button
              class=${`desk-item ${item.state}`}
              aria-current=${index === desk.at ? "true" : null}
              onClick=${() => go(index)}
            >
              <span class="desk-question">${item.question}</span>
              <span class="desk-reasons">
                ${item.state === "done" && html`<span class="badge good">${t("state_done")}</span>`}
                ${item.reasons.map((name) => html`<span class=${`badge ${kindOf(name)}`}>${t(`reason_${name}`)}</span>`)}
                <span class="soft small">${t.time(item.created)}</span>
              </span>
            </button>
          </li>`,
      )}
    </ol>`;
}

const kindOf = (name) => (["judge_failed", "disliked"].includes(name) ? "bad" : "warn");
