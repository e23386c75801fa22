/** The health of the server, from its metrics, asked for anew every few seconds while somebody looks. */

import { inWords } from "../api.js";
import { parseMetrics } from "../exposition.js";
import { figuresOf, withReading } from "../health.js";
import { Bars } from "../parts/health-bars.js";
import { Histogram } from "../parts/histogram.js";
import { Notice } from "../parts/notice.js";
import { html, useEffect, useState } from "../vendor/htm-preact.js";

const POLL_MS = 4000;

export function Tab({ api, t, memory }) {
  const [readings, setReadings] = useState(memory.readings ?? []);
  const [servers, setServers] = useState([]);
  const [error, setError] = useState(null);

  useEffect(() => {
    let timer = null;
    let gone = false;
    const look = async () => {
      if (document.visibilityState === "visible") {
        try {
          const [text, models] = await Promise.all([api.text("metrics"), api.get("v1/models")]);
          if (gone) return;
          memory.readings = withReading(memory.readings ?? [], {
            at: Date.now(),
            series: parseMetrics(text),
          });
          setReadings(memory.readings);
          setServers(models.data[0].plumbline.servers);
          setError(null);
        } catch (problem) {
          if (!gone) setError(problem);
        }
      }
      if (!gone) timer = setTimeout(look, POLL_MS);
    };
    look();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, []);

  return html`<div class="tab health">
    <header class="tab-head">
      <div>
        <h1>${t("title")}</h1>
        <p class="tab-lead">${t("lead")}</p>
      </div>
    </header>
    ${error && html`<${Notice} ...${inWords(error, t)} kind="bad" />`}
    ${
      readings.length
        ? html`<${Panel} ...${{ t, servers, figures: figuresOf(readings) }} />`
        : !error && html`<p class="loading" role="status">${t("loading")}</p>`
    }
  </div>`;
}

function Panel({ t, figures, servers }) {
  const { perMinute, answers, stages, outcomes, rewards, cached, engine } = figures;
  const count = (value) => t.number(value);
  const ms = (seconds) =>
    t("ms", { count: t.number(1000 * seconds, { maximumFractionDigits: seconds < 0.01 ? 1 : 0 }) });
  return html`<div class="tiles">
      <${Tile}
        label=${t("per_minute")}
        value=${perMinute.now === null ? "–" : t.number(perMinute.now, { maximumFractionDigits: 1 })}
      >
        <${Spark} steps=${perMinute.steps} />
      <//>
      <${Tile} label=${t("answers")} value=${count(answers)} note=${t("since_start")} />
      <${Tile}
        label=${t("engine")}
        value=${t(engine.up ? "engine_up" : "engine_down")}
        kind=${engine.up ? "good" : "bad"}
        note=${t("in_flight", { count: engine.inFlight, queue: engine.logQueue })}
      />
      <${Tile}
        label=${t("cached")}
        value=${cached === null ? "–" : t.number(cached, { style: "percent", maximumFractionDigits: 1 })}
        note=${t("cached_why")}
      />
      <${Tile}
        label=${t("documents")}
        value=${count(engine.documents)}
        note=${t("chunks", { count: count(engine.chunks) })}
      />
    </div>
    <div class="panels">
      <section class="card">
        <h2>${t("stages")}</h2>
        <${Bars}
          ...${{ t, caption: t("stages"), head: [t("stage"), t("mean")], empty: t("nothing_yet") }}
          rows=${stages.map(({ stage, seconds }) => ({ label: t(`stage_${stage}`), value: seconds, shown: ms(seconds) }))}
        />
      </section>
      <section class="card">
        <h2>${t("outcomes")}</h2>
        <${Bars}
          ...${{ t, caption: t("outcomes"), head: [t("outcome"), t("count")], empty: t("nothing_yet") }}
          rows=${outcomes.map(({ name, count: value }) => ({ label: t(`outcome_${name}`), value, shown: count(value), name }))}
        />
      </section>
    </div>
    <section class="card">
      <h2>${t("rewards")}</h2>
      ${rewards.length === 0 && html`<p class="soft">${t("nothing_yet")}</p>`}
      <div class="histograms">
        ${rewards.map((one) => html`<${Histogram} key=${one.version} ...${{ t, ...one }} />`)}
      </div>
    </section>
    ${servers.length > 0 && html`<${Servers} ...${{ t, servers }} />`}`;
}

function Tile({ label, value, note, kind = "", children }) {
  return html`<div class="card tile">
    <p class="tile-label">${label}</p>
    <p class=${`tile-value ${kind}`}>${value}</p>
    ${children}${note && html`<p class="soft small">${note}</p>`}
  </div>`;
}

function Spark({ steps }) {
  if (steps.length < 2) return null;
  const most = Math.max(...steps, 1e-9);
  const points = steps.map(
    (step, place) => `${(100 * place) / (steps.length - 1)},${23 - (22 * step) / most}`,
  );
  return html`<svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true">
    <polyline points=${points.join(" ")} />
  </svg>`;
}

function Servers({ t, servers }) {
  return html`<section class="card">
    <h2>${t("servers")}</h2>
    <div class="scroll" tabindex="0" role="group" aria-label=${t("servers")}>
      <table>
        <thead>
          <tr>
            <th scope="col">${t("address")}</th>
            <th scope="col">${t("state")}</th>
            <th scope="col" class="number">${t("requests")}</th>
          </tr>
        </thead>
        <tbody>
          ${servers.map(
            ({ url, healthy, in_flight }) =>
              html`<tr>
                <td>${url}</td>
                <td>
                  <span class=${`badge ${healthy ? "good" : "bad"}`}
                    >${t(healthy ? "engine_up" : "engine_down")}</span
                  >
                </td>
                <td class="number">${in_flight}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}
