/** The words of the page in the language of the browser, or in the one that was chosen and is remembered. */

import { words as en } from "./i18n/en.js";
import { words as zh } from "./i18n/zh.js";

const NAME = "plumbline.language";
const SHELL = { en, zh };

export const LANGUAGES = { en: "English", zh: "中文" };

/** The language to begin with. */
export function firstLanguage() {
  const chosen = localStorage.getItem(NAME);
  if (chosen in LANGUAGES) return chosen;
  const wanted = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag in LANGUAGES);
  return wanted || "en";
}

export const rememberLanguage = (language) => localStorage.setItem(NAME, language);

/**
 * The function that gives words: `t("key")`, or `t("key", {count: 3})` for those with `{count}` in them.
 * It carries the language as `t.language`, and `t.number(0.5, {style: "percent"})` and `t.time(seconds)`.
 *
 * @param {string} language
 * @param {{en: object, zh: object}} own the words of a tab, which come before the shell's.
 */
export function translator(language, own = { en: {}, zh: {} }) {
  const words = { ...SHELL[language], ...own[language] };
  const t = (key, values = {}) =>
    (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
  const locale = language === "zh" ? "zh-CN" : "en";
  t.language = language;
  t.has = (key) => key in words;
  t.number = (value, options = { maximumFractionDigits: 2 }) =>
    new Intl.NumberFormat(locale, options).format(value);
  t.time = (seconds) =>
    new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(seconds * 1000);
  return t;
}
