/** The arena: a question, two answers side by side, a blind vote, and the table of wins. */

import { inWords } from "../api.js";
import {
  feedbackOf,
  matchOfCandidates,
  matchOfVersions,
  messagesFromLog,
  NoMatch,
  takenBack,
} from "../match.js";
import { ArenaForm } from "../parts/arena-form.js";
import { Duel } from "../parts/duel.js";
import { Notice } from "../parts/notice.js";
import { WinTable } from "../parts/win-table.js";
import { html, useEffect, useLayoutEffect, useState } from "../vendor/htm-preact.js";

const VOTE_OF_KEY = {
  1: "left",
  ArrowLeft: "left",
  2: "right",
  ArrowRight: "right",
  3: "tie",
  "=": "tie",
  4: "bad",
  0: "bad",
};

/**
 * What is going on, kept while the tab is not shown. `phase` is `idle`, `asking`, `voting`, `sending`, `voted`
 * or `taken_back`.
 */
const IDLE = { phase: "idle", match: null, vote: null, feedback: null, error: null, setup: null };

export function Tab({ api, t, caller, memory }) {
  const [play, show] = useState(memory.play ?? IDLE);
  const [choices, setChoices] = useState(null);
  const [arena, setArena] = useState(null);
  const [failure, setFailure] = useState(null);
  memory.seen ??= new Set();
  const update = (change) => {
    memory.play = { ...(memory.play ?? IDLE), ...change };
    memory.show(memory.play);
  };
  const loadWins = () => api.get("v1/arena").then(setArena, setFailure);

  useEffect(() => {
    memory.show = show;
    Promise.all([api.get("v1/models"), api.get("v1/collections")]).then(
      ([models, collections]) =>
        setChoices({
          versions: models.data[0].plumbline.policy.versions,
          collections: collections.data.map(({ id }) => id),
        }),
      setFailure,
    );
    loadWins();
  }, []);

  const begin = async (setup) => {
    update({ ...IDLE, phase: "asking", setup });
    try {
      const { mode, collection, versions, question } = setup;
      const messages = question
        ? [{ role: "user", content: question }]
        : await messagesFromLog(api, memory.seen);
      const match =
        mode === "versions"
          ? await matchOfVersions(api, messages, collection, versions)
          : await matchOfCandidates(api, messages, collection);
      update({ phase: "voting", match });
    } catch (error) {
      update({ phase: "idle", error });
    }
  };
  const vote = async (side) => {
    update({ phase: "sending", vote: side, error: null });
    try {
      const feedback = await api.post("v1/feedback", feedbackOf(play.match, side, caller.name));
      update({ phase: "voted", feedback });
      loadWins();
    } catch (error) {
      // The key was used: the same two answers were voted on before, and that vote stands.
      const before = error.param === "idempotency_key";
      update(before ? { phase: "voted", vote: "before" } : { phase: "voting", vote: null, error });
    }
  };
  const takeBack = async () => {
    try {
      await api.post("v1/feedback", takenBack(play.match, play.feedback.id));
      update({ phase: "taken_back", error: null });
      loadWins();
    } catch (error) {
      update({ error });
    }
  };
  const next = () => {
    if (play.setup.question) update({ ...IDLE, setup: { ...play.setup, question: "" } });
    else begin(play.setup);
  };

  // Before it is painted: who sees the answers may press a key at once.
  useLayoutEffect(() => {
    const onKey = (event) => {
      const chosen = VOTE_OF_KEY[event.key];
      if (!chosen || play.phase !== "voting" || isElsewhere(event)) return;
      event.preventDefault();
      vote(chosen);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });

  return html`<div class="tab">
    <header class="tab-head">
      <div>
        <h1>${t("title")}</h1>
        <p class="tab-lead">${t("lead")}</p>
      </div>
    </header>
    ${failure && html`<${Notice} ...${inWords(failure, t)} kind="bad" />`}
    ${
      choices &&
      !play.match &&
      html`<${ArenaForm} ...${{ t, choices, begin, setup: play.setup, busy: play.phase === "asking" }} />`
    }
    ${play.phase === "asking" && html`<p class="loading" role="status">${t("asking")}</p>`}
    ${play.error && html`<${Problem} ...${{ t, error: play.error }} />`}
    ${play.match && html`<${Duel} key=${play.match.turn} ...${{ t, play, vote, takeBack, next }} />`}
    ${
      arena &&
      html`<section class="card wins-card">
        <h2>${t("wins")}</h2>
        <${WinTable} ...${{ t, arena }} />
      </section>`
    }
  </div>`;
}

function Problem({ t, error }) {
  if (error instanceof NoMatch) return html`<${Notice} title=${t(error.reason)} kind="warn" />`;
  return html`<${Notice} ...${inWords(error, t)} kind="bad" />`;
}

function isElsewhere(event) {
  const { target, ctrlKey, metaKey, altKey } = event;
  if (event.defaultPrevented || event.repeat || ctrlKey || metaKey || altKey) return true;
  return target.matches("input, textarea, select") || document.querySelector("dialog[open]") !== null;
}
