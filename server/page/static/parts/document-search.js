/** A search in one collection, with scores: what the retriever finds, before any answer is written. */

import { inWords } from "../api.js";
import { Notice } from "./notice.js";
import { html, useState } from "../vendor/htm-preact.js";

export function DocumentSearch({ api, t, collection, open }) {
  const [query, setQuery] = useState("");
  const [found, setFound] = useState(null);
  const [error, setError] = useState(null);

  const search = async (event) => {
    event.preventDefault();
    setError(null);
    if (!query.trim()) return setFound(null);
    try {
      const path = `v1/vector_stores/${encodeURIComponent(collection)}/search`;
      const { data } = await api.post(path, { query: query.trim(), max_num_results: 10 });
      setFound(data);
    } catch (problem) {
      setError(problem);
    }
  };
  const best = Math.max(...(found ?? []).map(({ score }) => score), 1e-9);
  return html`<form class="search" role="search" onSubmit=${search}>
      <input
        type="search"
        aria-label=${t("search_in", { collection })}
        placeholder=${t("search_in", { collection })}
        value=${query}
        onInput=${(event) => setQuery(event.target.value)}
      />
      <button>${t("search")}</button>
    </form>
    ${error && html`<${Notice} ...${inWords(error, t)} kind="bad" />`}
    ${
      found &&
      html`<section class="found" aria-label=${t("results")}>
        <p class="soft small" role="status">${t("found", { count: found.length })}</p>
        <ol>
          ${found.map(
            (one) =>
              html`<li class="card">
                <div class="found-head">
                  <button class="link" onClick=${() => open({ id: one.file_id, text: one.content[0].text })}>
                    ${one.filename}
                  </button>
                  <span class="score" title=${t("score_why")}
                    ><span class="score-track" aria-hidden="true"
                      ><span style=${{ width: `${(100 * one.score) / best}%` }} /></span
                    >${t("score", { value: t.number(one.score, { maximumSignificantDigits: 3 }) })}</span
                  >
                </div>
                <p class="found-text">${one.content[0].text}</p>
              </li>`,
          )}
        </ol>
      </section>`
    }`;
}
