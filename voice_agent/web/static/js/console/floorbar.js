/** Who has the floor, in letters that cannot be missed, and what the operator can do about it. */

import { byId } from "../call/dom.js";
import { Stance } from "./presence.js";

/** Loudness (dB below full scale) at the empty end of a meter. */
const FLOOR_DB = -54;

/** What the bar says and offers in each stance. */
const BAR = {
  none: { title: "", detail: "", actions: [] },
  [Stance.AWAY]: {
    title: "The agent speaks. You are not on this call.",
    detail: "Listen in without being noticed, or take over.",
    actions: ["listen", "take-over"],
  },
  [Stance.JOINING]: {
    title: "Joining…",
    detail: "Your line is being connected. You are muted.",
    actions: ["leave"],
  },
  [Stance.LISTENING]: {
    title: "Agent speaks, you listen muted",
    detail: "The caller does not know that you are here.",
    actions: ["take-over", "leave"],
  },
  [Stance.SPEAKING]: {
    title: "You are speaking to the caller",
    detail: "The agent is silent and follows. It goes on as soon as you hand back or leave.",
    actions: ["hand-back", "leave"],
  },
  ended: { title: "This call is over", detail: "Recording and timeline are on the call's own page.", actions: [] },
  elsewhere: {
    title: "You are on another call",
    detail: "Leave that one first, or go back to it.",
    actions: ["go-back"],
  },
  taken: {
    title: "Another operator is speaking to the caller",
    detail: "You can listen; taking over is possible once they have handed back.",
    actions: ["listen"],
  },
};

const PENDING = {
  listen: "Handing back to the agent…",
  takeover: "Taking over…",
};

const BUTTONS = ["listen", "take-over", "hand-back", "leave", "go-back"];

/** The stance towards the call that is shown. */
function stanceOf(presence, call) {
  if (!call) return "none";
  if (presence.sid === call.sid) return presence.stance;
  if (call.over) return "ended";
  if (!presence.away) return "elsewhere";
  return call.speaker ? "taken" : Stance.AWAY;
}

export class FloorBar extends EventTarget {
  constructor() {
    super();
    this.root = byId("floor");
    for (const name of BUTTONS) byId(name).onclick = () => this.dispatchEvent(new CustomEvent(name));
  }

  /** @param call { sid, over, speaker: name of another operator who has the floor } or null. */
  show(presence, call) {
    const stance = stanceOf(presence, call);
    const pending = presence.sid === call?.sid && stance !== Stance.JOINING ? presence.pending : "";
    const { title, detail, actions } = BAR[stance];
    const changing = Boolean(pending) || stance === Stance.JOINING;
    const focused = this.root.contains(document.activeElement) ? document.activeElement : null;
    this.root.dataset.stance = stance;
    this.root.setAttribute("aria-busy", String(changing));
    const says = stance === "taken" ? `${call.speaker} is speaking to the caller` : title;
    this.write("floor-title", PENDING[pending] ?? says);
    this.write("floor-detail", stance === "elsewhere" ? `With ${presence.name}. ${detail}` : detail);
    for (const name of BUTTONS) {
      byId(name).hidden = !actions.includes(name);
      byId(name).disabled = Boolean(pending) && name !== "leave";
    }
    byId("line-meters").hidden = stance !== Stance.LISTENING && stance !== Stance.SPEAKING;
    byId("my-line").textContent = stance === Stance.SPEAKING ? "You, live" : "You, muted";
    if (focused) this.keepFocus(focused, changing ? [] : actions);
  }

  /**
   * The button that was pressed goes away: the bar holds the keyboard while things change, and then the first thing
   * to do has it. It never lands on Leave by itself, where one more press of Enter would end the call.
   */
  keepFocus(focused, actions) {
    if (focused !== this.root && !focused.hidden && !focused.disabled) return;
    (actions.length ? byId(actions[0]) : this.root).focus();
  }

  write(id, text) {
    const node = byId(id);
    if (node.textContent !== text) node.textContent = text;
  }

  meter({ side, level }) {
    const filled = level > 0 ? Math.max(0, 1 - 20 * Math.log10(level) / FLOOR_DB) : 0;
    byId(`meter-${side}`).style.setProperty("--level", filled.toFixed(2));
  }
}
