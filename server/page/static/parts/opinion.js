/** Thumbs, reasons and the better answer: each becomes feedback that the next round learns from. */

import { inWords } from "../api.js";
import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";
import { Dialog } from "./dialog.js";

const REASONS = [
  "wrong",
  "not_in_sources",
  "incomplete",
  "off_topic",
  "outdated",
  "unclear",
  "tone",
  "refused_wrongly",
];

/** @param {{api: object, t: Function, exchange: object}} props what was said is kept in `exchange.opinion`. */
export function Opinion({ api, t, exchange }) {
  const opinion = (exchange.opinion ??= { thumb: null, rating: null, correction: null });
  const [, redraw] = useState(0);
  const [mode, setMode] = useState("");
  const [said, setSaid] = useState("");

  const send = async (fields, kind) => {
    const body = { id: exchange.id, ...fields };
    if (opinion[kind]) body.supersedes = opinion[kind];
    try {
      opinion[kind] = (await api.post("v1/feedback", body)).id;
      setSaid(t("thanks"));
      return true;
    } catch (error) {
      setSaid(inWords(error, t).title);
      return false;
    }
  };
  const rate = async (value) => {
    if (opinion.thumb === value || !(await send({ type: "rating", value }, "rating"))) return;
    opinion.thumb = value;
    redraw((count) => count + 1);
    setMode(value ? "" : "reasons");
  };

  return html`<div class="opinion">
    <button
      class="quiet thumb"
      data-thumb="up"
      aria-label=${t("good")}
      title=${t("good")}
      aria-pressed=${pressed(opinion.thumb, true)}
      onClick=${() => rate(true)}
    >
      <${Thumb} />
    </button>
    <button
      class="quiet thumb down"
      data-thumb="down"
      aria-label=${t("bad")}
      title=${t("bad")}
      aria-pressed=${pressed(opinion.thumb, false)}
      onClick=${() => rate(false)}
    >
      <${Thumb} />
    </button>
    <button class="quiet small" onClick=${() => setMode("better")}>${t("better")}</button>
    <span class="soft small" role="status">${said}</span>
    ${mode === "reasons" && html`<${Reasons} ...${{ t, send }} done=${() => setMode("")} />`}
    ${mode === "better" && html`<${Better} ...${{ t, send, exchange }} done=${() => setMode("")} />`}
  </div>`;
}

const pressed = (thumb, value) => (thumb === value ? "true" : "false");

function Thumb() {
  return html`<svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
    <path
      d="M7 9l3-6.2c1.2 0 2 .9 2 2V8h3.6c1 0 1.7.9 1.5 1.9l-1.1 5.4c-.2.7-.8 1.2-1.5 1.2H7zM7 9H3.5v7.5H7"
    />
  </svg>`;
}

function Reasons({ t, send, done }) {
  const [chosen, setChosen] = useState([]);
  const form = useRef(null);
  useEffect(() => {
    form.current.querySelector("button").focus();
    form.current.scrollIntoView({ block: "center" });
  }, []);
  const flip = (name) =>
    setChosen(chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name]);
  const submit = async (event) => {
    event.preventDefault();
    const comment = new FormData(event.target).get("comment").trim();
    if (!chosen.length && !comment) return done();
    const fields = {
      type: "rating",
      value: false,
      ...(chosen.length && { reason_codes: chosen }),
      ...(comment && { comment }),
    };
    return (await send(fields, "rating")) && done();
  };
  const leave = (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    done();
  };
  return html`<form ref=${form} class="reasons card" onSubmit=${submit} onKeyDown=${leave}>
    <p id="reasons-title">${t("reasons")}</p>
    <div class="row" role="group" aria-labelledby="reasons-title">
      ${REASONS.map(
        (name) =>
          html`<button
            type="button"
            class="small"
            aria-pressed=${chosen.includes(name) ? "true" : "false"}
            onClick=${() => flip(name)}
          >
            ${t(`reason_${name}`)}
          </button>`,
      )}
    </div>
    <input name="comment" maxlength="2000" aria-label=${t("comment")} placeholder=${t("comment")} />
    <div class="row end">
      <button type="button" class="quiet" onClick=${done}>${t("cancel")}</button
      ><button class="main">${t("send")}</button>
    </div>
  </form>`;
}

function Better({ t, send, exchange, done }) {
  const submit = async (event) => {
    event.preventDefault();
    const correction = new FormData(event.target).get("correction").trim();
    if (correction && (await send({ type: "correction", correction }, "correction"))) done();
  };
  return html`<${Dialog} title=${t("better")} onClose=${done} closeWord=${t("close")}>
    <form class="better" onSubmit=${submit}>
      <p class="soft">${exchange.question}</p>
      <label for="correction">${t("better_label")}</label>
      <textarea id="correction" name="correction" rows="8" required maxlength="100000">
${exchange.content}</textarea>
      <div class="row end">
        <button type="button" class="quiet" onClick=${done}>${t("cancel")}</button
        ><button class="main">${t("better_send")}</button>
      </div>
    </form>
  <//>`;
}
