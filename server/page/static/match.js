/** One comparison: two answers to one question, side by side in an order that is drawn anew, and the vote on them. */

const NAME = "plumbline";
const MOST_TRIES = 5;

/** Nothing can be compared; `reason` is a word of the arena. */
export class NoMatch extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

/**
 * @typedef {object} Side
 * @property {string} id the candidate's, or the turn's.
 * @property {string} content
 * @property {string} version of the policy.
 * @property {object} verdict
 *
 * @typedef {object} Match
 * @property {"versions" | "candidates"} kind
 * @property {string} turn the id that the vote is about.
 * @property {object[]} messages
 * @property {object[]} passages
 * @property {[Side, Side]} sides left and right.
 */

/** Ask two versions of the policy the same. @returns {Promise<Match>} */
export async function matchOfVersions(api, messages, collection, versions) {
  const asked = (policy) => ask(api, messages, { collection, policy }, "versions");
  const replies = await Promise.all(versions.map(asked));
  const sides = replies.map(({ id, choices, plumbline }) => ({
    id,
    content: choices[0].message.content ?? "",
    version: plumbline.policy_version,
    verdict: plumbline.verdict,
  }));
  return drawn("versions", replies[0], messages, sides);
}

/** Ask for several candidates of one turn: what was served, and one of the others. @returns {Promise<Match>} */
export async function matchOfCandidates(api, messages, collection) {
  const reply = await ask(api, messages, { collection, candidates: 2, show_candidates: true }, "candidates");
  const readable = reply.plumbline.candidates.filter(({ content }) => content);
  const first = readable.find(({ served }) => served) ?? readable[0];
  const second = pick(readable.filter((one) => one.content.trim() !== first?.content.trim()));
  if (!first || !second) throw new NoMatch("one_answer");
  const sides = [first, second].map(({ id, content, verdict }) => {
    return { id, content, verdict, version: reply.plumbline.policy_version };
  });
  return drawn("candidates", reply, messages, sides);
}

/**
 * The messages of a conversation in the log that nobody was shown here before, without those that the arena
 * asked itself.
 *
 * @param {Set<string>} seen ids of the turns that were drawn; the one that is drawn is added.
 */
export async function messagesFromLog(api, seen) {
  const { data } = await api.get("v1/chat/completions", { order: "desc", limit: 100 });
  let fresh = data.filter(({ id, metadata }) => !seen.has(id) && !metadata?.arena);
  for (let tries = 0; tries < MOST_TRIES && fresh.length; tries += 1) {
    const { id } = pick(fresh);
    seen.add(id);
    fresh = fresh.filter((one) => one.id !== id);
    const path = `v1/chat/completions/${encodeURIComponent(id)}/messages`;
    const messages = (await api.get(path, { limit: 100 })).data.map(({ role, content }) => ({
      role,
      content,
    }));
    if (messages.every(isPlain)) return messages;
  }
  throw new NoMatch("log_is_empty");
}

/**
 * The feedback that a vote is. Who votes once more on the same two answers is given the first vote back.
 *
 * @param {Match} match
 * @param {"left" | "right" | "tie" | "bad"} vote
 */
export function feedbackOf({ kind, turn, sides: [left, right] }, vote, rater) {
  const key = `arena ${rater} ${[left.id, right.id].sort().join(" ")}`;
  const said = { id: turn, tags: { arena: kind }, idempotency_key: key.slice(0, 200) };
  if (vote === "tie" || vote === "bad") {
    return { ...said, type: "tie", tied_ids: [left.id, right.id], value: vote === "tie" ? "good" : "bad" };
  }
  const [preferred, rejected] = vote === "left" ? [left, right] : [right, left];
  return { ...said, type: "pair", preferred_id: preferred.id, rejected_id: rejected.id };
}

/** The feedback that takes a vote back. */
export const takenBack = ({ kind, turn }, feedbackId) => ({
  id: turn,
  type: "comment",
  reason_codes: ["vote_taken_back"],
  tags: { arena: kind },
  supersedes: feedbackId,
});

const isPlain = ({ role, content }) => ["user", "assistant"].includes(role) && typeof content === "string";

function ask(api, messages, options, kind) {
  const body = { model: NAME, messages, metadata: { arena: kind }, plumbline: options };
  return api.post("v1/chat/completions", body);
}

function drawn(kind, reply, messages, sides) {
  if (sides[0].content.trim() === sides[1].content.trim()) throw new NoMatch("same_answers");
  const shuffled = pick([0, 1]) ? sides : [...sides].reverse();
  return { kind, turn: reply.id, messages, passages: reply.plumbline.passages, sides: shuffled };
}

function pick(list) {
  const [number] = crypto.getRandomValues(new Uint32Array(1));
  return list[number % list.length];
}
