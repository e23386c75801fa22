/** The documents of a collection. */

import { html } from "../vendor/htm-preact.js";

const KINDS = { empty: "warn", unsupported: "warn", failed: "bad" };

export function DocumentList({ t, documents, isAdmin, open, remove, more }) {
  if (!documents) return html`<p class="loading" role="status">${t("loading")}</p>`;
  if (!documents.data.length) return html`<p class="soft">${t("no_documents")}</p>`;
  return html`<div class="card scroll" tabindex="0" role="group" aria-label=${t("list")}>
    <table class="documents">
      <thead>
        <tr>
          <th scope="col">${t("document")}</th>
          <th scope="col">${t("labels")}</th>
          <th scope="col" class="number">${t("chunks")}</th>
          <th scope="col" class="number">${t("chars")}</th>
          <th scope="col">${t("ingested")}</th>
          ${isAdmin && html`<th scope="col"><span class="sr-only">${t("delete")}</span></th>`}
        </tr>
      </thead>
      <tbody>
        ${documents.data.map((one) => html`<${Row} key=${one.id} ...${{ t, one, isAdmin, open, remove }} />`)}
      </tbody>
    </table>
    ${documents.more && html`<p class="row more"><button onClick=${more}>${t("more")}</button></p>`}
  </div>`;
}

function Row({ t, one, isAdmin, open, remove }) {
  return html`<tr>
    <td class="wide">
      <button class="link" onClick=${() => open({ id: one.id, record: one })}>
        ${one.title || one.path}
      </button>
      ${one.status !== "indexed" && html` <span class=${`badge ${KINDS[one.status] ?? ""}`}>${t(`status_${one.status}`)}</span>`}
      ${one.title && one.path !== one.title && html`<span class="soft small path">${one.path}</span>`}
      ${one.reason && html`<span class="small path">${one.reason}</span>`}
    </td>
    <td>${one.labels.map((label) => html`<span class="badge">${label}</span> `)}</td>
    <td class="number">${t.number(one.chunks)}</td>
    <td class="number">${t.number(one.chars)}</td>
    <td class="when">${t.time(one.ingested)}</td>
    ${
      isAdmin &&
      html`<td>
        ${
          one.uploaded
            ? html`<button
                class="quiet small"
                aria-label=${t("delete_name", { name: one.title || one.path })}
                onClick=${() => remove(one)}
              >
                ${t("delete")}
              </button>`
            : html`<span class="soft small from-folder" title=${t("from_folder_why")}
                >${t("from_folder")}</span
              >`
        }
      </td>`
    }
  </tr>`;
}
