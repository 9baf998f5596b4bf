/**
 * What is known of a call, folded from its events. No page in sight: lines, turns and figures only.
 *
 * A line is something in the conversation. `at` is when it was heard (s), `order` where it belongs: that is its time,
 * but for a sentence that nobody heard, which belongs where it would have come.
 *   { id, at, order, kind: "caller" | "operator", text, final, accepted, bargeIn, backchannel, via, confidence }
 *   { id, at, order, kind: "agent", text, heard, unheard, spoken, interrupted }
 *   { id, at, order, kind: "note", tone, label, text }
 * A line that is `gone` was a mistake and is to be taken off the page.
 */

import { flat, milliseconds, signed, words } from "./format.js";

/** Why a message has not reached the agent (yet), by its status. */
const LATE = { queued_no_subscriber: " (waits for the agent)", failed: " (not delivered)" };

export class CallModel {
  constructor(sid) {
    this.sid = sid;
    this.status = "ringing";
    this.caller = null;
    this.called = null;
    this.direction = "inbound";
    this.service = "";
    this.reason = "";
    this.duration = null;
    this.clock = 0;
    this.state = "";
    this.visited = [];
    this.bargeIns = 0;
    this.lines = new Map();
    this.turns = new Map();
    this.figures = { response: [], engine: [], stt: [], tts: [] };
    this.alerts = [];
    this.captured = new Map();
    this.asked = new Map();
    this.changed = new Set();
    this.open = {};
    this.count = 0;
    this.newest = "";
    this.mood = null;
    this.told = "";
    this.manner = null;
    this.risk = null;
  }

  /** Folds one event in; the lines it touched are in `changed`. Events without a rule here change nothing. */
  apply(event) {
    this.clock = event.t;
    this[`on_${event.type}`]?.(event);
  }

  /** Lines touched since the last time this was asked. */
  takeChanged() {
    const lines = [...this.changed];
    this.changed.clear();
    return lines;
  }

  /** Turns in which the caller said something. */
  get turnsTaken() {
    return [...this.turns.values()].filter(({ said }) => said.length).length;
  }

  line(id, fields) {
    if (!this.lines.has(id)) this.newest = id;
    const line = Object.assign(this.lines.get(id) ?? { id }, fields);
    this.lines.set(id, line);
    this.changed.add(line);
    return line;
  }

  note(at, tone, label, text = "", id = `note-${this.count += 1}`) {
    this.line(id, { at, order: at, kind: "note", tone, label, text });
  }

  turn(index) {
    if (!this.turns.has(index)) {
      this.turns.set(index, { index, at: null, said: [], answered: [], state: this.state, interrupted: false });
    }
    return this.turns.get(index);
  }

  on_session_start(event) {
    Object.assign(this, { caller: event.caller_id, called: event.called, direction: event.direction });
    this.service = event.service_id;
  }

  on_session_end(event) {
    Object.assign(this, { status: "ended", reason: event.completion_reason, duration: event.duration_seconds });
    this.note(event.t, "quiet", "Call ended", words(event.completion_reason));
  }

  on_participant_joined(event) {
    if (event.participant_role === "caller") this.status = "live";
    if (event.participant_role === "operator") {
      this.note(event.t, "operator", "Operator joined", event.display_name);
    }
  }

  on_participant_left(event) {
    if (event.participant_role === "operator") this.note(event.t, "operator", "Operator left", event.reason);
  }

  on_media_attached(event) {
    if (event.leg === "caller") this.status = "live";
  }

  /** Words that never became final (a cough, a noise) make room for the next ones. */
  on_speech_started(event) {
    const line = this.lines.get(this.open[event.leg]);
    if (!line) return;
    line.gone = true;
    this.lines.delete(line.id);
    this.changed.add(line);
    delete this.open[event.leg];
  }

