/** The chat: questions, streamed answers, their proof and their verdict. */

import { Conversation } from "../conversation.js";
import { Composer } from "../parts/composer.js";
import { Answer } from "../parts/answer.js";
import { KeyList } from "../parts/key-list.js";
import { PassagePanel } from "../parts/passage-panel.js";
import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";

const KEYS = [
  [["Enter"], "key_send"],
  [["Shift", "Enter"], "key_line"],
  [["/"], "key_write"],
  [["1", "…", "9"], "key_source"],
  [["u"], "key_up"],
  [["d"], "key_down"],
  [["n"], "key_new"],
  [["Esc"], "key_escape"],
  [["?"], "key_help"],
];

export function Tab({ api, t, caller, memory }) {
  const conversation = (memory.conversation ??= new Conversation(api));
  const [, redraw] = useState(0);
  const [shown, setShown] = useState(null);
  const [helping, setHelping] = useState(false);
  const end = useRef(null);
  const opener = useRef(null);
  const { exchanges } = conversation;

  useEffect(() => conversation.watch(() => redraw((count) => count + 1)), [conversation]);
  useEffect(
    () => end.current?.scrollIntoView({ block: "end" }),
    [exchanges.length, exchanges.at(-1)?.content],
  );
  const show = (exchange, number, index = firstOf(exchange, number)) => {
    if (!passageOf(exchange, number)) return;
    opener.current = shown ? opener.current : document.activeElement;
    setShown({ exchange, number, index });
  };
  const hide = () => {
    setShown(null);
    opener.current?.focus();
  };
  const ask = (question) => conversation.ask(question);
  const anew = () => {
    setShown(null);
    conversation.clear();
  };

  // Anew at each turn of the page, since what the keys do hangs on what is shown.
  useEffect(() => {
    const onKey = (event) =>
      onShortcut(event, { conversation, shown, show, hide, anew, help: () => setHelping(true) });
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });

  return html`<div class=${`chat ${shown ? "with-panel" : ""}`}>
    <h1 class="sr-only">${t("title")}</h1>
    <div class="talk">
      ${exchanges.length === 0 && html`<${Welcome} t=${t} ask=${ask} />`}
      <ol class="exchanges">
        ${exchanges.map(
          (exchange, index) =>
            html`<li key=${index}>
              <div class="question">
                <span class="sr-only">${t("you")}</span>
                <p>${exchange.question}</p>
              </div>
              <${Answer}
                ...${{ api, t, caller, exchange }}
                open=${(number, index) => show(exchange, number, index)}
                again=${index === exchanges.length - 1 && !conversation.busy ? () => conversation.again() : null}
              />
            </li>`,
        )}
      </ol>
      <div ref=${end} class="end"></div>
      <${Composer} ...${{ api, t, conversation, ask, anew }} help=${() => setHelping(true)} />
    </div>
    ${
      shown &&
      html`<${PassagePanel}
        t=${t}
        ...${shown}
        choose=${(number) => show(shown.exchange, number)}
        close=${hide}
      />`
    }
    ${
      helping &&
      html`<${KeyList}
        t=${t}
        title="shortcuts"
        when="shortcuts_when"
        keys=${KEYS}
        close=${() => setHelping(false)}
      />`
    }
  </div>`;
}

const passageOf = ({ plumbline }, number) => plumbline.passages.find((one) => one.number === number);

/** The first citation of a passage; null where the answer does not cite it. */
function firstOf(exchange, number) {
  const url = passageOf(exchange, number)?.url;
  const index = exchange.annotations.findIndex(({ url_citation }) => url_citation.url === url);
  return index < 0 ? null : index;
}

function onShortcut(event, { conversation, shown, show, hide, anew, help }) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") {
    if (conversation.busy) conversation.stop();
    else if (shown) hide();
    else document.activeElement.blur();
    return;
  }
  if (event.target.matches("input, textarea, select")) return;
  const last = conversation.exchanges.findLast((one) => one.plumbline);
  if (event.key === "?") help();
  else if (event.key === "n") anew();
  else if (last && /^[1-9]$/.test(event.key)) show(last, Number(event.key));
  else if (event.key === "u" || event.key === "d") {
    [...document.querySelectorAll(`[data-thumb="${event.key === "u" ? "up" : "down"}"]`)].at(-1)?.click();
  } else return;
  event.preventDefault();
}

function Welcome({ t, ask }) {
  return html`<div class="welcome">
    <p class="welcome-title">${t("welcome")}</p>
    <p class="soft">${t("welcome_more")}</p>
  </div>`;
}
