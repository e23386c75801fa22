/** Asks for an API key; a key that the server does not know is said to be so. */

import { inWords } from "../api.js";
import { html, useState } from "../vendor/htm-preact.js";
import { Dialog } from "./dialog.js";

export function KeyDialog({ t, enter }) {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    const key = new FormData(event.target).get("key").trim();
    if (!key) return;
    setBusy(true);
    try {
      await enter(key);
    } catch (error) {
      setProblem(error.status === 401 ? t("key_unknown") : inWords(error, t).title);
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${t("key_title")}>
    <form class="key-form" onSubmit=${submit}>
      <p>${t("key_explained")}</p>
      <label for="key">${t("key")}</label>
      <input
        id="key"
        name="key"
        type="password"
        autocomplete="off"
        spellcheck="false"
        required
        placeholder="pl-…"
        aria-invalid=${problem ? "true" : null}
        aria-describedby="key-problem"
        autofocus
      />
      <p id="key-problem" class="problem" role="alert">${problem}</p>
      <button class="main" disabled=${busy}>${t("key_enter")}</button>
    </form>
  <//>`;
}
