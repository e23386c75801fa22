/** One answer: its text with numbered citations, its verdict, and what people say of it. */

import { inWords } from "../api.js";
import { markdown } from "../markdown.js";
import { may } from "../tabs.js";
import { html, useState } from "../vendor/htm-preact.js";
import { Candidates } from "./candidates.js";
import { Notice } from "./notice.js";
import { Opinion } from "./opinion.js";
import { Verdict, VerdictLine } from "./verdict.js";

/**
 * @param {{api: object, t: Function, caller: object, exchange: import("../conversation.js").Exchange,
 *   open: (number: number, index: number) => void, again: (() => void) | null}} props
 */
export function Answer({ api, t, caller, exchange, open, again }) {
  const [detail, setDetail] = useState("");
  const { content, annotations, plumbline, state, error } = exchange;
  const chip = (number, index) =>
    html`<${Chip} ...${{ t, number, plumbline }} open=${() => open(number, index)} />`;
  const toggle = (name) => setDetail(detail === name ? "" : name);
  const writing = state === "waiting" || state === "writing" ? "true" : "false";
  const others = plumbline?.candidates?.filter((one) => !one.served) ?? [];

  return html`<article class="answer" aria-label=${t("answer")} aria-busy=${writing}>
    ${state === "waiting" && html`<p class="waiting" role="status"><span class="dots" aria-hidden="true" />${t("waiting")}</p>`}
    ${plumbline?.verified_answer && html`<${VerifiedNote} t=${t} verified=${plumbline.verified_answer} />`}
    <div class="said" aria-live="polite" aria-busy=${writing}>
      ${markdown(content, plumbline ? annotations : [], chip)}
    </div>
    ${state === "stopped" && html`<${Notice} title=${t("stopped")} action=${again && t("ask_again")} onAction=${again} />`}
    ${error && html`<${Notice} ...${inWords(error, t)} kind="bad" action=${again && t("retry")} onAction=${again} />`}
    ${
      plumbline &&
      html`<${VerdictLine} ...${{ t, exchange }} />
        <div class="answer-foot">
          ${may(caller.role, "rater") && html`<${Opinion} ...${{ api, t, exchange }} />`}
          <span class="filler"></span>
          ${
            others.length > 0 &&
            html`<${Toggle}
              word=${t("others", { count: others.length })}
              is=${detail === "others"}
              on=${() => toggle("others")}
            />`
          }
          <${Toggle} word=${t("verdict")} is=${detail === "verdict"} on=${() => toggle("verdict")} />
        </div>
        ${detail === "verdict" && html`<${Verdict} ...${{ api, t, exchange }} />`}
        ${detail === "others" && html`<${Candidates} ...${{ api, t, caller, exchange, others }} />`}`
    }
  </article>`;
}

function Toggle({ word, is, on }) {
  return html`<button class="quiet small" aria-expanded=${is ? "true" : "false"} onClick=${on}>
    ${word}
  </button>`;
}

function Chip({ t, number, plumbline, open }) {
  const title = plumbline.passages.find((one) => one.number === number)?.title ?? "";
  const word = t("open_source", { number, title });
  return html`<button class="chip" aria-label=${word} title=${title} onClick=${open}>${number}</button>`;
}

function VerifiedNote({ t, verified }) {
  const values = {
    question: verified.question,
    similarity: t.number(verified.similarity, { style: "percent" }),
  };
  return html`<p class="verified-note">${t("verified_note", values)}</p>`;
}
