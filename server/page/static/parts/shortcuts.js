/** The keys that the chat knows. */

import { html } from "../vendor/htm-preact.js";
import { Dialog } from "./dialog.js";

const KEYS = [
  [["Enter"], "key_send"],
  [["Shift", "Enter"], "key_line"],
  [["/"], "key_write"],
  [["1", "…", "9"], "key_source"],
  [["u"], "key_up"],
  [["d"], "key_down"],
  [["n"], "key_new"],
  [["Esc"], "key_escape"],
  [["?"], "key_help"],
];

export function Shortcuts({ t, close }) {
  return html`<${Dialog} title=${t("shortcuts")} onClose=${close} closeWord=${t("close")}>
    <p class="soft small">${t("shortcuts_when")}</p>
    <dl class="keys">
      ${KEYS.map(
        ([keys, word]) =>
          html`<div>
            <dt>${keys.map((key) => html`<kbd>${key}</kbd> `)}</dt>
            <dd>${t(word)}</dd>
          </div>`,
      )}
    </dl>
  <//>`;
}
