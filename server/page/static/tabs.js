/**
 * The tabs, in the order in which they are shown. `role` is the least role that may use one, `also` a field of
 * the caller that opens it to others; label by language.
 */

export const TABS = [
  { name: "chat", role: "reader", label: { en: "Chat", zh: "对话" }, styled: true },
  { name: "arena", role: "rater", label: { en: "Arena", zh: "竞技场" }, styled: true },
  { name: "review", role: "rater", label: { en: "Review", zh: "审核" }, styled: true },
  { name: "write", role: "rater", label: { en: "Write", zh: "示范" }, styled: true },
  { name: "documents", role: "reader", label: { en: "Documents", zh: "文档" }, styled: true },
  { name: "health", role: "admin", also: "metrics", label: { en: "Health", zh: "运行状况" }, styled: true },
];

const ROLES = ["reader", "rater", "admin"];

/** May a caller with this role do what that role may? */
export const may = (role, needed) => ROLES.indexOf(role) >= ROLES.indexOf(needed);

/** The tabs that a caller sees. */
export const tabsFor = (caller) => TABS.filter((tab) => may(caller.role, tab.role) || caller[tab.also]);

/** The module of a tab and its words; both are fetched when the tab is first opened. */
export async function loadTab({ name, styled }) {
  const [module, { words }] = await Promise.all([
    import(`./tabs/${name}.js`),
    import(`./i18n/${name}.js`),
    styled && addStyle(`page/tabs/${name}.css`),
  ]);
  return { name, Tab: module.Tab, words };
}

// The tab waits for its styles, so that it is never seen without them.
function addStyle(href) {
  if (document.querySelector(`link[href="${href}"]`)) return null;
  const link = Object.assign(document.createElement("link"), {
    rel: "stylesheet",
    href,
  });
  document.head.append(link);
  return new Promise((resolve, reject) => Object.assign(link, { onload: resolve, onerror: reject }));
}
