/** The documents: collections, what is in them, search, and for admins upload and deletion. */

import { inWords } from "../api.js";
import { DeleteDialog } from "../parts/delete-dialog.js";
import { DocumentDialog } from "../parts/document-dialog.js";
import { DocumentList } from "../parts/document-list.js";
import { DocumentSearch } from "../parts/document-search.js";
import { Notice } from "../parts/notice.js";
import { UploadForm } from "../parts/upload-form.js";
import { UploadList } from "../parts/upload-list.js";
import { may } from "../tabs.js";
import { Uploads } from "../uploads.js";
import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";

const PAGE = 50;

export function Tab({ api, t, caller, path, memory }) {
  const uploads = (memory.uploads ??= new Uploads(api));
  const isAdmin = may(caller.role, "admin");
  const [, redraw] = useState(0);
  const [collections, setCollections] = useState(null);
  const [collection, setCollection] = useState(memory.collection ?? null);
  const [documents, setDocuments] = useState(null);
  const [shown, setShown] = useState(path ? { id: path } : null);
  const [going, setGoing] = useState(null);
  const [failure, setFailure] = useState(null);
  const heading = useRef(null);
  const asked = useRef(0);
  const isLost = useRef(false);

  const load = async (name, after) => {
    const number = (asked.current += 1);
    try {
      const found = await api.get("v1/documents", { collection: name, limit: PAGE, after });
      if (number !== asked.current) return;
      const before = after ? documents.data : [];
      setDocuments({ data: [...before, ...found.data], more: found.has_more && found.last_id });
    } catch (error) {
      setFailure(error);
    }
  };
  const refresh = async (wanted = collection) => {
    setFailure(null);
    try {
      const { data } = await api.get("v1/collections");
      const name = data.some(({ id }) => id === wanted) ? wanted : startWith(data);
      setCollections(data);
      choose(name);
    } catch (error) {
      // A server without an index yet: an admin may bring the first documents in.
      setCollections([]);
      choose(null);
      if (error.status !== 503 || !isAdmin) setFailure(error);
    }
  };
  const choose = (name) => {
    memory.collection = name;
    if (name !== collection) setDocuments(null);
    setCollection(name);
    if (name) load(name);
  };

  useEffect(() => void refresh(), []);
  useEffect(() => uploads.watch((landed) => (landed ? refresh(memory.collection) : redraw((n) => n + 1))));
  useEffect(() => path && setShown({ id: path }), [path]);
  const deleted = () => {
    isLost.current = true;
    setGoing(null);
    refresh();
  };
  // The button that had the focus went with its row.
  useEffect(() => {
    if (isLost.current) heading.current.focus();
    isLost.current = false;
  }, [documents, collections]);

  return html`<div class="tab">
    <header class="tab-head">
      <div>
        <h1 tabindex="-1" ref=${heading}>${t("title")}</h1>
        <p class="tab-lead">${t("lead")}</p>
      </div>
    </header>
    ${failure && html`<${Notice} ...${inWords(failure, t)} kind="bad" action=${t("retry")} onAction=${() => refresh()} />`}
    ${isAdmin && html`<${UploadForm} ...${{ t, uploads, collections: collections ?? [], collection }} />`}
    ${uploads.list.length > 0 && html`<${UploadList} ...${{ t, uploads }} />`}
    ${collections?.length === 0 && !failure && html`<p class="soft">${t("no_collections")}</p>`}
    ${collections?.length > 0 && html`<${Collections} ...${{ t, collections, collection, choose }} />`}
    ${
      collection &&
      html`<${DocumentSearch} key=${`search ${collection}`} ...${{ api, t, collection }} open=${setShown} />
        <${DocumentList}
          ...${{ t, documents, isAdmin }}
          open=${setShown}
          remove=${setGoing}
          more=${() => load(collection, documents.more)}
        />`
    }
    ${shown && html`<${DocumentDialog} key=${shown.id} ...${{ api, t, shown }} close=${() => setShown(null)} />`}
    ${going && html`<${DeleteDialog} ...${{ api, t, document: going, deleted }} close=${() => setGoing(null)} />`}
  </div>`;
}

const startWith = (collections) =>
  (collections.find(({ id }) => id === "default") ?? collections[0])?.id ?? null;

function Collections({ t, collections, collection, choose }) {
  return html`<div class="collections" role="group" aria-label=${t("collections")}>
    ${collections.map(
      ({ id, documents, chunks }) =>
        html`<button aria-pressed=${id === collection ? "true" : "false"} onClick=${() => choose(id)}>
          <b>${id}</b>
          <span class="small"
            >${t("counts", { documents: t.number(documents), chunks: t.number(chunks) })}</span
          >
        </button>`,
    )}
  </div>`;
}
