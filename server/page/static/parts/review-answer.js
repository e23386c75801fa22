/** The better answer, written beside the one that was given; an admin may have it served from now on. */

import { inWords } from "../api.js";
import { may } from "../tabs.js";
import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";
import { Notice } from "./notice.js";

export function ReviewAnswer({ api, t, caller, desk, writing, setWriting }) {
  const { record, candidate } = desk;
  const [saved, setSaved] = useState(null);
  const [outcome, setOutcome] = useState(null);
  const [question, setQuestion] = useState(null);
  const box = useRef(null);
  // What somebody wrote before can be served as well.
  const correction =
    saved ?? record.feedback.findLast((one) => one.type === "correction" && one.state === "counts")?.id;
  const servable = record.passages.length > 0 && (correction || record.answered);

  useEffect(() => void (writing && box.current?.focus()), [writing]);

  const attempt = async (work, done) => {
    setOutcome(null);
    try {
      const result = await work();
      setOutcome({ title: t(done), kind: "good" });
      return result;
    } catch (error) {
      // A question that leans on what was said before it is asked for once more, in words that stand alone.
      if (error.param === "question") setQuestion(question ?? record.question);
      setOutcome({ ...inWords(error, t), kind: "bad" });
      return null;
    }
  };
  const save = async (event) => {
    event.preventDefault();
    const text = box.current.value.trim();
    if (!text) return;
    const id = await attempt(() => desk.correct(text), "correction_saved");
    if (!id) return;
    setSaved(id);
    setWriting(false);
  };
  const serve = async () => {
    const body = { completion_id: record.id };
    if (correction) body.feedback_id = correction;
    if (question?.trim()) body.question = question.trim();
    const made = () => api.post("v1/verified_answers", body);
    if (await attempt(made, "served_from_now_on")) setQuestion(null);
  };
  const onKey = (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && save(event);

  return html`<section class="desk-write" aria-label=${t("write")}>
    ${
      writing &&
      html`<form class="better" onSubmit=${save} onKeyDown=${onKey}>
        <label for="desk-correction">${t("write_label")}</label>
        <p class="soft small">${t("write_marks")}</p>
        <textarea
          id="desk-correction"
          ref=${box}
          rows="6"
          required
          maxlength="100000"
          onInput=${(event) => (desk.draft.correction = event.target.value)}
        >
${desk.draft.correction || (candidate?.text ?? record.answer ?? "")}</textarea>
        <div class="row end">
          <button type="button" class="quiet" onClick=${() => setWriting(false)}>${t("cancel")}</button
          ><button class="main">${t("write_save")}</button>
        </div>
      </form>`
    }
    ${outcome && html`<${Notice} ...${outcome} />`}
    ${
      servable &&
      may(caller.role, "admin") &&
      html`${
          question !== null &&
          html`<label class="field">
            <span>${t("alone_question")}</span>
            <input maxlength="4000" value=${question} onInput=${(event) => setQuestion(event.target.value)} />
          </label>`
        }
        <p class="row">
          <button onClick=${serve}>${t(correction ? "serve_correction" : "serve_answer")}</button>
          <span class="soft small">${t("serve_explained")}</span>
        </p>`
    }
  </section>`;
}
