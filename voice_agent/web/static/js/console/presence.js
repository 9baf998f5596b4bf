/**
 * Where the operator is: on which call, and who has the floor. One call at a time.
 *
 *   away ──join──▶ joining ──answered──▶ listening ◀──switch──▶ speaking
 *     ▲               │                      │                     │
 *     └───────────────┴──────leave, line or call ended─────────────┘
 *
 * Silence comes first: before the operator loses the floor their microphone is closed here, and it is opened only once
 * the network has given them the floor.
 */

import { pause } from "../call/backoff.js";
import { MicrophoneError } from "../phone/audio.js";
import { LocalPhone } from "./localphone.js";
import { OwnPhone } from "./ownphone.js";
import { PlatformError } from "./platform.js";
import { TwilioPhone } from "./twiliophone.js";

/** How long the conference may take to ring the operator's line. */
const ANSWER_MS = 20_000;

/** How long the line stays open, muted, for the server to hear that the operator leaves. */
const DEPART_MS = 1500;

export const Stance = Object.freeze({
  AWAY: "away", JOINING: "joining", LISTENING: "listening", SPEAKING: "speaking",
});

const AFTER_MODE = { listen: Stance.LISTENING, takeover: Stance.SPEAKING };

/** Why the operator's line did not come about; the message is for the operator. */
class LineError extends Error {}

/** Events: `change`, `level` (as of LocalPhone), `problem` ({ error, sid } or null), `left` ({ sid, name }). */
export class Presence extends EventTarget {
  constructor(platform) {
    super();
    this.platform = platform;
    this.reset();
  }

  reset() {
    Object.assign(this, { sid: "", name: "", stance: Stance.AWAY, pending: "", participant: "", phone: null });
  }

  get away() {
    return this.stance === Stance.AWAY;
  }

  /** Whether a change is under way that must be over before the next. */
  get busy() {
    return this.pending !== "" || this.stance === Stance.JOINING;
  }

  /** Joins a call. @param mode "listen" or "takeover". @param name the caller's, for what comes after the call. */
  async join(sid, name, mode) {
    if (!this.away) return;
    this.set({ sid, name, stance: Stance.JOINING, pending: mode });
    this.complain(null);
    let joined = false;
    try {
      const phone = await this.pickUp(sid);
      if (this.phone !== phone) return; // left meanwhile
      if (mode === "takeover") await phone.prepareToSpeak();
      const { participant_call_sid: participant } = await this.platform.join(sid, mode);
      joined = true;
      if (this.phone !== phone) {
        if (this.sid !== sid) await this.depart(sid); // left while joining
        return;
      }
      this.participant = participant;
      if (!await this.rung(phone)) {
        throw new LineError("Your line was not rung within 20 seconds. Try to join again.");
      }
      if (this.phone !== phone) return;
      phone.speak(mode === "takeover");
      this.set({ stance: AFTER_MODE[mode], pending: "" });
    } catch (error) {
      await this.failed(error, sid, joined);
    }
  }

  async pickUp(sid) {
    const operator = await this.platform.me();
    let phone = new OwnPhone();
    if (operator.connection_method !== "phone") {
      const ticket = await this.platform.accessToken(sid);
      const { phone_url: url } = ticket.connect_params ?? {};
      phone = url ? new LocalPhone(url) : new TwilioPhone(ticket, () => this.platform.accessToken(sid));
    }
    if (this.sid !== sid) return phone;
    this.phone = phone;
    phone.addEventListener("level", ({ detail }) => this.emit("level", detail));
    phone.addEventListener("problem", ({ detail }) => this.complain(new LineError(detail)));
    phone.addEventListener("ended", ({ detail }) => this.lineEnded(phone, detail.reason));
    await phone.open();
    return phone;
  }

  rung(phone) {
    return Promise.race([phone.answered.then(() => true), pause(ANSWER_MS).then(() => false)]);
  }

  async failed(error, sid, joined) {
    const { phone } = this;
    const known = [PlatformError, MicrophoneError, LineError].some((kind) => error instanceof kind);
    if (this.sid === sid) {
      this.set({ sid: "", stance: Stance.AWAY, pending: "", phone: null });
      this.complain(known ? error : new LineError(`Your line could not be opened: ${error.message}`), sid);
      await phone?.close();
      if (joined) await this.depart(sid);
    }
    if (!known) throw error;
  }

  /** Takes the floor from the agent, or gives it back. @param mode "listen" or "takeover". */
  async switchTo(mode) {
    const { phone, sid } = this;
    if (this.away || this.busy || this.stance === AFTER_MODE[mode]) return;
    this.set({ pending: mode });
    this.complain(null);
    try {
      if (mode === "takeover") await phone.prepareToSpeak();
      else phone.speak(false);
      await this.platform.switchMode(sid, mode, this.participant);
      if (this.phone !== phone) return;
      phone.speak(mode === "takeover");
      this.set({ stance: AFTER_MODE[mode], pending: "" });
    } catch (error) {
      if (!(error instanceof PlatformError || error instanceof MicrophoneError)) throw error;
      if (this.phone !== phone) return;
      phone.speak(this.stance === Stance.SPEAKING);
      this.set({ pending: "" });
      this.complain(error, sid);
    }
  }

  /** Leaves the call; the agent has it back at once. */
  async leave() {
    const { sid, name, phone } = this;
    if (this.away) return;
    const took = this.stance !== Stance.JOINING;
    phone?.speak(false);
    this.reset();
    this.set({});
    this.complain(null);
    // Told before the line ends, or the agent would take it for a line that broke off and wait for its return.
    const departing = this.depart(sid);
    await Promise.race([departing, pause(DEPART_MS)]);
    await phone?.close();
    await departing;
    if (took) this.emit("left", { sid, name });
  }

  /** The line is closed in any case, which takes the operator off the call even if the server does not answer. */
  async depart(sid) {
    try {
      await this.platform.leave(sid);
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      if (error.status !== 404) this.complain(error, sid);
    }
  }

  lineEnded(phone, reason) {
    if (this.phone !== phone) return;
    const { sid, name, stance } = this;
    this.reset();
    this.set({});
    const why = reason ? ` (${reason})` : "";
    this.complain(new LineError(`Your line was closed${why}. The agent has the call; join again to come back.`), sid);
    if (stance !== Stance.JOINING) this.emit("left", { sid, name });
  }

  /** The call is over: so is the operator's part in it. */
  callEnded(endedSid) {
    const { sid, name, phone, stance } = this;
    if (sid !== endedSid || this.away) return;
    this.reset();
    this.set({});
    this.complain(null);
    phone?.close();
    if (stance !== Stance.JOINING) this.emit("left", { sid, name });
  }

  set(fields) {
    Object.assign(this, fields);
    this.emit("change");
  }

  complain(error, sid = this.sid) {
    this.emit("problem", error && { error, sid });
  }

  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
