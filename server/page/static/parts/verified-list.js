/** The verified answers: which questions have one, whether it is in force, and an end to it. */

import { inWords } from "../api.js";
import { may } from "../tabs.js";
import { html, useEffect, useState } from "../vendor/htm-preact.js";
import { Notice } from "./notice.js";

const KIND = { in_force: "good", expired: "warn", withdrawn: "" };

export function VerifiedList({ api, t, caller }) {
  const [answers, setAnswers] = useState(null);
  const [error, setError] = useState(null);
  const load = () => api.get("v1/verified_answers").then(({ data }) => setAnswers(data), setError);
  useEffect(() => void load(), []);

  const withdraw = async (id) => {
    setError(null);
    try {
      await api.delete(`v1/verified_answers/${encodeURIComponent(id)}`);
      await load();
    } catch (problem) {
      setError(problem);
    }
  };

  return html`<div class="desk-verified">
    <h2>${t("verified_answers")}</h2>
    ${error && html`<${Notice} ...${inWords(error, t)} kind="bad" />`}
    ${answers?.length === 0 && html`<p class="soft">${t("no_verified")}</p>`}
    <ul>
      ${(answers ?? []).map(
        (one) =>
          html`<li key=${one.id} class="card">
            <p class="row">
              <span class=${`badge ${KIND[one.state]}`}>${t(`verified_${one.state}`)}</span>
              <span class="soft small"
                >${one.state === "expired" && `${one.reason} `}${t("verified_served", { count: t.number(one.served ?? 0) })}</span
              >
            </p>
            <p class="as-written"><b>${one.question}</b></p>
            <p class="as-written">${one.answer}</p>
            <p class="soft small">${one.sources.map(({ title, path }) => title || path).join(", ")}</p>
            ${
              one.state === "in_force" &&
              may(caller.role, "admin") &&
              html`<button class="small danger" onClick=${() => withdraw(one.id)}>${t("withdraw")}</button>`
            }
          </li>`,
      )}
    </ul>
  </div>`;
}
