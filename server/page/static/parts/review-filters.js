/** Which turns the queue shows. */

import { html, useEffect, useState } from "../vendor/htm-preact.js";

const REASONS = ["judge_failed", "unsure", "refused", "regenerated", "disliked"];
const STATES = ["open", "done", "all"];

export function ReviewFilters({ api, t, desk }) {
  const [collections, setCollections] = useState([]);
  // Without their names the queue is still there.
  useEffect(
    () =>
      void api.get("v1/collections").then(
        ({ data }) => setCollections(data),
        () => {},
      ),
    [],
  );

  const choose = (name) => (event) => {
    desk.filters[name] = event.target.value.trim();
    desk.open();
  };
  const select = (name, options) =>
    html`<label class="field">
      <span>${t(`filter_${name}`)}</span>
      <select value=${desk.filters[name]} onChange=${choose(name)}>
        ${options.map(([value, shown]) => html`<option value=${value}>${shown}</option>`)}
      </select>
    </label>`;

  return html`<form class="desk-filters" onSubmit=${(event) => event.preventDefault()}>
    ${select("reason", [["", t("any")], ...REASONS.map((name) => [name, t(`reason_${name}`)])])}
    ${select(
      "state",
      STATES.map((name) => [name, t(`state_${name}`)]),
    )}
    ${select("language", [
      ["", t("any")],
      ["en", "English"],
      ["zh", "中文"],
    ])}
    ${select("collection", [["", t("any")], ...collections.map(({ name, id }) => [name ?? id, name ?? id])])}
    <label class="field wide">
      <span>${t("filter_policy_version")}</span>
      <input value=${desk.filters.policy_version} onChange=${choose("policy_version")} />
    </label>
  </form>`;
}
