/** Every event of the call on one line, for those who want to see the machinery. */

import { element } from "./dom.js";
import { flat, instant, milliseconds, signed, words } from "./format.js";

/** Rows kept; the oldest leave first. The stored call has them all. */
const ROWS = 500;

const DETAILS = {
  session_start: (event) => [event.caller_id ?? "withheld", "→", event.called ?? ""].join(" "),
  session_info: (event) => `${words(event.name)} ${flat(event.detail)}`,
  session_end: (event) => words(event.completion_reason),
  participant_joined: (event) => event.participant_role,
  participant_left: (event) => `${event.participant_role} ${event.reason}`,
  media_attached: (event) => event.leg,
  media_detached: (event) => `${event.leg} ${event.reason}`,
  speaker_muted: (event) => (event.muted ? "muted" : "freed"),
  speech_started: (event) => event.leg,
  speech_stopped: (event) => event.leg,
  user_transcript: (event) => `“${event.transcript}”${event.final ? "" : " so far"}`,
  agent_transcript_delta: (event) => `“${event.text}”`,
  agent_transcript: (event) => `“${event.heard}”${event.unheard ? " …" : ""}`,
  barge_in: (event) => `stopped after ${milliseconds(event.stop_ms)}`,
  turn_completed: (event) => `${event.turn_index}: ${words(event.reason)}`,
  latency: (event) => `response ${milliseconds(event.e2e_ttfb_ms)}`,
  nav_timing: (event) => `${milliseconds(event.total_ms)} by ${event.model}`,
  state_transition: (event) => `${words(event.from_state)} → ${words(event.to_state)}`,
  inner_thought: (event) => event.text,
  tool_call_started: (event) => words(event.tool_name),
  tool_call_completed: (event) => `${words(event.tool_name)} ${milliseconds(event.duration_ms)}`,
  safety: (event) => event.concept_matches.map((match) => words(match.concept)).join(", "),
  silence_check: (event) => `${event.seconds.toFixed(1)} s`,
  degraded: (event) => `${event.part}: ${words(event.rung)}`,
  escalation_requested: (event) => words(event.trigger),
  operator_invited: (event) => event.name,
  operator_joined: (event) => event.name,
  operator_left: (event) => words(event.reason),
  operator_mode_switched: (event) => event.mode,
  guidance: (event) => `“${event.message}” ${words(event.status)}`,
  forward_call_resolved: (event) => words(event.result),
  emotion: (event) => `${feeling(event)}${sounds(event)}`,
  compound_emotion: (event) => event.compounds.map(({ name }) => words(name)).join(", ") || "none",
  empathy_classified: (event) => `${words(event.tier_name.toLowerCase())}${event.acknowledge ? ", in words too" : ""}`,
  voice_context_applied: (event) => `${event.tts_emotion} ×${event.tts_speed.toFixed(2)}: ${event.reasoning}`,
  risk: (event) => `${Math.round(event.risk_score * 100)} of 100, ${event.level}: ${parts(event)}`,
};

/** A feeling with its measures; of a turn, words included. */
function feeling({ dominant, turn_valence: valence, turn_arousal: arousal }) {
  return `${dominant} valence ${signed(valence)} arousal ${arousal.toFixed(2)}`;
}

function sounds({ recent_bursts: bursts }) {
  return bursts.length ? `, heard: ${bursts.map(({ type }) => type).join(", ")}` : "";
}

function parts({ signals }) {
  return signals.filter(({ weighted }) => weighted > 0).map(({ name, weighted }) => `${name} ${Math.round(weighted)}`).join(" + ");
}

const TONES = {
  degraded: "warn", safety: "warn", escalation_requested: "warn", barge_in: "barge", state_transition: "state",
  tool_call_started: "tool", tool_call_completed: "tool", latency: "latency",
};

export class EventList {
  constructor(list) {
    this.list = list;
  }

  clear() {
    this.list.replaceChildren();
  }

  add(event) {
    this.list.append(element(
      "li",
      { class: TONES[event.type] },
      element("time", {}, instant(event.t)),
      element("b", {}, words(event.type)),
      element("span", {}, DETAILS[event.type]?.(event) ?? ""),
    ));
    if (this.list.childElementCount > ROWS) this.list.firstElementChild.remove();
  }
}
