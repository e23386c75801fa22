/** An instruction with questions and answers that follow it; each becomes an example with the others before it. */

import { html, useState } from "../vendor/htm-preact.js";

const FEWEST = 2;
const MOST = 32;

export function Shots({ t }) {
  const [rows, setRows] = useState(() => [...Array(FEWEST).keys()]);
  const add = () => setRows([...rows, Math.max(...rows) + 1]);
  return html`<label class="field"
      ><span>${t("instruction")}</span
      ><textarea name="instruction" rows="2" required maxlength="100000"></textarea>
    </label>
    <ol class="shots">
      ${rows.map(
        (row, index) =>
          html`<li key=${row}>
            <label class="field"
              ><span>${t("shot_question", { number: index + 1 })}</span
              ><textarea name="shot_question" rows="2" required maxlength="100000"></textarea>
            </label>
            <label class="field"
              ><span>${t("shot_answer", { number: index + 1 })}</span
              ><textarea name="shot_answer" rows="2" required maxlength="100000"></textarea>
            </label>
            ${
              rows.length > FEWEST &&
              html`<button
                type="button"
                class="quiet small"
                onClick=${() => setRows(rows.filter((one) => one !== row))}
              >
                ${t("shot_remove", { number: index + 1 })}
              </button>`
            }
          </li>`,
      )}
    </ol>
    <button type="button" class="small" disabled=${rows.length >= MOST} onClick=${add}>
      ${t("shot_add")}
    </button>`;
}
