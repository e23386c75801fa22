/** The review desk: the queue of what needs a person on the left, the whole record on the right. */

import { inWords } from "../api.js";
import { Desk } from "../desk.js";
import { KeyList } from "../parts/key-list.js";
import { Notice } from "../parts/notice.js";
import { ReviewFilters } from "../parts/review-filters.js";
import { ReviewQueue } from "../parts/review-queue.js";
import { ReviewRecord } from "../parts/review-record.js";
import { VerifiedList } from "../parts/verified-list.js";
import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";

// A number of two digits is waited for so long.
const DIGIT_MS = 700;

const KEYS = [
  [["j", "k"], "key_move"],
  [["a"], "key_agree"],
  [["o", "3"], "key_overrule"],
  [["s"], "key_save"],
  [["c"], "key_candidate"],
  [["e"], "key_write"],
  [["Ctrl", "Enter"], "key_save_written"],
  [["/"], "key_filter"],
  [["Esc"], "key_escape"],
  [["?"], "key_help"],
];

export function Tab({ api, t, caller, path, memory }) {
  const desk = (memory.desk ??= new Desk(api));
  const [, redraw] = useState(0);
  const [helping, setHelping] = useState(false);
  const [writing, setWriting] = useState(false);
  const [listing, setListing] = useState(false);
  const digits = useRef(null);

  useEffect(() => desk.watch(() => redraw((count) => count + 1)), [desk]);
  useEffect(() => void desk.open(path), [desk, path]);

  const go = (index) => {
    setWriting(false);
    setListing(false);
    desk.go(index);
  };
  const settle = (rest) => {
    setWriting(false);
    if (desk.record) desk.settle(rest);
  };
  const finishNumber = () => {
    clearTimeout(digits.current?.timer);
    if (digits.current?.text) desk.overrule(Number(digits.current.text));
    digits.current = null;
    redraw((count) => count + 1);
  };
  const addDigit = (digit) => {
    const pending = digits.current;
    clearTimeout(pending.timer);
    pending.text += digit;
    if (Number(pending.text) * 10 > desk.propositions.length) return finishNumber();
    pending.timer = setTimeout(finishNumber, DIGIT_MS);
    return redraw((count) => count + 1);
  };
  const nextCandidate = () => {
    const { candidates } = desk.record;
    const index = candidates.findIndex(({ id }) => id === desk.draft.candidate);
    if (candidates.length > 1) desk.show(candidates[(index + 1) % candidates.length].id);
  };
  const keys = {
    j: () => go(desk.at + 1),
    k: () => go(desk.at - 1),
    a: () => settle(true),
    s: () => settle(false),
    o: () => desk.record && (digits.current = { text: "" }) && redraw((count) => count + 1),
    e: () => desk.record && setWriting(true),
    c: () => desk.record && nextCandidate(),
    "/": () => document.querySelector(".desk-filters select")?.focus(),
    "?": () => setHelping(true),
  };

  // Anew at each turn of the page, since what the keys do hangs on what is shown.
  useEffect(() => {
    const onKey = (event) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (document.querySelector("dialog[open]")) return;
      const typing = event.target.matches("input, textarea, select");
      if (event.key === "Escape") {
        if (digits.current) digits.current = null;
        else if (typing) event.target.blur();
        else if (listing) setListing(false);
        else setWriting(false);
        redraw((count) => count + 1);
        return;
      }
      if (typing || listing) return;
      if (digits.current && /^\d$/.test(event.key)) addDigit(event.key);
      else if (digits.current && event.key === "Enter") finishNumber();
      else if (Object.hasOwn(keys, event.key)) {
        if (digits.current) finishNumber();
        keys[event.key]();
      } else return;
      event.preventDefault();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });

  return html`<div class="desk">
    <section class="desk-left" aria-label=${t("queue")}>
      <div class="desk-head">
        <h1>${t("title")}</h1>
        <button class="quiet small" onClick=${() => setHelping(true)}>${t("keys")}</button>
      </div>
      <${ReviewFilters} ...${{ api, t, desk }} />
      <${ReviewQueue} ...${{ t, desk, go }} />
      <button class="small" aria-pressed=${listing ? "true" : "false"} onClick=${() => setListing(!listing)}>
        ${t("verified_answers")}
      </button>
    </section>
    <section class="desk-right" aria-label=${t("record")}>
      ${desk.error && html`<${Notice} ...${inWords(desk.error, t)} kind="bad" action=${t("retry")} onAction=${() => desk.open()} />`}
      ${listing && html`<${VerifiedList} ...${{ api, t, caller }} />`}
      ${
        !listing &&
        desk.record &&
        (desk.record instanceof Error
          ? html`<${Notice} ...${inWords(desk.record, t)} kind="warn" />`
          : html`<${ReviewRecord}
              key=${desk.record.id}
              ...${{ api, t, caller, desk, settle, writing, setWriting }}
              overruling=${digits.current}
            />`)
      }
      ${!listing && !desk.record && html`<p class="soft" role="status">${t(desk.loading || desk.current ? "loading" : "nothing")}</p>`}
    </section>
    ${helping && html`<${KeyList} t=${t} title="keys" keys=${KEYS} close=${() => setHelping(false)} />`}
  </div>`;
}
