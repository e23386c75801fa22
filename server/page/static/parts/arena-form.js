/** What is compared: a question, typed or from the log, and two versions or two candidates. */

import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";

export function ArenaForm({ t, choices, setup, begin, busy }) {
  const { versions, collections } = choices;
  const names = versions.map(({ version }) => version);
  const several = names.length > 1;
  const field = useRef(null);
  const [mode, setMode] = useState(setup?.mode ?? (several ? "versions" : "candidates"));
  const [pair, setPair] = useState(setup?.versions ?? names.slice(0, 2));
  const [collection, setCollection] = useState(setup?.collection ?? startWith(collections));
  const [question, setQuestion] = useState(setup?.question ?? "");
  const same = mode === "versions" && pair[0] === pair[1];

  useEffect(() => field.current.focus(), []);
  const start = (asked) => !busy && !same && begin({ mode, collection, versions: pair, question: asked });
  const submit = (event) => {
    event.preventDefault();
    if (question.trim()) start(question.trim());
  };
  const onKey = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
  };
  const choose = (place) => (event) =>
    setPair(pair.map((one, n) => (n === place ? event.target.value : one)));

  return html`<form class="card arena-form" onSubmit=${submit}>
    <div class="field">
      <label for="arena-question">${t("question")}</label>
      <textarea
        id="arena-question"
        ref=${field}
        rows="2"
        placeholder=${t("question_hint")}
        value=${question}
        onInput=${(event) => setQuestion(event.target.value)}
        onKeyDown=${onKey}
      />
    </div>
    <div class="arena-choices">
      ${
        several &&
        html`<${Choice} label=${t("mode")} value=${mode} onChange=${(event) => setMode(event.target.value)}>
          ${["versions", "candidates"].map((one) => html`<option value=${one}>${t(`mode_${one}`)}</option>`)}
        <//>`
      }
      ${
        several &&
        mode === "versions" &&
        pair.map(
          (chosen, place) =>
            html`<${Choice}
              label=${t("version_n", { number: place + 1 })}
              value=${chosen}
              onChange=${choose(place)}
            >
              ${names.map((name) => html`<option value=${name}>${name}</option>`)}
            <//>`,
        )
      }
      ${
        collections.length > 1 &&
        html`<${Choice}
          label=${t("collection")}
          value=${collection}
          onChange=${(event) => setCollection(event.target.value)}
        >
          ${collections.map((name) => html`<option value=${name}>${name}</option>`)}
        <//>`
      }
      <span class="filler"></span>
      <button type="button" disabled=${busy || same} onClick=${() => start("")}>${t("from_log")}</button>
      <button class="main" disabled=${busy || same || !question.trim()}>${t("compare")}</button>
    </div>
    ${same && html`<p class="problem small" role="status">${t("same_version")}</p>`}
    ${!several && html`<p class="soft small">${t("one_version")}</p>`}
  </form>`;
}

const startWith = (collections) => (collections.includes("default") ? "default" : collections[0]);

function Choice({ label, value, onChange, children }) {
  return html`<label class="choice"
    ><span>${label}</span
    ><select value=${value} onChange=${onChange}>
      ${children}
    </select></label
  >`;
}