  on_user_transcript(event) {
    const role = event.speaker_role;
    this.open[role] ??= `said-${this.count += 1}`;
    const id = this.open[role];
    const at = event.start || this.lines.get(id)?.at || event.t;
    this.line(id, {
      at,
      order: at,
      kind: role,
      text: event.transcript,
      final: event.final,
      accepted: event.accepted,
      bargeIn: event.is_barge_in,
      backchannel: event.is_backchannel,
      via: event.via,
      confidence: event.confidence,
    });
    if (!event.final) return;
    delete this.open[role];
    if (role !== "caller") return;
    const turn = this.turn(event.turn_index);
    turn.at ??= event.start || event.t;
    turn.said.push(event.transcript);
    turn.confidence = event.confidence;
    if (event.stt_ms > 0) this.figures.stt.push(event.stt_ms);
  }

  on_agent_transcript_delta(event) {
    const id = `agent-${event.utterance_id}`;
    const before = this.lines.get(id)?.text;
    const text = before ? `${before} ${event.text}` : event.text;
    const at = this.lines.get(id)?.at ?? event.t;
    this.line(id, { at, order: at, kind: "agent", text, heard: "", unheard: "", spoken: false });
  }

  on_agent_transcript(event) {
    const id = `agent-${event.utterance_id}`;
    const at = event.start || event.t;
    this.line(id, {
      at,
      order: event.heard ? at : this.lines.get(id)?.order ?? at,
      kind: "agent",
      text: event.text,
      heard: event.heard,
      unheard: event.unheard,
      spoken: true,
      interrupted: event.interrupted,
    });
    this.delayPending(event.interrupted ? at : event.end);
    const turn = this.turn(event.turn_index);
    turn.at ??= event.start || event.t;
    turn.answered.push({ heard: event.heard, unheard: event.unheard });
    turn.interrupted ||= event.interrupted;
  }

  /** Sentences that still wait to be spoken come after what was spoken; after an interruption they never come. */
  delayPending(until) {
    for (const line of this.lines.values()) {
      if (line.spoken === false && line.order < until) this.line(line.id, { order: until });
    }
  }

  on_barge_in(event) {
    this.bargeIns = event.total_barge_ins;
    const stopped = event.stop_ms > 0 ? `voice stopped after ${milliseconds(event.stop_ms)}` : "voice stopped";
    this.note(event.t, "barge", "Barge-in", stopped);
  }

  on_latency(event) {
    if (event.continuation) return;
    const { response, engine, tts } = this.figures;
    if (event.e2e_ttfb_ms > 0 && !event.is_greeting) response.push(event.e2e_ttfb_ms);
    if (event.engine_ms > 0) engine.push(event.engine_ms);
    if (event.audio_ttfb_ms > 0) tts.push(event.audio_ttfb_ms);
    Object.assign(this.turn(event.turn_index), { response: event.e2e_ttfb_ms, engine: event.engine_ms });
  }

  on_nav_timing(event) {
    if (!this.state) this.enter(event.state);
    if (event.used_fallback) this.note(event.t, "warn", "Fallback", `${event.model} answered instead`);
  }

  /** Moves with nothing said or done between them are one line. */
  on_state_transition(event) {
    if (!this.state) this.enter(event.from_state);
    this.enter(event.to_state);
    const before = this.lines.get(this.newest);
    if (before?.tone === "state") {
      this.note(before.at, "state", `${before.label} › ${words(event.to_state)}`, event.annotation, before.id);
    } else {
      this.note(event.t, "state", words(event.to_state), event.annotation);
    }
    for (const turn of this.turns.values()) turn.state ||= event.to_state;
  }

  enter(state) {
    this.state = state;
    if (state && !this.visited.includes(state)) this.visited.push(state);
  }

  on_inner_thought(event) {
    this.note(event.t, "thought", "Thought", event.text);
  }

  on_tool_call_started(event) {
    this.asked.set(event.call_id, event.input);
    this.note(event.t, "tool", words(event.tool_name), flat(event.input), `tool-${event.call_id}`);
  }

