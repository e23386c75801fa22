/** The keys that the review desk knows. */

import { html } from "../vendor/htm-preact.js";
import { Dialog } from "./dialog.js";

const KEYS = [
  [["j", "k"], "key_move"],
  [["a"], "key_agree"],
  [["o", "3"], "key_overrule"],
  [["s"], "key_save"],
  [["c"], "key_candidate"],
  [["e"], "key_write"],
  [["Ctrl", "Enter"], "key_save_written"],
  [["/"], "key_filter"],
  [["Esc"], "key_escape"],
  [["?"], "key_help"],
];

export function ReviewKeys({ t, close }) {
  return html`<${Dialog} title=${t("keys")} onClose=${close} closeWord=${t("close")}>
    <dl class="desk-keys">
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
