/**
 * The page begins here: who calls is asked, then the shell shows the tabs that this caller may use.
 *
 * How a tab is added: write `tabs/NAME.js` with
 *
 *     export function Tab({ api, t, caller, path, memory }) { … }
 *
 * and its words in `i18n/NAME.js` (`export const words = {en: {…}, zh: {…}}`), and give it a line in
 * `tabs.js`. `api` speaks to the server (api.js), `t("key", {name: value})` gives a word in the language of
 * the page (`t.language`), `caller` is the reply of `GET /v1/me`, and `path` is what follows the name in the
 * address: in `#review/chatcmpl-1` it is `chatcmpl-1`. A tab that is left is unmounted; what it must find again
 * when it is opened once more goes into `memory`, an object of its own. A tab's own styles go into `tabs/NAME.css`, named in its
 * line as `styled: true`. Shared widgets are in `parts/`.
 */

import { makeApi } from "./api.js";
import { html, render } from "./vendor/htm-preact.js";
import { Shell } from "./shell.js";
import { storedKey } from "./key.js";

const api = makeApi(storedKey());

render(html`<${Shell} api=${api} />`, document.getElementById("app"));
