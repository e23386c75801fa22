/** What the review desk holds: the queue, the records that were fetched, and what a person is about to rule. */

import { looked, rulingOf } from "./ruling.js";

const PAGE = 50;
// So many records after the one that is read are fetched beforehand.
const AHEAD = 2;
// Where the list is this close to its end, the next page comes.
const NEAR_END = 8;

export class Desk {
  constructor(api) {
    Object.assign(this, {
      api,
      items: [],
      total: 0,
      hasMore: false,
      at: 0,
      error: null,
      loading: false,
    });
    this.filters = {
      reason: "",
      state: "open",
      language: "",
      collection: "",
      policy_version: "",
    };
    this.records = new Map();
    this.drafts = new Map();
    this.listeners = new Set();
    this.rubric = null;
  }

  watch(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  changed() {
    this.listeners.forEach((listener) => listener());
  }

  get current() {
    return this.items[this.at] ?? null;
  }

  get record() {
    const found = this.records.get(this.current?.id);
    return found instanceof Promise ? null : found;
  }

  /** The queue from its beginning; `first` is the id of a turn that is to be shown, queued or not. */
  async open(first = "") {
    Object.assign(this, { items: [], at: 0, loading: true, error: null });
    const asked = (this.asked = {});
    this.changed();
    try {
      this.rubric ??= await this.api.get("v1/rubric");
      const page = await this.api.get("v1/reviews", {
        ...this.filters,
        limit: PAGE,
      });
      if (this.asked !== asked) return;
      this.take(page);
      if (first) await this.put(first);
    } catch (error) {
      if (this.asked === asked) this.error = error;
    }
    if (this.asked !== asked) return;
    this.loading = false;
    this.go(0);
  }

  /** Put a turn in front of the others. */
  async put(id) {
    const record = await this.fetch(id);
    if (record instanceof Error) throw record;
    this.items = [record, ...this.items.filter((one) => one.id !== id)];
  }

  take({ data, total, has_more }) {
    const known = new Set(this.items.map(({ id }) => id));
    this.items = [...this.items, ...data.filter(({ id }) => !known.has(id))];
    Object.assign(this, { total, hasMore: has_more });
  }

  go(index) {
    this.at = Math.max(0, Math.min(index, this.items.length - 1));
    this.items.slice(this.at, this.at + 1 + AHEAD).forEach(({ id }) => this.fetch(id));
    if (this.hasMore && this.at > this.items.length - NEAR_END) this.more();
    this.changed();
  }

  async more() {
    this.hasMore = false;
    const query = { ...this.filters, limit: PAGE, after: this.items.at(-1).id };
    try {
      this.take(await this.api.get("v1/reviews", query));
    } catch (error) {
      this.error = error;
    }
    this.changed();
  }

  /** A record, an error, or the promise of one of them. */
  fetch(id) {
    if (!this.records.has(id)) {
      const coming = this.api.get(`v1/reviews/${encodeURIComponent(id)}`).catch((error) => error);
      this.records.set(id, coming);
      coming.then((found) => {
        this.records.set(id, found);
        this.changed();
      });
    }
    return this.records.get(id);
  }

  /** What is about to be ruled of the record that is shown: the candidate, propositions, the class. */
  get draft() {
    const { record } = this;
    if (!this.drafts.has(record.id))
      this.drafts.set(record.id, {
        candidate: looked(record),
        said: {},
        class: "",
      });
    return this.drafts.get(record.id);
  }

  get candidate() {
    return this.record.candidates.find(({ id }) => id === this.draft.candidate) ?? null;
  }

  /** The propositions of the candidate that is shown, those that hold first; a number names each. */
  get propositions() {
    const { propositions = {}, evidence = {} } = this.candidate?.verdict ?? {};
    return Object.entries(propositions)
      .map(([name, probability]) => {
        const { threshold = 0.5, hard = false, wording = {} } = this.rubric?.propositions[name] ?? {};
        const holds = probability >= threshold;
        return {
          name,
          probability,
          holds,
          threshold,
          hard,
          wording,
          evidence: evidence[name],
        };
      })
      .sort((a, b) => b.probability - a.probability)
      .map((one, index) => ({
        ...one,
        number: index + 1,
        ruled: this.draft.said[one.name],
      }));
  }

  /** Say of a proposition whether it holds; the same again takes that back. */
  rule(name, holds) {
    const { said } = this.draft;
    if (said[name] === holds) delete said[name];
    else said[name] = holds;
    this.changed();
  }

  overrule(number) {
    const found = this.propositions.find((one) => one.number === number);
    if (found) this.rule(found.name, !found.holds);
  }

  show(candidate) {
    Object.assign(this.draft, { candidate, said: {}, class: "" });
    this.changed();
  }

  /** Send the ruling and go on at once; a turn whose ruling was not taken is open again. */
  async settle(rest) {
    const { current, at } = this;
    const body = rulingOf(this, rest);
    this.mark(current, "done");
    this.error = null;
    this.go(at + 1);
    try {
      await this.api.post("v1/feedback", body);
      this.records.delete(current.id);
    } catch (error) {
      this.mark(current, "open");
      this.error = error;
    }
    this.changed();
  }

  /** Store what should have been said; gives the feedback's id. */
  async correct(correction) {
    const body = { id: this.record.id, type: "correction", correction };
    if (this.candidate) body.candidate_id = this.candidate.id;
    const { id } = await this.api.post("v1/feedback", body);
    this.draft.correction = "";
    this.mark(this.current, "done");
    this.changed();
    return id;
  }

  /** A turn that was ruled on stays in the list, but is no longer counted among the open ones. */
  mark(item, state) {
    if (item.state !== state && this.filters.state === "open") this.total += state === "open" ? 1 : -1;
    item.state = state;
  }
}
