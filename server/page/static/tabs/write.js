/** Demonstrations: answers that people write as examples, plain, few-shot, or to a question of a user. */

import { inWords } from "../api.js";
import { Notice } from "../parts/notice.js";
import { QuestionPicker } from "../parts/question-picker.js";
import { Shots } from "../parts/shots.js";
import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";

const KINDS = ["plain", "few_shot", "from_user"];
const NOBODY = "unknown";

export function Tab({ api, t, path, memory }) {
  memory.kind ??= path ? "from_user" : "plain";
  const [kind, setKind] = useState(path ? "from_user" : memory.kind);
  const [picked, setPicked] = useState(null);
  const [outcome, setOutcome] = useState(null);
  // A new form after each demonstration that was stored.
  const [written, setWritten] = useState(0);
  const form = useRef(null);

  const choose = (name) => {
    memory.kind = name;
    setKind(name);
    setOutcome(null);
  };
  useEffect(() => {
    if (!path) return;
    api
      .get(`v1/reviews/${encodeURIComponent(path)}`)
      .then(setPicked, (error) => setOutcome({ ...inWords(error, t), kind: "bad" }));
  }, [path]);

  const submit = async (event) => {
    event.preventDefault();
    setOutcome(null);
    const example = exampleOf(kind, new FormData(form.current), picked);
    try {
      const reply = await api.post("v1/demonstrations", {
        examples: [example],
      });
      const [rejected] = reply.rejected;
      if (rejected)
        return setOutcome({
          title: t("rejected"),
          detail: rejected.reason,
          kind: "bad",
        });
      const count = reply.stored.length;
      setOutcome({
        title: count ? t("stored", { count }) : t("known"),
        kind: count ? "good" : "plain",
      });
      setWritten(written + 1);
      setPicked(null);
      return form.current?.querySelector("textarea, input")?.focus();
    } catch (error) {
      return setOutcome({ ...inWords(error, t), kind: "bad" });
    }
  };
  const onKey = (event) =>
    event.key === "Enter" && (event.ctrlKey || event.metaKey) && form.current.requestSubmit();

  return html`<div class="tab writing">
    <h1>${t("title")}</h1>
    <p class="soft">${t("explained")}</p>
    <div class="row" role="group" aria-label=${t("kinds")}>
      ${KINDS.map(
        (name) =>
          html`<button aria-pressed=${name === kind ? "true" : "false"} onClick=${() => choose(name)}>
            ${t(name)}
          </button>`,
      )}
    </div>
    ${outcome && html`<${Notice} ...${outcome} />`}
    ${kind === "from_user" && html`<${QuestionPicker} ...${{ api, t, picked }} pick=${setPicked} />`}
    ${
      (kind !== "from_user" || picked) &&
      html`<form
        key=${`${kind} ${written} ${picked?.id}`}
        ref=${form}
        class="card writing-form"
        onSubmit=${submit}
        onKeyDown=${onKey}
      >
        ${kind === "plain" && html`<${Plain} t=${t} />`} ${kind === "few_shot" && html`<${Shots} t=${t} />`}
        ${kind === "from_user" && html`<${FromUser} t=${t} picked=${picked} />`}
        <div class="row end">
          <span class="soft small">${t("ctrl_enter")}</span>
          <button class="main">${t("save")}</button>
        </div>
      </form>`
    }
  </div>`;
}

function Plain({ t }) {
  return html`<${Field} name="prompt" word=${t("prompt")} rows="3" /> <${Answer} t=${t} />`;
}

function FromUser({ t, picked }) {
  return html`<p class="soft small">${t("asked")}</p>
    <blockquote class="as-written">${picked.question}</blockquote>
    <label class="field"
      ><span>${t("use_case")}</span>
      <input name="use_case" required maxlength="2000" placeholder=${t("use_case_hint")} />
    </label>
    <${Answer} t=${t} />`;
}

const Answer = ({ t }) => html`<${Field} name="completion" word=${t("answer")} rows="8" />`;

const Field = ({ name, word, rows }) =>
  html`<label class="field"
    ><span>${word}</span><textarea name=${name} rows=${rows} required maxlength="100000"></textarea>
  </label>`;

function exampleOf(kind, data, picked) {
  const text = (name) => data.get(name).trim();
  if (kind === "plain") return { prompt: text("prompt"), completion: text("completion") };
  if (kind === "few_shot") {
    const answers = data.getAll("shot_answer");
    const examples = data.getAll("shot_question").map((question, index) => ({
      question: question.trim(),
      answer: answers[index].trim(),
    }));
    return { instruction: text("instruction"), examples };
  }
  const { messages } = picked.request;
  const example = {
    use_case: text("use_case"),
    completion: text("completion"),
  };
  example.prompt = messages.length > 1 ? messages : picked.question;
  // So that the question is forgotten with the person who asked it.
  if (picked.person && picked.person !== NOBODY) example.user = picked.person;
  return example;
}
