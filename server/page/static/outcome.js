/** What became of a question, as one word for the page: how the answer is to be taken. */

/**
 * @param {object} plumbline the reply field.
 * @param {string | null} refusal
 * @returns {{name: string, kind: string}[]} badges, the main one first; `kind` is a colour.
 */
export function outcomes(plumbline, refusal) {
  const found = [main(plumbline, refusal)];
  if (plumbline.attempts > 1) found.push({ name: "regenerated", kind: "warn" });
  if (plumbline.review) found.push({ name: "for_review", kind: "warn" });
  if (plumbline.verdict?.error) found.push({ name: "judge_failed", kind: "bad" });
  if (plumbline.verdict?.unjudged && !plumbline.verdict.class) found.push({ name: "unjudged", kind: "" });
  return found;
}

function main(plumbline, refusal) {
  if (plumbline.verified_answer) return { name: "verified", kind: "good" };
  if (plumbline.decision === "refuse") return { name: "refused_by_rules", kind: "bad" };
  if (refusal) return { name: "refused_by_policy", kind: "bad" };
  if (!plumbline.answered) return { name: "abstained", kind: "warn" };
  return { name: "answered", kind: "good" };
}

/** The colour of a class of the rubric. */
export const kindOfClass = (name) => ({ ideal: "good", minimum_acceptable: "accent" })[name] ?? "bad";
