/** The order of the queue, and its figures in words. */

import { phoneNumber } from "../call/format.js";

const REASONS = {
  high_risk: "High risk",
  long_wait: "Long wait",
  negative_emotion: "Upset",
  safety_concern: "Safety",
  looping: "Going in circles",
};

/** Below this valence a caller counts as upset, as in the queue's own formula. */
const UPSET = -0.3;

/** The most urgent first: calls that wait for a person, then by priority, then the older call. */
export function ranked(calls) {
  return [...calls].sort((a, b) => (
    Number(b.escalation_active) - Number(a.escalation_active)
    || b.priority_score - a.priority_score
    || String(a.started_at).localeCompare(String(b.started_at))
    || a.call_sid.localeCompare(b.call_sid)
  ));
}

export function reason(name) {
  return REASONS[name] ?? name.replaceAll("_", " ");
}

/** How the caller is called: by name, else by number. */
export function callerName(call) {
  const number = call.caller_phone || call.caller_id;
  return call.entity_name || (number ? phoneNumber(number) : "Number withheld");
}

/** The number, where the name does not say it already. */
export function callerNumber(call) {
  const number = call.caller_phone || call.caller_id;
  return call.entity_name && number ? phoneNumber(number) : "";
}

export function mood(call) {
  if (!call.current_emotion && call.current_valence == null) return null;
  const valence = call.current_valence ?? 0;
  const tone = valence <= UPSET ? "upset" : valence >= -UPSET ? "glad" : "even";
  return { tone, text: call.current_emotion || (tone === "even" ? "calm" : tone) };
}

/** 0..1 as whole percent, without the sign. */
export function percent(score) {
  return Math.round(score * 100);
}
