/** How far each upload is, and what became of each file. */

import { inWords } from "../api.js";
import { html } from "../vendor/htm-preact.js";

const KINDS = { indexed: "good", unchanged: "good", removed: "", empty: "warn", unsupported: "warn" };

export function UploadList({ t, uploads }) {
  const ended = uploads.list.some(({ state }) => state === "done" || state === "failed");
  return html`<section class="card uploads" aria-label=${t("uploads")}>
    <div class="uploads-head">
      <h2>${t("uploads")}</h2>
      ${ended && html`<button class="quiet small" onClick=${() => uploads.clear()}>${t("clear")}</button>`}
    </div>
    ${uploads.list.map((upload) => html`<${Upload} ...${{ t, upload }} />`)}
  </section>`;
}

function Upload({ t, upload }) {
  const { files, collection, state, error } = upload;
  const share = shareOf(upload);
  return html`<div class="an-upload">
    <p role="status">
      ${stateOf(t, upload)}
      ${collection && html` <span class="soft small">${t("into", { collection })}</span>`}
    </p>
    ${share !== null && html`<progress max="1" value=${share} aria-label=${stateOf(t, upload)}></progress>`}
    ${error && html`<p class="problem" role="alert">${error instanceof Error ? told(t, error) : error}</p>`}
    <ul>
      ${files.map(
        ({ filename, status, reason }) =>
          html`<li>
            <span class="file-name">${filename}</span>
            ${
              status
                ? html`<span class=${`badge ${KINDS[status] ?? "bad"}`}>${t(`status_${status}`)}</span>`
                : state === "failed" && html`<span class="badge bad">${t("status_failed")}</span>`
            }
            ${reason && html`<span class="soft small">${reason}</span>`}
          </li>`,
      )}
    </ul>
  </div>`;
}

function told(t, error) {
  const { title, detail } = inWords(error, t);
  return detail && detail !== title ? `${title} ${detail}` : title;
}

function shareOf({ state, sent, progress }) {
  if (state === "sending") return sent;
  if (state === "running" && progress?.total) return progress.done / progress.total;
  return state === "queued" || state === "running" ? 0 : null;
}

function stateOf(t, { state, sent, progress, files }) {
  const count = files.length;
  if (state === "sending") return t("sending", { count, share: t.number(sent, { style: "percent" }) });
  if (state === "running" && progress?.total) {
    return t("running_stage", { stage: progress.stage ?? "", done: progress.done, total: progress.total });
  }
  return t(`state_${state}`, { count });
}
