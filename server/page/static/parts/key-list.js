/** The keys that a tab knows. */

import { html } from "../vendor/htm-preact.js";
import { Dialog } from "./dialog.js";

/**
 * @param keys pairs of the keys and the word for what they do
 * @param when in which case they are heard, if not always
 */
export function KeyList({ t, title, keys, when = "", close }) {
  return html`<${Dialog} title=${t(title)} onClose=${close} closeWord=${t("close")}>
    ${when && html`<p class="soft small">${t(when)}</p>`}
    <dl class="keys">
      ${keys.map(
        ([names, word]) =>
          html`<div>
            <dt>${names.map((name) => html`<kbd>${name}</kbd> `)}</dt>
            <dd>${t(word)}</dd>
          </div>`,
      )}
    </dl>
  <//>`;
}
