/** The other candidates of a turn: what else might have been said, and what the judge thought of it. */

import { inWords } from "../api.js";
import { markdown } from "../markdown.js";
import { kindOfClass } from "../outcome.js";
import { may } from "../tabs.js";
import { html, useState } from "../vendor/htm-preact.js";

export function Candidates({ api, t, caller, exchange, others }) {
  const [said, setSaid] = useState({});
  const served = exchange.plumbline.candidates.find((one) => one.served);
  const prefer = async (other) => {
    const pair = { id: exchange.id, type: "pair", preferred_id: other.id, rejected_id: served.id };
    try {
      await api.post("v1/feedback", pair);
      setSaid({ ...said, [other.id]: t("thanks") });
    } catch (error) {
      setSaid({ ...said, [other.id]: inWords(error, t).title });
    }
  };
  return html`<ol class="candidates">
    ${others.map(
      (other) =>
        html`<li class="card">
          <p class="verdict-line">
            <span>${t("attempt_n", { count: other.attempt + 1 })}</span>
            ${
              other.verdict.class &&
              html`<span class=${`badge ${kindOfClass(other.verdict.class)}`}
                  >${t(`class_${other.verdict.class}`)}</span
                >
                <span>${t("reward")} <b>${t.number(other.verdict.reward)}</b></span>`
            }
          </p>
          ${
            other.content === null
              ? html`<p class="soft">${t("withheld")}</p>`
              : html`<div class="said">${markdown(other.content)}</div>`
          }
          ${
            served &&
            other.content !== null &&
            may(caller.role, "rater") &&
            html`<p class="row">
              <button class="small" disabled=${other.id in said} onClick=${() => prefer(other)}>
                ${t("prefer")}
              </button>
              <span class="soft small" role="status">${said[other.id]}</span>
            </p>`
          }
        </li>`,
    )}
  </ol>`;
}
