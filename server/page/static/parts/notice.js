/** A sentence that matters, with what can be done about it. `kind` is `bad`, `warn`, `good` or `plain`. */

import { html } from "../vendor/htm-preact.js";

export function Notice({ title, detail, kind = "plain", action, onAction, children }) {
  return html`<div class="notice ${kind}" role=${kind === "bad" ? "alert" : "status"}>
    <p class="notice-title">${title}</p>
    ${detail && detail !== title && html`<p class="notice-detail">${detail}</p>`} ${children}
    ${action && html`<button type="button" onClick=${onAction}>${action}</button>`}
  </div>`;
}
