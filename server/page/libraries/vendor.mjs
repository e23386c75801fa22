/**
 * Copies the libraries of the page from node_modules into static/vendor, as they are, with their licences,
 * and notes the SHA-384 of each file in vendored.json.
 *
 *     npm ci && node vendor.mjs
 */

import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const FILES = {
  "htm-preact.js": "htm/preact/standalone.module.js",
  "htm-LICENSE.txt": "htm/LICENSE",
  "preact-LICENSE.txt": "preact/LICENSE",
  "marked.js": "marked/lib/marked.esm.js",
  "marked-LICENSE.txt": "marked/LICENSE",
};

const here = new URL(".", import.meta.url);
const vendor = new URL("../static/vendor/", here);
const locked = JSON.parse(readFileSync(new URL("package-lock.json", here), "utf8")).packages;

rmSync(vendor, { recursive: true, force: true });
mkdirSync(vendor);
const files = Object.entries(FILES).map(([name, source]) => {
  const from = new URL(`node_modules/${source}`, here);
  copyFileSync(from, new URL(name, vendor));
  const sha384 = createHash("sha384").update(readFileSync(from)).digest("base64");
  const origin = source.split("/")[0];
  return { name, package: origin, version: locked[`node_modules/${origin}`].version, source, sha384 };
});
writeFileSync(new URL("vendored.json", here), JSON.stringify(files, null, 2) + "\n");
