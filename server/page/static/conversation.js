/**
 * A conversation with the server: what was asked, and what has come back so far. It lives on while its tab is
 * not shown, so an answer that is being written is still there when one comes back.
 */

/**
 * @typedef {object} Exchange
 * @property {string} question
 * @property {string} content the answer as far as it has come.
 * @property {"waiting" | "writing" | "done" | "stopped" | "failed"} state
 * @property {object[]} annotations citations, as OpenAI has them.
 * @property {string | null} refusal
 * @property {object | null} plumbline the reply field, when the answer is whole.
 * @property {Error | null} error
 */

export class Conversation {
  #api;
  #abort = null;
  #listener = () => {};

  constructor(api) {
    this.#api = api;
    /** @type {Exchange[]} */
    this.exchanges = [];
    this.collection = "default";
  }

  /** Call `listener` after each change; gives the function that ends it. */
  watch(listener) {
    this.#listener = listener;
    return () => (this.#listener = () => {});
  }

  get busy() {
    return this.#abort !== null;
  }

  /** Ask; the promise ends when the answer has, however that went. */
  async ask(question) {
    const exchange = {
      question,
      content: "",
      state: "waiting",
      annotations: [],
      refusal: null,
      id: null,
      plumbline: null,
      error: null,
    };
    this.exchanges = [...this.exchanges, exchange];
    const abort = (this.#abort = new AbortController());
    this.#listener();
    try {
      for await (const chunk of this.#api.stream("v1/chat/completions", this.#body(), abort.signal)) {
        take(exchange, chunk);
        this.#listener();
      }
      // A stream without its last chunk was not acknowledged by the server.
      if (!exchange.plumbline) throw new Error("The answer broke off before its end.");
      exchange.state = "done";
    } catch (error) {
      exchange.state = error.name === "AbortError" ? "stopped" : "failed";
      exchange.error = error.name === "AbortError" ? null : error;
    }
    if (this.#abort === abort) this.#abort = null;
    this.#listener();
  }

  /** Ask the last question again. */
  async again() {
    const last = this.exchanges.at(-1);
    this.exchanges = this.exchanges.slice(0, -1);
    await this.ask(last.question);
  }

  stop() {
    this.#abort?.abort();
  }

  /** Begin anew. */
  clear() {
    this.stop();
    this.#abort = null;
    this.exchanges = [];
    this.#listener();
  }

  #body() {
    const messages = this.exchanges.flatMap(({ question, content, state }, index) => {
      const asked = { role: "user", content: question };
      if (index === this.exchanges.length - 1) return [asked];
      return state === "done" ? [asked, { role: "assistant", content }] : [];
    });
    return {
      model: "plumbline",
      stream: true,
      messages,
      plumbline: { collection: this.collection, show_candidates: true },
    };
  }
}

function take(exchange, chunk) {
  exchange.id = chunk.id;
  const delta = chunk.choices[0]?.delta ?? {};
  if (delta.content) {
    exchange.state = "writing";
    exchange.content += delta.content;
  }
  if (delta.annotations) exchange.annotations = delta.annotations;
  if (delta.refusal) exchange.refusal = delta.refusal;
  if (chunk.plumbline) exchange.plumbline = chunk.plumbline;
}
