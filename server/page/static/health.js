/** What the panel shows, worked out from readings of `/metrics`. */

import { bucketsOf, meanOf, quantileOf, since, sumOf, sumsBy, valuesOf } from "./exposition.js";

const STAGES = ["retrieve", "prompt", "generate", "judge", "decide", "log"];
const WINDOW_MS = 5 * 60_000;

/**
 * The readings of the last minutes, the oldest first; the one that is older than that is the base of the rates.
 *
 * @typedef {{at: number, series: Map<string, object[]>}} Reading `at` in milliseconds.
 */
export function withReading(readings, reading) {
  const all = [...readings, reading];
  const base = all.findLastIndex(({ at }) => at <= reading.at - WINDOW_MS);
  return base > 0 ? all.slice(base) : all;
}

/** All figures of the panel. @param {Reading[]} readings at least one. */
export function figuresOf(readings) {
  const { series } = readings.at(-1);
  const stages = STAGES.map((stage) => ({
    stage,
    seconds: meanOf(series, "plumbline_stage_seconds", { stage }),
    count: sumOf(series, "plumbline_stage_seconds_count", { stage }),
  })).filter(({ count }) => count);
  const prompt = sumOf(series, "plumbline_tokens_total", { kind: "prompt" });
  return {
    perMinute: ratesOf(readings),
    answers: sumOf(series, "plumbline_decisions_total"),
    stages,
    outcomes: outcomesOf(series),
    rewards: rewardsOf(series),
    cached: prompt ? sumOf(series, "plumbline_tokens_total", { kind: "cached" }) / prompt : null,
    engine: {
      up: sumOf(series, "plumbline_policy_up") > 0,
      inFlight: sumOf(series, "plumbline_requests_in_flight"),
      logQueue: sumOf(series, "plumbline_log_queue"),
      documents: sumOf(series, "plumbline_index_documents"),
      chunks: sumOf(series, "plumbline_index_chunks"),
    },
  };
}

/** Answers a minute between each two readings, and over all of them; null while there is but one. */
function ratesOf(readings) {
  if (readings.length < 2) return { now: null, steps: [] };
  const steps = readings.slice(1).map((reading, place) => rate(readings[place], reading));
  return { now: rate(readings[0], readings.at(-1)), steps };
}

function rate(before, after) {
  const answers = sumOf(since(after.series, before.series), "plumbline_decisions_total");
  return (60_000 * answers) / Math.max(after.at - before.at, 1);
}

function outcomesOf(series) {
  const decisions = sumsBy(series, "plumbline_decisions_total", "decision");
  const abstained = sumOf(series, "plumbline_abstentions_total");
  const declined = sumOf(series, "plumbline_refusals_total", { source: "policy" });
  const served = decisions.serve ?? 0;
  return [
    { name: "answered", count: Math.max(served - abstained - declined, 0) },
    { name: "abstained", count: abstained },
    { name: "declined", count: declined },
    { name: "refused", count: decisions.refuse ?? 0 },
    { name: "failed", count: sumOf(series, "plumbline_turn_errors_total") },
    { name: "regenerated", count: sumOf(series, "plumbline_regenerations_total"), beside: true },
    { name: "judge_failed", count: sumOf(series, "plumbline_judge_failures_total"), beside: true },
  ];
}

function rewardsOf(series) {
  return valuesOf(series, "plumbline_reward_count", "policy_version").map((version) => {
    const labels = { policy_version: version };
    const buckets = bucketsOf(series, "plumbline_reward", labels);
    const count = sumOf(series, "plumbline_reward_count", labels);
    return { version, count, median: quantileOf(buckets, 0.5), buckets };
  });
}
