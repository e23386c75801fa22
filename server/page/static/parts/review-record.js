/** A turn whole: what was asked and said, what the judge thought of each candidate, and what people say of it. */

import { markEvidence } from "../evidence.js";
import { kindOfClass } from "../outcome.js";
import { html } from "../vendor/htm-preact.js";
import { ReviewAnswer } from "./review-answer.js";
import { ReviewPropositions } from "./review-propositions.js";
import { ReviewProof } from "./review-proof.js";

const CLASSES = ["ideal", "minimum_acceptable", "unacceptable", "illogical", "disallowed"];

export function ReviewRecord({ api, t, caller, desk, settle, writing, setWriting, overruling }) {
  const { record, candidate, propositions, draft } = desk;
  const spoken = Object.keys(draft.said).length || draft.class;
  return html`<article class="desk-record">
    <header>
      <p class="desk-facts soft small">
        <span>${t.time(record.created)}</span>
        <span>${record.policy_version}</span>
        <span>${record.collection}</span>
        <span>${t("seconds", { count: t.number(record.seconds) })}</span>
        <span>${record.reason}</span>
      </p>
      <h2 class="as-written">${record.question}</h2>
    </header>
    <${Candidates} ...${{ t, desk, record, candidate }} />
    <div class="card desk-answer">
      ${candidate ? html`<${Marked} text=${candidate.text} propositions=${propositions} />` : html`<p class="as-written">${record.answer}</p>`}
      ${record.decision === "refuse" && html`<p class="problem">${t("was_refused", { answer: record.answer ?? "" })}</p>`}
      ${candidate?.verdict.error && html`<p class="problem">${candidate.verdict.error.message}</p>`}
    </div>
    <${ReviewPropositions} ...${{ t, desk, propositions, overruling }} />
    <div class="row desk-actions">
      <button class="main" onClick=${() => settle(true)}>
        ${t(spoken ? "agree_rest" : "agree")} <kbd>a</kbd>
      </button>
      <button onClick=${() => settle(false)} disabled=${!spoken}>${t("save_only")} <kbd>s</kbd></button>
      <button onClick=${() => setWriting(true)}>${t("write")} <kbd>e</kbd></button>
      <label class="row">
        <span>${t("class")}</span>
        <select
          value=${draft.class}
          onChange=${(event) => {
            draft.class = event.target.value;
            desk.changed();
          }}
        >
          <option value="">
            ${candidate?.class ? t("class_as", { name: t(`class_${candidate.class}`) }) : t("class_open")}
          </option>
          ${CLASSES.map((name) => html`<option value=${name}>${t(`class_${name}`)}</option>`)}
        </select>
      </label>
      <a href=${`#write/${record.id}`}>${t("demonstrate")}</a>
    </div>
    <${ReviewAnswer} ...${{ api, t, caller, desk, writing, setWriting }} />
    <${ReviewProof} ...${{ t, record }} />
  </article>`;
}

function Candidates({ t, desk, record, candidate }) {
  if (!record.candidates.length) return null;
  return html`<div class="row" role="group" aria-label=${t("candidates")}>
    ${record.candidates.map(
      (one, index) =>
        html`<button
          class="small"
          aria-pressed=${one === candidate ? "true" : "false"}
          onClick=${() => desk.show(one.id)}
        >
          ${t("candidate_n", { number: index + 1 })}${one.served && ` · ${t("served")}`}${one.attempt > 0 && ` · ${t("attempt_n", { count: one.attempt + 1 })}`}
          ${one.reward !== null && ` · ${t.number(one.reward)}`}
        </button>`,
    )}
    ${candidate?.class && html`<span class=${`badge ${kindOfClass(candidate.class)}`}>${t(`class_${candidate.class}`)}</span>`}
    ${candidate && candidate.verdict.reward !== undefined && html`<span class="soft small">${t("reward_of", sums(t, candidate.verdict))}</span>`}
  </div>`;
}

const sums = (t, { reward, rm, rbr }) => {
  const shown = (value) => t.number(value, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  return { reward: shown(reward), rm: shown(rm ?? 0), rbr: shown(rbr ?? 0) };
};

function Marked({ text, propositions }) {
  // What surely does not hold has no sentence that caused it.
  return html`<p class="as-written">
    ${markEvidence(text, propositions).map(({ text, numbers, ends }) =>
      numbers.length ? html`<mark>${text}${ends.map((number) => html`<sup>${number}</sup>`)}</mark>` : text,
    )}
  </p>`;
}
