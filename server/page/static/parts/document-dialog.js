/** A document as it was read, chunk by chunk. */

import { inWords } from "../api.js";
import { Dialog } from "./dialog.js";
import { Notice } from "./notice.js";
import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";

/** @param {{shown: {id: string, record?: object, text?: string}}} props `text` is a chunk to begin with. */
export function DocumentDialog({ api, t, shown, close }) {
  const [document, setDocument] = useState(null);
  const [error, setError] = useState(null);
  const sought = useRef(null);
  const { record } = shown;

  useEffect(() => {
    // What could not be read has no chunks to be asked for.
    if (record && !record.chunks) setDocument({ ...record, chunks: [] });
    else api.get(`v1/documents/${encodeURIComponent(shown.id)}`).then(setDocument, setError);
  }, []);
  useEffect(() => sought.current?.scrollIntoView({ block: "center" }), [document]);

  const title = document?.title || record?.title || record?.path || t("document");
  return html`<${Dialog} title=${title} onClose=${close} closeWord=${t("close")}>
    ${error && html`<${Notice} ...${inWords(error, t)} kind="bad" />`}
    ${!document && !error && html`<p class="loading" role="status">${t("loading")}</p>`}
    ${document && html`<${Head} ...${{ t, document, record }} />`}
    ${
      document &&
      html`<div class="as-read" tabindex="0" role="group" aria-label=${t("as_read")}>
        ${document.chunks.map(
          (one) =>
            html`<section
              class=${`read-chunk ${one.text === shown.text ? "sought" : ""}`}
              ref=${one.text === shown.text ? sought : null}
            >
              <p class="read-head">
                <span>#${one.chunk}</span> ${one.heading && html`<b>${one.heading}</b>`}
                ${one.page && html`<span>${t("page", { number: one.page })}</span>`}
              </p>
              <p class="read-text">${one.text}</p>
            </section>`,
        )}
        ${document.chunks.length === 0 && html`<p class="soft">${t("nothing_read")} ${record?.reason}</p>`}
      </div>`
    }
  <//>`;
}

function Head({ t, document, record }) {
  const attributes = Object.entries(document.attributes);
  return html`<p class="row small document-head">
    <span class="soft">${document.path}</span>
    ${record && html`<span class="soft">${t.time(record.ingested)}</span>`}
    ${document.labels.map((label) => html`<span class="badge">${label}</span>`)}
    ${attributes.map(([name, value]) => html`<span class="badge">${name}: ${String(value)}</span>`)}
  </p>`;
}
