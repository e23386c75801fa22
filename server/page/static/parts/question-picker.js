/** Questions of users that did not go well, to choose one that is to be answered as an example. */

import { inWords } from "../api.js";
import { html, useEffect, useState } from "../vendor/htm-preact.js";
import { Notice } from "./notice.js";

const PAGE = 20;

export function QuestionPicker({ api, t, picked, pick }) {
  const [items, setItems] = useState([]);
  const [hasMore, setHasMore] = useState(false);
  const [error, setError] = useState(null);

  const load = async () => {
    const query = { state: "all", limit: PAGE, after: items.at(-1)?.id };
    try {
      const page = await api.get("v1/reviews", query);
      setItems([...items, ...page.data]);
      setHasMore(page.has_more);
    } catch (problem) {
      setError(problem);
    }
  };
  const choose = (id) => api.get(`v1/reviews/${encodeURIComponent(id)}`).then(pick, setError);
  useEffect(() => void load(), []);

  return html`<section class="picker" aria-label=${t("pick")}>
    <h2>${t("pick")}</h2>
    ${error && html`<${Notice} ...${inWords(error, t)} kind="bad" />`}
    ${items.length === 0 && html`<p class="soft">${t("nothing_to_pick")}</p>`}
    <ol>
      ${items.map(
        (one) =>
          html`<li key=${one.id}>
            <button
              class="quiet"
              aria-pressed=${one.id === picked?.id ? "true" : "false"}
              onClick=${() => choose(one.id)}
            >
              ${one.question}
            </button>
          </li>`,
      )}
    </ol>
    ${hasMore && html`<button class="small" onClick=${load}>${t("more")}</button>`}
  </section>`;
}
