/** The browser's own modal dialog: it holds the focus, ends with Escape, and gives the focus back. */

import { html, useEffect, useRef } from "../vendor/htm-preact.js";

/** @param {{title: string, onClose?: () => void, closeWord?: string}} props without `onClose` it can't be closed. */
export function Dialog({ title, onClose, closeWord, children }) {
  const box = useRef(null);
  useEffect(() => {
    const before = document.activeElement;
    box.current.showModal();
    return () => before?.isConnected && before.focus();
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    onClose?.();
  };
  return html`<dialog ref=${box} aria-label=${title} onCancel=${cancel}>
    <div class="dialog-head">
      <h2>${title}</h2>
      ${onClose && html`<button class="quiet close" aria-label=${closeWord} onClick=${onClose}>×</button>`}
    </div>
    ${children}
  </dialog>`;
}
