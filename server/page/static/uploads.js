/** Documents on their way in. They go on while their tab is not shown, so it finds them again. */

import { ApiError } from "./api.js";

const POLL_MS = 700;
const MOST_FAILURES = 20;
// The server takes a hundred files in one request.
const MOST_FILES = 50;

/**
 * @typedef {object} Upload
 * @property {{filename: string, bytes: number, status: string | null, reason: string}[]} files
 * @property {string} collection
 * @property {"sending" | "queued" | "running" | "done" | "failed"} state
 * @property {number} sent share of the bytes that have gone out, 0 to 1.
 * @property {{stage: string | null, done: number, total: number} | null} progress of the ingest.
 * @property {Error | string | null} error
 */

export class Uploads {
  #api;
  #listener = () => {};

  constructor(api) {
    this.#api = api;
    /** @type {Upload[]} the newest first. */
    this.list = [];
  }

  /** Call `listener` after each change, with true when documents have come in; gives the function that ends it. */
  watch(listener) {
    this.#listener = listener;
    return () => (this.#listener = () => {});
  }

  /** Send files; ends when the server has taken them in, however that went. */
  async send(files, collection, labels) {
    for (let start = 0; start < files.length; start += MOST_FILES) {
      await this.#sendSome(files.slice(start, start + MOST_FILES), collection, labels);
    }
  }

  /** Forget those that have ended. */
  clear() {
    this.list = this.list.filter(({ state }) => !["done", "failed"].includes(state));
    this.#listener(false);
  }

  async #sendSome(files, collection, labels) {
    const upload = {
      files: files.map(({ name, size }) => ({ filename: name, bytes: size, status: null, reason: "" })),
      collection,
      state: "sending",
      sent: 0,
      progress: null,
      error: null,
    };
    this.list = [upload, ...this.list];
    this.#change(upload, {});
    try {
      const onProgress = (sent) => this.#change(upload, { sent });
      const ingest = await this.#api.upload("v1/documents", formOf(files, collection, labels), onProgress);
      await this.#follow(upload, ingest);
    } catch (error) {
      this.#change(upload, { state: "failed", error });
    }
  }

  async #follow(upload, ingest) {
    while (!["done", "failed"].includes(ingest.status)) {
      this.#take(upload, ingest);
      await pause(POLL_MS);
      ingest = await patiently(() => this.#api.get(`v1/ingests/${encodeURIComponent(ingest.id)}`));
    }
    this.#take(upload, ingest);
    this.#listener(true);
  }

  #take(upload, { status, collection, files, progress, error }) {
    this.#change(upload, { state: status, collection, files, progress, error, sent: 1 });
  }

  #change(upload, values) {
    Object.assign(upload, values);
    this.#listener(false);
  }
}

function formOf(files, collection, labels) {
  const form = new FormData();
  for (const file of files) form.append("file", file);
  if (collection) form.append("collection", collection);
  if (labels) form.append("labels", labels);
  return form;
}

/** A busy server is asked again; the ingest goes on without us. */
async function patiently(ask) {
  for (let failures = 0; ; failures += 1) {
    try {
      return await ask();
    } catch (error) {
      const passes = error instanceof ApiError && [0, 429, 503].includes(error.status);
      if (!passes || failures === MOST_FAILURES) throw error;
      await pause(1000 * (error.retryAfter ?? 1));
    }
  }
}

/** So many milliseconds. */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
