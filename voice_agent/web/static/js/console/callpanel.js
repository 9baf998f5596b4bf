/** The selected call: what is said, where it stands, how the caller feels. */

import { drawAlerts } from "../call/alerts.js";
import { byId } from "../call/dom.js";
import { EventList } from "../call/eventlist.js";
import { Feed } from "../call/feed.js";
import { clock, words } from "../call/format.js";
import { GraphPicture } from "../call/graph.js";
import { CallModel } from "../call/model.js";
import { Transcript } from "../call/transcript.js";
import { callerName, callerNumber, mood, percent } from "./ranking.js";
import { Trend } from "./trend.js";

const SPEAKERS = { caller: "Caller", operator: "Operator", agent: "Agent" };

/** From these scores on a call is to be watched, attended to, escalated. */
const RISK_MARKS = [0.3, 0.5, 0.7];
const UPSET = -0.3;
const AGITATED = 0.7;

const FEED_PROBLEMS = { live: "", waiting: "Connecting to the words of this call…", lost: "" };

/** Events: `change` (who is on the call, or that it is over), `over`. */
export class CallPanel extends EventTarget {
  /** @param me the operator's own id. */
  constructor(me) {
    super();
    this.me = me;
    this.transcript = new Transcript(byId("transcript"), SPEAKERS);
    this.events = new EventList(byId("events"));
    this.graph = new GraphPicture(byId("graph"), byId("graph-whole"));
    this.risk = new Trend(byId("trend-risk"), {
      label: "Risk", low: 0, high: 1, marks: RISK_MARKS,
      describe: (score) => `${percent(score)} of 100`, alarming: (score) => score >= RISK_MARKS[1],
    });
    this.valence = new Trend(byId("trend-emotion"), {
      label: "Emotion", low: -1, high: 1, marks: [0],
      describe: (valence) => `${this.feeling || (valence <= UPSET ? "upset" : "even")} ${valence.toFixed(2)}`,
      alarming: (valence) => valence <= UPSET,
    });
    this.arousal = new Trend(byId("trend-arousal"), {
      label: "Arousal", low: 0, high: 1, marks: [0.5],
      describe: (arousal) => arousal.toFixed(2), alarming: (arousal) => arousal >= AGITATED && this.isUpset,
    });
    this.item = null;
    this.model = null;
    this.drawing = false;
    setInterval(() => this.tick(), 500);
  }

  /** The call shown, as the floor bar wants to know it; null for none. */
  get call() {
    if (!this.item) return null;
    return { sid: this.item.call_sid, over: this.over, speaker: this.over ? "" : this.speaker };
  }

  /** Whether the caller sounds unpleasant by the newest reading. */
  get isUpset() {
    return (this.model?.mood?.turn_valence ?? 0) <= UPSET;
  }

  get over() {
    return this.model?.status === "ended";
  }

  /** The other operator who speaks to the caller; "" if it is the agent, or oneself. */
  get speaker() {
    const others = [...this.operators].filter(([id, { speaks }]) => speaks && id !== this.me);
    return others.length ? others[0][1].name || "Another operator" : "";
  }

  /** Follows a call of the queue from its first event on. */
  open(item) {
    this.feed?.close();
    for (const part of [this.transcript, this.events, this.graph, this.risk, this.valence, this.arousal]) part.clear();
    this.model = new CallModel(item.call_sid);
    this.operators = new Map();
    this.feeling = "";
    this.heardFeelings = false;
    this.heardRisk = false;
    this.startedAt = 0;
    byId("desk-empty").hidden = true;
    byId("desk").hidden = false;
    this.feed = new Feed(item.call_sid, { attempts: Infinity });
    this.feed.addEventListener("event", ({ detail }) => this.receive(detail));
    this.feed.addEventListener("gap", ({ detail }) => this.problem(`${detail.missing} events were not received.`));
    this.feed.addEventListener("status", ({ detail }) => this.problem(FEED_PROBLEMS[detail]));
    this.update(item);
  }

  /** What the queue says of this call now. */
  update(item) {
    this.item = item;
    if (!this.heardFeelings) {
      this.feeling = item.current_emotion ?? "";
      this.valence.add(`turn ${item.turn_count}`, item.current_valence);
    }
    if (!this.heardRisk) this.risk.add(`turn ${item.turn_count}`, item.risk_score);
    this.redraw();
  }

  receive(event) {
    this.model.apply(event);
    this.startedAt = performance.now() - event.t * 1000;
    this.events.add(event);
    this.follow(event);
    this.redraw();
  }

  follow(event) {
    if (event.type === "operator_joined") {
      this.operators.set(event.operator_id, { name: event.name, speaks: false });
    } else if (event.type === "operator_left") {
      this.operators.delete(event.operator_id);
    } else if (event.type === "operator_mode_switched") {
      const { name = "" } = this.operators.get(event.operator_id) ?? {};
      this.operators.set(event.operator_id, { name, speaks: event.mode === "takeover" });
    } else if (event.type === "emotion") {
      this.heardFeelings = true;
      this.feeling = event.dominant;
      this.valence.add(event.seq, event.turn_valence);
      this.arousal.add(event.seq, event.turn_arousal);
      return;
    } else if (event.type === "risk") {
      this.heardRisk = true;
      this.risk.add(event.seq, event.risk_score);
      return;
    } else if (event.type === "guidance") {
      this.emit("guidance", event);
      return;
    } else if (event.type === "session_end") {
      this.emit("over", this.item.call_sid);
    } else {
      return;
    }
    this.emit("change");
  }

  /** Draws at most once a frame, however many events come. */
  redraw() {
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      this.draw();
    });
  }

  draw() {
    const { item, model } = this;
    this.write("caller-name", callerName(item));
    const about = [callerNumber(item), item.service_name, item.direction === "inbound" ? "" : item.direction];
    this.write("caller-about", about.filter(Boolean).join(" · "));
    byId("call-page").href = `/calls/${encodeURIComponent(item.call_sid)}`;
    this.write("fact-state", words(model.state || item.current_state || "–"));
    this.write("fact-turns", String(model.turnsTaken || item.turn_count));
    const { risk_score: risk, risk_level: level } = model.risk ?? item;
    this.write("fact-risk", risk == null ? "–" : `${percent(risk)} ${level ?? ""}`);
    byId("fact-risk").dataset.risk = level ?? "unknown";
    this.write("fact-mood", this.feeling || mood(item)?.text || "–");
    this.write("fact-sounds", model.mood?.recent_bursts.map(({ type }) => type).join(", ") || "–");
    const { tts_emotion: tone, tts_speed: speed, reasoning } = model.manner ?? {};
    this.write("fact-voice", tone ? `${tone} ×${speed.toFixed(2)}` : "–");
    byId("fact-voice").title = reasoning ?? "";
    drawAlerts(byId("alerts"), model.alerts);
    this.transcript.update(model.takeChanged());
    this.graph.update(model);
    byId("trends").hidden = byId("trend-risk").hidden && byId("trend-emotion").hidden && byId("trend-arousal").hidden;
    this.tick();
  }

  tick() {
    if (!this.model) return;
    const { status, duration } = this.model;
    const seconds = status === "live" ? (performance.now() - this.startedAt) / 1000 : duration;
    this.write("fact-length", seconds === null ? "–" : clock(seconds));
  }

  problem(text) {
    const notice = byId("feed-problem");
    notice.textContent = text;
    notice.hidden = !text;
  }

  write(id, text) {
    const node = byId(id);
    if (node.textContent !== text) node.textContent = text;
  }

  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
