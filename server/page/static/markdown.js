/**
 * Markdown as virtual nodes. Only marked's lexer is used: what it takes for HTML is shown as the text that it
 * is, pictures become links (nothing is fetched from elsewhere), and links lead to the web or to mail only.
 */

import { html } from "./vendor/htm-preact.js";
import { lexer } from "./vendor/marked.js";

// A citation travels through the lexer as one character pair that no Markdown rule touches.
const OPEN = "\ue000";
const CLOSE = "\ue001";
const MARK = /\ue000(\d+)\ue001/;

/**
 * @param {string} text
 * @param {object[]} annotations `url_citation`s; their offsets count code points.
 * @param {(number: number, index: number) => unknown} chip makes the node for the citation of passage `number`;
 *   `index` says which annotation it is.
 */
export function markdown(text, annotations = [], chip = (number) => `[${number}]`) {
  const marked = withMarks(text, annotations);
  const numbers = annotations.map(({ url_citation }) => numberOf(text, url_citation));
  const show = (index) => chip(numbers[index], index);
  try {
    return blocks(lexer(marked, { gfm: true, breaks: true }), show);
  } catch {
    // Thousands of nested quotes, for one.
    return html`<p class="as-is">${inText(marked, show)}</p>`;
  }
}

const numberOf = (text, { start_index, end_index }) =>
  Number([...text].slice(start_index + 1, end_index - 1).join(""));

function withMarks(text, annotations) {
  const points = [...text.replace(/[\ue000\ue001]/g, "\ufffd")];
  annotations.forEach(({ url_citation: { start_index, end_index } }, index) => {
    points.splice(start_index, end_index - start_index, ...Array(end_index - start_index).fill(""));
    points[start_index] = `${OPEN}${index}${CLOSE}`;
  });
  return points.join("");
}

function inText(text, show) {
  return text.split(MARK).map((part, place) => (place % 2 ? show(Number(part)) : part));
}

const plain = (text) => text.replace(new RegExp(MARK, "g"), "");

const blocks = (tokens, show) => tokens.map((token) => block(token, show));

function block(token, show) {
  const inner = () => inline(token.tokens ?? [], show);
  switch (token.type) {
    case "space":
    case "def":
      return null;
    case "heading":
      return html`<p class="heading">${inner()}</p>`;
    case "code":
      return html`<pre tabindex="0"><code>${plain(token.text)}</code></pre>`;
    case "hr":
      return html`<hr />`;
    case "blockquote":
      return html`<blockquote>${blocks(token.tokens, show)}</blockquote>`;
    case "list":
      return list(token, show);
    case "table":
      return table(token, show);
    case "html":
      return html`<p class="as-is">${inText(token.raw.trimEnd(), show)}</p>`;
    case "paragraph":
      return html`<p>${inner()}</p>`;
    case "text":
      return token.tokens ? inner() : inText(token.text, show);
    default:
      return inText(token.raw, show);
  }
}

function list({ ordered, start, items }, show) {
  const rows = items.map(
    (item) => html`<li>${item.task && (item.checked ? "☑ " : "☐ ")}${blocks(item.tokens, show)}</li>`,
  );
  return ordered
    ? html`<ol start=${start === 1 ? null : start}>
        ${rows}
      </ol>`
    : html`<ul>
        ${rows}
      </ul>`;
}

function table({ header, rows }, show) {
  return html`<div class="scroll" tabindex="0" role="group">
    <table>
      <thead>
        <tr>
          ${header.map((cell) => html`<th scope="col">${inline(cell.tokens, show)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell) => html`<td>${inline(cell.tokens, show)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

const inline = (tokens, show) => tokens.map((token) => span(token, show));

function span(token, show) {
  switch (token.type) {
    case "strong":
      return html`<strong>${inline(token.tokens, show)}</strong>`;
    case "em":
      return html`<em>${inline(token.tokens, show)}</em>`;
    case "del":
      return html`<del>${inline(token.tokens, show)}</del>`;
    case "codespan":
      return html`<code>${plain(token.text)}</code>`;
    case "br":
      return html`<br />`;
    case "link":
    case "image":
      return link(token, show);
    case "checkbox":
      return null;
    case "text":
    case "escape":
      return token.tokens ? inline(token.tokens, show) : inText(token.text, show);
    default:
      return inText(token.raw, show);
  }
}

function link({ type, href, tokens, text, raw }, show) {
  if (!/^(https?:\/\/|mailto:)/i.test(href)) return inText(raw, show);
  const inner = type === "image" || !tokens?.length ? text || href : inline(tokens, show);
  return html`<a href=${plain(href)} target="_blank" rel="noopener noreferrer">${inner}</a>`;
}
