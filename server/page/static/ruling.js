/** Which candidate is looked at first, and what is sent of what a person says of it. */

export function looked({ candidates }) {
  const rank = (one) => [one.served ? 1 : 0, one.attempt, one.reward ?? -Infinity];
  const best = candidates.toSorted((a, b) => {
    const [x, y] = [rank(a), rank(b)];
    const place = x.findIndex((value, index) => value !== y[index]);
    return place < 0 ? 0 : y[place] - x[place];
  })[0];
  return best?.id ?? null;
}

/** With `rest`, the judge is agreed with in all that was not overruled. */
export function rulingOf({ record, draft, candidate, propositions }, rest) {
  const body = { id: record.id, type: "ruling" };
  if (candidate) body.candidate_id = candidate.id;
  const judged = Object.fromEntries(propositions.map(({ name, holds }) => [name, holds]));
  const spoken = Object.keys(draft.said).length > 0;
  if (rest && (spoken || draft.class)) body.propositions = { ...judged, ...draft.said };
  else if (spoken) body.propositions = { ...draft.said };
  if (draft.class) body.class = draft.class;
  return body;
}
