/** Which files are to come in, into which collection, and who may see them. */

import { bytes } from "../sizes.js";
import { html, useRef, useState } from "../vendor/htm-preact.js";

export function UploadForm({ t, uploads, collections, collection }) {
  const picker = useRef(null);
  const [files, setFiles] = useState([]);
  const [into, setInto] = useState(null);
  const [labels, setLabels] = useState("");
  const [over, setOver] = useState(false);

  const add = (list) => {
    const named = new Map([...files, ...list].map((file) => [file.name, file]));
    setFiles([...named.values()]);
  };
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    add(event.dataTransfer.files);
  };
  const drag = (event) => {
    event.preventDefault();
    setOver(event.type !== "dragleave");
  };
  const picked = (event) => {
    add(event.target.files);
    event.target.value = "";
  };
  const send = (event) => {
    event.preventDefault();
    uploads.send(files, (into ?? collection ?? "").trim(), labels.trim());
    setFiles([]);
  };

  return html`<form
    class=${`card upload ${over ? "over" : ""}`}
    aria-label=${t("upload")}
    onSubmit=${send}
    onDragEnter=${drag}
    onDragOver=${drag}
    onDragLeave=${drag}
    onDrop=${drop}
  >
    <div class="row">
      <input type="file" multiple hidden ref=${picker} onChange=${picked} />
      <button type="button" onClick=${() => picker.current.click()}>${t("choose_files")}</button>
      <span class="soft">${t("or_drop")}</span>
    </div>
    ${
      files.length > 0 &&
      html`<ul class="chosen" aria-label=${t("chosen")}>
          ${files.map(
            (file) =>
              html`<li>
                <span class="file-name">${file.name}</span>
                <span class="soft small">${bytes(t, file.size)}</span>
                <button
                  type="button"
                  class="quiet close"
                  aria-label=${t("leave_out", { name: file.name })}
                  onClick=${() => setFiles(files.filter((one) => one !== file))}
                >
                  ×
                </button>
              </li>`,
          )}
        </ul>
        <div class="upload-fields">
          <label class="choice"
            ><span>${t("collection")}</span>
            <input
              list="collection-names"
              value=${into ?? collection ?? ""}
              placeholder="default"
              onInput=${(event) => setInto(event.target.value)}
          /></label>
          <datalist id="collection-names">
            ${collections.map(({ id }) => html`<option value=${id} />`)}
          </datalist>
          <label class="choice"
            ><span>${t("labels_for")}</span>
            <input
              value=${labels}
              placeholder=${t("labels_hint")}
              onInput=${(event) => setLabels(event.target.value)}
          /></label>
          <span class="filler"></span>
          <button class="main">${t("send", { count: files.length })}</button>
        </div>`
    }
  </form>`;
}
