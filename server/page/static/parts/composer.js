/** Where the question is written. Enter sends it, except while an input method is composing. */

import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";

export function Composer({ api, t, conversation, ask, anew, help }) {
  const field = useRef(null);
  const [collections, setCollections] = useState([]);
  const [, redraw] = useState(0);

  useEffect(() => {
    field.current.focus();
    // Without the list the default collection is asked, so that its failure is no failure here.
    api.get("v1/collections").then(
      ({ data }) => setCollections(data),
      () => {},
    );
    const onKey = (event) => {
      if (event.key !== "/" || event.target.matches("input, textarea, select, dialog *")) return;
      event.preventDefault();
      field.current.focus();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);

  const send = (event) => {
    event?.preventDefault();
    const question = field.current.value.trim();
    if (!question || conversation.busy) return;
    field.current.value = "";
    ask(question);
  };
  const onKeyDown = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    send(event);
  };
  const choose = (event) => {
    conversation.collection = event.target.value;
    redraw((count) => count + 1);
  };

  return html`<form class="composer" onSubmit=${send}>
    <textarea
      ref=${field}
      rows="1"
      aria-label=${t("question")}
      placeholder=${t("question_hint")}
      onKeyDown=${onKeyDown}
    />
    <div class="composer-foot">
      ${
        collections.length > 1 &&
        html`<label class="collection"
          ><span>${t("collection")}</span>
          <select value=${conversation.collection} onChange=${choose}>
            ${collections.map(({ id }) => html`<option value=${id}>${id}</option>`)}
          </select></label
        >`
      }
      <button type="button" class="quiet" onClick=${anew} disabled=${!conversation.exchanges.length}>
        ${t("new")}
      </button>
      <button type="button" class="quiet" onClick=${help}>${t("shortcuts")}</button>
      <span class="filler"></span>
      ${
        conversation.busy
          ? html`<button type="button" class="stop" onClick=${() => conversation.stop()}>
              ${t("stop")}
            </button>`
          : html`<button class="main">${t("send")}</button>`
      }
    </div>
  </form>`;
}
