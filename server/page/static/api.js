/** The one way to the server: its public HTTP API, with the caller's key. */

import { events } from "./events.js";

/** What the server refused, or that it could not be reached (status 0). */
export class ApiError extends Error {
  constructor(status, { message = "", code = null, param = null } = {}, retryAfter = null) {
    super(message);
    Object.assign(this, { status, code, param, retryAfter });
  }
}

/**
 * @param {string} key may be empty.
 * @returns an object with `get`, `post`, `delete`, `text`, `upload` and `stream`; all give a promise, which is
 *   broken with an ApiError. Paths have no slash before them, as in `api.get("v1/me")`, so that a proxy may
 *   serve the page below a path of its own. `onRefused` is called when the key is missing or not known.
 */
export function makeApi(key) {
  const api = { key, onRefused: () => {} };

  const send = async (method, path, { body, query, signal } = {}) => {
    const headers = api.key ? { authorization: `Bearer ${api.key}` } : {};
    const form = body instanceof FormData;
    if (body !== undefined && !form) headers["content-type"] = "application/json";
    const sent = body === undefined || form ? body : JSON.stringify(body);
    let response;
    try {
      response = await fetch(path + queryOf(query), {
        method,
        headers,
        body: sent,
        signal,
        cache: "no-store",
      });
    } catch (error) {
      throw error.name === "AbortError" ? error : new ApiError(0);
    }
    if (response.ok) return response;
    throw refused(api, response.status, await response.text(), response.headers.get("retry-after"));
  };

  api.get = async (path, query, options) => (await send("GET", path, { query, ...options })).json();
  api.text = async (path, query, options) => (await send("GET", path, { query, ...options })).text();
  api.post = async (path, body, options) => (await send("POST", path, { body, ...options })).json();
  api.delete = async (path, options) => (await send("DELETE", path, options)).json();

  /** The events of a streamed reply, one after the other; an event that is an error is thrown. */
  api.stream = async function* (path, body, signal) {
    const response = await send("POST", path, { body, signal });
    try {
      for await (const event of events(response.body)) {
        if (event.error) throw new ApiError(response.status, event.error);
        yield event;
      }
    } catch (error) {
      throw error instanceof ApiError || error.name === "AbortError" ? error : new ApiError(0);
    }
  };

  /** Send a form; `onProgress` hears the share that has gone out, 0 to 1. fetch can't tell it. */
  api.upload = (path, form, onProgress = () => {}) =>
    new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", path);
      if (api.key) request.setRequestHeader("authorization", `Bearer ${api.key}`);
      request.upload.onprogress = ({ loaded, total }) => total && onProgress(loaded / total);
      request.onerror = () => reject(new ApiError(0));
      request.onload = () => {
        if (request.status < 300) return resolve(JSON.parse(request.responseText));
        const after = request.getResponseHeader("retry-after");
        return reject(refused(api, request.status, request.responseText, after));
      };
      request.send(form);
    });

  return api;
}

function queryOf(query = {}) {
  const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
  const given = pairs.filter(([, value]) => value !== undefined && value !== null && value !== "");
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

function refused(api, status, text, retryAfter) {
  let error;
  try {
    error = JSON.parse(text).error;
  } catch {
    error = { message: text.slice(0, 300) };
  }
  if (status === 401) api.onRefused();
  return new ApiError(status, error, retryAfter && Number(retryAfter));
}

/** An error in the words of the page: `{title, detail}`. The detail is the server's own sentence, in English. */
export function inWords(error, t) {
  if (!(error instanceof ApiError))
    return { title: t("error_page"), detail: String(error?.message ?? error) };
  const known = [`error_${error.code}`, `error_${error.status}`].find(t.has);
  const fallback = error.status >= 500 ? "error_server" : "error_request";
  const title = t(known || fallback, { seconds: error.retryAfter ?? 1 });
  return { title, detail: error.message };
}
