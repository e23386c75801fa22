/** Where the sentences that decided a proposition stand in an answer. */

/**
 * Parts of a text as `{text, numbers}`, which together are the text; `numbers` are those of the propositions
 * whose sentence the part belongs to, and `ends` those whose sentence ends with it.
 *
 * @param {string} text
 * @param {{number: number, evidence?: string}[]} propositions
 */
export function markEvidence(text, propositions) {
  const spans = propositions.flatMap(({ number, evidence }) => {
    const sentence = evidence?.trim();
    const start = sentence ? text.indexOf(sentence) : -1;
    return start < 0 ? [] : [{ number, start, end: start + sentence.length }];
  });
  const cuts = [...new Set([0, text.length, ...spans.flatMap(({ start, end }) => [start, end])])];
  cuts.sort((a, b) => a - b);
  return cuts.slice(0, -1).map((from, index) => {
    const to = cuts[index + 1];
    const inside = spans.filter(({ start, end }) => start <= from && end >= to);
    return {
      text: text.slice(from, to),
      numbers: inside.map(({ number }) => number),
      ends: inside.filter(({ end }) => end === to).map(({ number }) => number),
    };
  });
}
