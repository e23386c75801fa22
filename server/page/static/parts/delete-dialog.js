/** Asks before a document goes, and waits until it is gone. */

import { inWords } from "../api.js";
import { pause } from "../uploads.js";
import { Dialog } from "./dialog.js";
import { Notice } from "./notice.js";
import { html, useState } from "../vendor/htm-preact.js";

export function DeleteDialog({ api, t, document, deleted, close }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const name = document.title || document.path;

  const remove = async () => {
    setBusy(true);
    setError(null);
    try {
      let reply = await api.delete(`v1/documents/${encodeURIComponent(document.id)}`);
      while (["queued", "running"].includes(reply.status)) {
        await pause(1000);
        reply = await api.get(`v1/ingests/${encodeURIComponent(reply.id)}`);
      }
      if (reply.status === "failed") throw new Error(reply.error ?? t("state_failed"));
      deleted();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${t("delete_title")} onClose=${busy ? null : close} closeWord=${t("close")}>
    <p class="delete-name">${name}</p>
    <p class="soft">${t("delete_explained")}</p>
    ${error && html`<${Notice} ...${inWords(error, t)} kind="bad" />`}
    <div class="row delete-buttons">
      <button disabled=${busy} onClick=${close}>${t("cancel")}</button>
      <button class="danger" disabled=${busy} onClick=${remove}>${busy ? t("deleting") : t("delete")}</button>
    </div>
  <//>`;
}
