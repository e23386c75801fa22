/** Two answers side by side. Until the vote nothing here says which is which; then everything does. */

import { markdown } from "../markdown.js";
import { html, useEffect, useRef } from "../vendor/htm-preact.js";

const VOTES = { left: ["1", "←"], right: ["2", "→"], tie: ["3", "="], bad: ["4", "0"] };
const SHORTCUTS = { left: "1 ArrowLeft", right: "2 ArrowRight", tie: "3 =", bad: "4 0" };
const KIND_OF_CLASS = { ideal: "good", minimum_acceptable: "warn" };

export function Duel({ t, play, vote, takeBack, next }) {
  const heading = useRef(null);
  const { match, phase } = play;
  const asked = match.messages.at(-1).content;
  const revealed = phase === "voted" || phase === "taken_back";

  useEffect(() => heading.current.focus(), []);
  return html`<section class="duel" aria-labelledby="duel-heading">
    <${Earlier} ...${{ t, messages: match.messages.slice(0, -1) }} />
    <p class="duel-question">${asked}</p>
    <h2 id="duel-heading" tabindex="-1" ref=${heading}>${t("which")}</h2>
    <div class="sides">
      ${match.sides.map(
        (side, place) =>
          html`<${Side}
            ...${{ t, side, revealed, name: place ? "right" : "left", vote: phase === "voted" && play.vote }}
          />`,
      )}
    </div>
    ${
      revealed
        ? html`<${Outcome} ...${{ t, play, takeBack, next }} />`
        : html`<${Ballot} ...${{ t, vote, busy: phase === "sending" }} />`
    }
    <${Sources} ...${{ t, passages: match.passages }} />
  </section>`;
}

function Side({ t, side, name, revealed, vote }) {
  const won = vote === name;
  return html`<article class=${`card side ${won ? "won" : ""}`} aria-label=${t(name)}>
    <header class="side-head">
      <h3>${t(name)}</h3>
      ${won && html`<span class="badge accent">${t("preferred")}</span>`}
    </header>
    <div class="side-text">${markdown(side.content)}</div>
    ${revealed && html`<${Revealed} ...${{ t, side }} />`}
  </article>`;
}

function Revealed({ t, side: { version, verdict } }) {
  return html`<footer class="side-foot">
    <b>${version}</b>
    ${
      verdict?.class &&
      html`<span class=${`badge ${KIND_OF_CLASS[verdict.class] ?? "bad"}`}
          >${t(`class_${verdict.class}`)}</span
        >
        <span>${t("reward")} <b>${t.number(verdict.reward)}</b></span>`
    }
  </footer>`;
}

function Ballot({ t, vote, busy }) {
  return html`<div class="ballot">
    <div class="ballot-buttons" role="group" aria-label=${t("vote")}>
      ${Object.entries(VOTES).map(
        ([name, keys]) =>
          html`<button disabled=${busy} aria-keyshortcuts=${SHORTCUTS[name]} onClick=${() => vote(name)}>
            ${t(`vote_${name}`)}
            <span aria-hidden="true">${keys.map((key) => html`<kbd>${key}</kbd> `)}</span>
          </button>`,
      )}
    </div>
    <p class="sr-only">${t("keys_hint")}</p>
  </div>`;
}

function Outcome({ t, play: { phase, vote, feedback }, takeBack, next }) {
  const button = useRef(null);
  useEffect(() => button.current.focus(), [phase]);
  const back = phase === "taken_back";
  return html`<div class="outcome">
    <p role="status">${back ? t("was_taken_back") : t(`voted_${vote}`)}</p>
    <span class="filler"></span>
    ${!back && feedback && html`<button class="quiet" onClick=${takeBack}>${t("take_back")}</button>`}
    <button class="main" ref=${button} onClick=${next}>${t("next")}</button>
  </div>`;
}

function Earlier({ t, messages }) {
  if (!messages.length) return null;
  return html`<details>
    <summary>${t("earlier")}</summary>
    ${messages.map(
      ({ role, content }) =>
        html`<p class="earlier"><b>${t(role === "user" ? "you" : "assistant")}</b> ${content}</p>`,
    )}
  </details>`;
}

function Sources({ t, passages }) {
  if (!passages.length) return null;
  return html`<details class="duel-sources">
    <summary>${t("sources", { count: passages.length })}</summary>
    <ol>
      ${passages.map(
        ({ number, title, text }) =>
          html`<li value=${number}>
            <b>${title}</b>
            <p class="source-text">${text}</p>
          </li>`,
      )}
    </ol>
  </details>`;
}
