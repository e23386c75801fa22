/** What the judge thought of an answer: one line below it, and the whole on request. */

import { kindOfClass, outcomes } from "../outcome.js";
import { html, useEffect, useState } from "../vendor/htm-preact.js";
import { SignedBars, StageBar } from "./bars.js";

const MOST_PROPOSITIONS = 8;

const word = (t, prefix, name) =>
  t.has(`${prefix}_${name}`) ? t(`${prefix}_${name}`) : name.replaceAll("_", " ");
const number = (t, value) => t.number(value, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const signed = (t, value) => `${value > 0 ? "+" : "−"}${number(t, Math.abs(value))}`;
const totalOf = (stages) => Object.values(stages ?? {}).reduce((sum, ms) => sum + ms, 0);

/** Decision, class, reward, attempts, policy version and time, as small as that can be said. */
export function VerdictLine({ t, exchange: { plumbline, refusal } }) {
  const { verdict, policy_version, attempts, stages_ms } = plumbline;
  return html`<p class="verdict-line">
    ${outcomes(plumbline, refusal).map(
      ({ name, kind }) =>
        html`<span class=${`badge ${kind}`} title=${t(`outcome_${name}_why`)}
          >${t(`outcome_${name}`)}</span
        > `,
    )}
    ${verdict?.class && html`<span class=${`badge ${kindOfClass(verdict.class)}`} title=${t("class")}>${word(t, "class", verdict.class)}</span>`}
    ${verdict?.class && html`<span>${t("reward")} <b>${number(t, verdict.reward)}</b></span>`}
    ${attempts > 1 && html`<span>${t("attempts_n", { count: attempts })}</span>`}
    <span>${policy_version}</span>
    ${stages_ms && html`<span>${t("ms", { count: t.number(Math.round(totalOf(stages_ms))) })}</span>`}
  </p>`;
}

/** The reward and its terms, the propositions that weigh most, the attempts, and the time by stage. */
export function Verdict({ api, t, exchange: { plumbline, id } }) {
  const { verdict, stages_ms } = plumbline;
  const rubric = useRubric(api);
  const terms = verdict?.class ? termsOf(verdict, rubric) : [];
  const bar = ({ name, value, probability, evidence }) => ({
    label: wordingOf(t, rubric, name),
    value,
    shown: signed(t, value),
    note: t.number(probability, { style: "percent" }),
    evidence,
  });
  return html`<div class="verdict">
    <${Why} ...${{ t, plumbline, rubric }} />
    <div class="verdict-side">
      ${
        verdict?.class &&
        html`<section>
          <h3>${t("reward")} ${number(t, verdict.reward)}</h3>
          <${SignedBars}
            rows=${["rm", "rbr"].map((name) => ({ label: t(`term_${name}`), value: verdict[name], shown: signed(t, verdict[name]) }))}
          />
        </section>`
      }
      ${
        stages_ms &&
        html`<section>
          <h3>${t("time")}</h3>
          <${StageBar} t=${t} stages=${stages_ms} />
        </section>`
      }
    </div>
    ${
      terms.length > 0 &&
      html`<section>
        <h3>${t("propositions")}</h3>
        <${SignedBars} rows=${terms.map(bar)} />
      </section>`
    }
    <p class="soft small versions">
      ${verdict?.rubric_version && `${t("rubric")} ${verdict.rubric_version} · ${t("judge")} ${verdict.grader_version} · `}${id}
    </p>
  </div>`;
}

function Why({ t, plumbline: { verdict, reason, turned_down }, rubric }) {
  return html`<section class="wide">
    <h3>${t("why")}</h3>
    <p>${reason}</p>
    ${verdict?.error && html`<p class="problem">${verdict.error.message}</p>`}
    ${turned_down.map((one, index) => html`<p class="soft">${t("attempt_n", { count: index + 1 })}: ${one.reason}</p>`)}
    ${
      verdict?.violations?.length > 0 &&
      html`<p class="problem">
        ${t("violations")}: ${verdict.violations.map((name) => wordingOf(t, rubric, name)).join(" ")}
      </p>`
    }
  </section>`;
}

/** The rubric in force, fetched once. The terms are more than a verdict must say; without them the rest stands. */
function useRubric(api) {
  const [rubric, setRubric] = useState(null);
  useEffect(() => {
    api.rubric ??= api.get("v1/rubric");
    api.rubric.then(setRubric, () => delete api.rubric);
  }, []);
  return rubric;
}

/** What a proposition says, in the language of the page. */
const wordingOf = (t, rubric, name) =>
  rubric?.propositions[name]?.wording[t.language] ?? word(t, "proposition", name);

/** The terms of the rule part, the heaviest first: weight times probability. */
function termsOf(verdict, rubric) {
  const kind = Object.keys(verdict.response_type)[0];
  const weights = rubric?.response_types[kind]?.weights ?? {};
  return Object.entries(verdict.propositions)
    .filter(([name]) => weights[name])
    .map(([name, probability]) => {
      return { name, probability, value: weights[name] * probability, evidence: verdict.evidence[name] };
    })
    .filter(({ value }) => Math.abs(value) >= 0.005)
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value))
    .slice(0, MOST_PROPOSITIONS);
}
