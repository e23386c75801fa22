/** Which version wins: shares with their intervals as bars, and who met whom. */

import { html } from "../vendor/htm-preact.js";

const percent = (share) => `${100 * share}%`;

/** @param {{t: Function, arena: object}} props `arena` is the reply of `GET /v1/arena`. */
export function WinTable({ t, arena }) {
  if (!arena.versions.length) return html`<p class="soft">${t("no_wins")}</p>`;
  const groups = Array.from({ length: arena.groups }, (_, group) =>
    arena.versions.filter((one) => one.group === group),
  );
  return html`${arena.groups > 1 && html`<p class="soft">${t("groups_apart")}</p>`}
    ${groups.map((versions) => html`<${Group} ...${{ t, versions }} />`)}
    <details class="met">
      <summary>${t("who_met_whom")}</summary>
      <${Pairs} ...${{ t, pairs: arena.pairs }} />
    </details>
    <p class="soft small">${t("wins_explained")} ${leftOut(t, arena.left_out)}</p>`;
}

function Group({ t, versions }) {
  return html`<div class="scroll" tabindex="0" role="group" aria-label=${t("wins")}>
    <table class="wins">
      <thead>
        <tr>
          <th scope="col">${t("version")}</th>
          <th scope="col" class="wide">${t("win_share")}</th>
          <th scope="col" class="number">${t("wins_n")}</th>
          <th scope="col" class="number">${t("losses_n")}</th>
          <th scope="col" class="number">${t("ties_n")}</th>
        </tr>
      </thead>
      <tbody>
        ${versions.map(
          (one) =>
            html`<tr>
              <th scope="row">${one.policy_version}</th>
              <td class="wide"><${Share} ...${{ t, share: one.win_share }} /></td>
              <td class="number">${one.wins}</td>
              <td class="number">${one.losses}</td>
              <td class="number">${one.ties}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function Share({ t, share: { mean, low, high } }) {
  const whole = (value) => t.number(value, { style: "percent" });
  return html`<div class="share">
    <span class="share-track" aria-hidden="true"
      ><span class="share-half" /><span
        class="share-range"
        style=${{ left: percent(low), width: percent(high - low) }} /><span
        class="share-mean"
        style=${{ left: percent(mean) }}
    /></span>
    <span class="share-words"
      ><b>${whole(mean)}</b> <span class="soft">${whole(low)} – ${whole(high)}</span></span
    >
  </div>`;
}

function Pairs({ t, pairs }) {
  return html`<table>
    <thead>
      <tr>
        <th scope="col">${t("version")}</th>
        <th scope="col">${t("against")}</th>
        <th scope="col" class="number">${t("wins_n")}</th>
        <th scope="col" class="number">${t("losses_n")}</th>
        <th scope="col" class="number">${t("ties_n")}</th>
      </tr>
    </thead>
    <tbody>
      ${pairs.map(
        ({ a, b, wins_a, wins_b, ties }) =>
          html`<tr>
            <td>${a}</td>
            <td>${b}</td>
            <td class="number">${wins_a}</td>
            <td class="number">${wins_b}</td>
            <td class="number">${ties}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function leftOut(t, counts) {
  const told = Object.entries(counts).filter(([, count]) => count);
  if (!told.length) return "";
  return t("left_out", {
    list: told.map(([reason, count]) => t(`left_out_${reason}`, { count })).join(t("list_comma")),
  });
}