  on_tool_call_completed(event) {
    if (event.succeeded) this.capture(this.asked.get(event.call_id) ?? {});
    const took = milliseconds(event.duration_ms);
    const id = `tool-${event.call_id}`;
    const { at, text: asked } = this.lines.get(id) ?? { at: event.t, text: "" };
    const outcome = event.succeeded ? took : `failed after ${took}: ${event.error_message}`;
    const text = asked ? `${asked} · ${outcome}` : outcome;
    this.note(at, event.succeeded ? "tool" : "warn", words(event.tool_name), text, id);
  }

  /** What the caller's words have become is what tools were given. */
  capture(input) {
    for (const [name, value] of Object.entries(input)) if (flat(value)) this.captured.set(name, value);
  }

  on_silence_check(event) {
    this.note(event.t, "quiet", "Silence", `${event.seconds.toFixed(1)} s, check ${event.count}`);
  }

  on_degraded(event) {
    this.alert(event.t, `${event.part}: now ${words(event.rung)}`, event.reason);
  }

  /** An operator who takes over by themselves asks for nobody. */
  on_escalation_requested(event) {
    if (event.trigger === "operator") return;
    this.alert(event.t, `A person is wanted: ${words(event.trigger)}`, event.reason, "escalation");
  }

  on_escalation_connected() {
    this.settle("escalation");
  }

  on_escalation_completed() {
    this.settle("escalation");
  }

  on_operator_mode_switched(event) {
    this.note(event.t, "operator", event.mode === "takeover" ? "Operator speaks" : "Operator listens");
  }

  on_guidance(event) {
    const late = LATE[event.status] ?? "";
    this.note(event.t, "operator", event.kind === "guidance" ? "Guidance" : "News", event.message + late);
  }

  /** Sounds without words and clear feelings are told; an even mood is not. */
  on_emotion(event) {
    this.mood = event;
    for (const { type, at } of event.recent_bursts) {
      if (!this.lines.has(`burst-${at}`)) this.note(at, "mood", "Heard", words(type), `burst-${at}`);
    }
    if (event.dominant === "neutral" || event.dominant === this.told) return;
    const measures = `valence ${signed(event.turn_valence)}, arousal ${event.turn_arousal.toFixed(2)}`;
    this.note(event.t, "mood", `Sounds ${event.dominant}`, measures);
    this.told = event.dominant;
  }

  on_voice_context_applied(event) {
    const before = this.manner;
    this.manner = event;
    if (before && before.tts_emotion === event.tts_emotion && before.tts_speed === event.tts_speed) return;
    if (!before && event.tts_speed === 1) return;
    this.note(event.t, "mood", `Agent's voice: ${event.tts_emotion}, ×${event.tts_speed.toFixed(2)}`, event.reasoning);
  }

  on_risk(event) {
    const before = this.risk?.level ?? "normal";
    this.risk = event;
    if (event.level === before) return;
    const tone = event.level === "normal" || event.level === "monitor" ? "mood" : "warn";
    this.note(event.t, tone, `Risk: ${event.level}`, `${Math.round(event.risk_score * 100)} of 100`);
  }

  on_forward_call_resolved(event) {
    const where = event.location_name || event.target_number;
    this.note(event.t, event.error ? "warn" : "operator", "Transfer", `${where}: ${words(event.result)}`);
  }

  /** What needs attention; the same thing again is counted and not repeated. */
  alert(at, label, text, kind = "") {
    const known = this.alerts.find((alert) => alert.label === label && alert.text === text);
    if (known) known.times += 1;
    else this.alerts.push({ at, label, text, kind, times: 1 });
    this.note(at, "warn", label, text);
  }

  /** What needed attention has got it. */
  settle(kind) {
    this.alerts = this.alerts.filter((alert) => alert.kind !== kind);
  }
}
