/** What stands around the tabs: the bar at the top, the dialog for the key, and errors that end the page. */

import { ApiError, inWords } from "./api.js";
import { storeKey } from "./key.js";
import { LANGUAGES, firstLanguage, rememberLanguage, translator } from "./language.js";
import { KeyDialog } from "./parts/key-dialog.js";
import { Notice } from "./parts/notice.js";
import { loadTab, tabsFor } from "./tabs.js";
import { html, useEffect, useErrorBoundary, useRef, useState } from "./vendor/htm-preact.js";

const routeOf = () => {
  const [name, ...rest] = location.hash.slice(1).split("/");
  return { name, path: decodeURIComponent(rest.join("/")) };
};

/** @param {{api: ReturnType<import("./api.js").makeApi>}} props */
export function Shell({ api }) {
  const [language, setLanguage] = useState(firstLanguage);
  const [route, setRoute] = useState(routeOf);
  const [caller, setCaller] = useState(null);
  const [asking, setAsking] = useState(false);
  const [failure, setFailure] = useState(null);
  const [loaded, setLoaded] = useState(null);
  const memories = useRef({});
  const tabs = caller ? tabsFor(caller) : [];
  const tab = tabs.find((one) => one.name === route.name) || tabs[0];
  const t = translator(language, loaded?.words);

  const identify = async () => {
    setFailure(null);
    try {
      setCaller(await api.get("v1/me"));
      setAsking(false);
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) setFailure(error);
    }
  };

  useEffect(() => {
    api.onRefused = () => setAsking(true);
    const onHash = () => setRoute(routeOf());
    addEventListener("hashchange", onHash);
    identify();
    return () => removeEventListener("hashchange", onHash);
  }, []);

  useEffect(() => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    document.title = tab ? `${tab.label[language]} · Plumbline` : "Plumbline";
  }, [language, tab]);

  useEffect(() => {
    if (!tab || loaded?.name === tab.name) return;
    loadTab(tab).then(setLoaded, setFailure);
  }, [tab, loaded]);

  const choose = (chosen) => {
    rememberLanguage(chosen);
    setLanguage(chosen);
  };
  const enter = async (key) => {
    api.key = key;
    const known = await api.get("v1/me");
    storeKey(key);
    setCaller(known);
    setAsking(false);
  };
  const leave = () => {
    storeKey("");
    api.key = "";
    memories.current = {};
    setCaller(null);
    setAsking(true);
  };
  const memory = tab && (memories.current[tab.name] ??= {});

  return html`
    <a class="skip" href="#main" onClick=${skip}>${t("skip")}</a>
    <${Bar} ...${{ t, tabs, tab, caller, choose, leave }} />
    <main id="main" tabindex="-1">
      ${failure && html`<${Notice} ...${inWords(failure, t)} kind="bad" action=${t("retry")} onAction=${identify} />`}
      ${
        caller && tab && loaded?.name === tab.name
          ? html`<${Guarded}
              key=${`${tab.name} ${caller.name}`}
              ...${{ Tab: loaded.Tab, t, props: { api, t, caller, path: route.path, memory } }}
            />`
          : !failure && !asking && html`<p class="loading" role="status">${t("loading")}</p>`
      }
    </main>
    ${asking && html`<${KeyDialog} t=${t} enter=${enter} />`}
  `;
}

/** A tab; should it break, it says so, and the others go on. */
function Guarded({ Tab, t, props }) {
  const [error, reset] = useErrorBoundary();
  if (!error) return html`<${Tab} ...${props} />`;
  return html`<${Notice} ...${inWords(error, t)} kind="bad" action=${t("retry")} onAction=${reset} />`;
}

function Bar({ t, tabs, tab, caller, choose, leave }) {
  return html`<header class="bar">
    <a class="brand" href="#${tabs[0]?.name ?? ""}"><${Bob} />Plumbline</a>
    <nav aria-label=${t("tabs")}>
      ${tabs.map(
        (one) =>
          html`<a href="#${one.name}" aria-current=${one === tab ? "page" : null}
            >${one.label[t.language]}</a
          >`,
      )}
    </nav>
    <div class="bar-end">
      ${
        caller?.keys &&
        html`<span class="who" title=${caller.labels.join(", ")}
            >${caller.name} · ${t(`role_${caller.role}`)}</span
          >
          <button class="quiet" onClick=${leave}>${t("sign_out")}</button>`
      }
      ${caller && !caller.keys && html`<a class="quiet" href="docs">API</a>`}
      <select
        aria-label=${t("language")}
        value=${t.language}
        onChange=${(event) => choose(event.target.value)}
      >
        ${Object.entries(LANGUAGES).map(([code, name]) => html`<option value=${code} lang=${code}>${name}</option>`)}
      </select>
    </div>
  </header>`;
}

function Bob() {
  return html`<svg class="bob" viewBox="0 0 16 24" width="16" height="24" aria-hidden="true">
    <path d="M8 0v11" class="bob-line" />
    <path d="M3 10h10L8 24z" class="bob-weight" />
  </svg>`;
}

// The address holds the tab, so that a link to a place on the page must not change it.
function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}
