/** A table whose rows are bars: what is drawn is said in numbers too. */

import { html } from "../vendor/htm-preact.js";

/** @param {{rows: {label: string, value: number, shown: string, name?: string}[]}} props `head` names the columns. */
export function Bars({ caption, head, rows, empty }) {
  if (!rows.some(({ value }) => value)) return html`<p class="soft">${empty}</p>`;
  const most = Math.max(...rows.map(({ value }) => value), 1e-9);
  return html`<table class="bar-table">
    <caption class="sr-only">
      ${caption}
    </caption>
    <thead class="sr-only">
      <tr>
        <th scope="col">${head[0]}</th>
        <th scope="col">${head[1]}</th>
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        ({ label, value, shown, name }) =>
          html`<tr>
            <th scope="row">${label}</th>
            <td>
              <span class="bar-cell"
                ><span class="bar-line" aria-hidden="true"
                  ><span
                    class=${`bar-part ${name ?? ""}`}
                    style=${{ width: `${(100 * value) / most}%` }} /></span
                ><span class="bar-shown">${shown}</span></span
              >
            </td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}
