/** Which words of a passage a citation stands for. */

const SENTENCE = /[^.!?。！？；\n]+(?:[.!?](?=\s|$)|[。！？；]|\n|$|[.!?])*/g;
const TERM = /\p{Script=Han}|[\p{L}\p{N}][\p{L}\p{N}\p{M}.,'’-]*[\p{L}\p{N}]|[\p{L}\p{N}]/gu;

// Words that stand in every sentence prove nothing.
const COMMON = new Set(
  "the a an and or of to in on for is are was were be by at as it its this that with from you your can may not has have 的 了 是 在 和 与 有 不 可 以 为 个 或 及".split(
    " ",
  ),
);

/**
 * The text that the citation with this index speaks for: what stands before its mark, up to the mark of an
 * earlier claim. Marks that follow one another speak for the same.
 */
export function claimOf(content, annotations, index) {
  const points = [...content];
  const spans = annotations.map(({ url_citation: { start_index, end_index } }) => [start_index, end_index]);
  let first = index;
  while (
    first > 0 &&
    !points
      .slice(spans[first - 1][1], spans[first][0])
      .join("")
      .trim()
  )
    first -= 1;
  const start = first > 0 ? spans[first - 1][1] : 0;
  const before = points.slice(start, spans[first][0]).join("");
  // A mark cites its paragraph, not the whole answer.
  return before
    .split(/\n\s*\n/)
    .at(-1)
    .trim();
}

/**
 * Parts of a passage as `[text, isCited]`, which together are the passage. Sentences of the claim that stand in
 * it word for word are marked whole; else the words of the claim are, in the sentence that holds most of them.
 */
export function markCited(passage, claim) {
  const spans = sentences(claim).flatMap(([, , sentence]) => verbatim(passage, sentence));
  return partsOf(passage, spans.length ? spans : sharedWords(passage, claim));
}

function sentences(text) {
  return [...text.matchAll(SENTENCE)].map((match) => [match.index, match.index + match[0].length, match[0]]);
}

function verbatim(passage, sentence) {
  const words = sentence.replace(/[*_`#>|]/g, " ").trim();
  if ([...words].length < 6) return [];
  const pattern = words
    .split(/\s+/)
    .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join("[\\s*_`|]+");
  const found = new RegExp(pattern, "iu").exec(passage);
  return found ? [[found.index, found.index + found[0].length]] : [];
}

const terms = (text) =>
  [...text.matchAll(TERM)].map((match) => ({
    term: match[0].toLowerCase(),
    start: match.index,
    end: match.index + match[0].length,
  }));

function sharedWords(passage, claim) {
  const wanted = new Set(terms(claim).map(({ term }) => term));
  COMMON.forEach((term) => wanted.delete(term));
  const held = sentences(passage).map(([from, , text]) =>
    terms(text)
      .filter(({ term }) => wanted.has(term))
      .map(({ start, end, term }) => ({ start: from + start, end: from + end, term })),
  );
  const weight = (words) => new Set(words.map(({ term }) => term)).size;
  const best = held.reduce((most, words) => (weight(words) > weight(most) ? words : most), []);
  return weight(best) < 2 ? [] : best.map(({ start, end }) => [start, end]);
}

function partsOf(text, spans) {
  const merged = [];
  for (const [start, end] of spans.sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last && !text.slice(last[1], start).trim()) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  const parts = [];
  let at = 0;
  for (const [start, end] of merged) {
    parts.push([text.slice(at, start), false], [text.slice(start, end), true]);
    at = end;
  }
  parts.push([text.slice(at), false]);
  return parts.filter(([part]) => part);
}
