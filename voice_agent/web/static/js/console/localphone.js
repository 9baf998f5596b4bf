/**
 * The operator's telephone on the local phone network: this page. The line waits to be rung, and the conference rings
 * it when the operator joins.
 *
 * The network mutes a listener. This end does it as well: until the operator has the floor, silence is what it sends,
 * while the meter shows that the microphone works.
 */

import { Handset, MicrophoneError } from "../phone/audio.js";
import { SILENCE } from "../phone/g711.js";
import { Line } from "../phone/line.js";

const QUIET_FRAME = new Uint8Array(160).fill(SILENCE);

/**
 * Events: `ended` ({ reason }), `level` ({ side: "me" | "call", level }), `problem` (words).
 * `answered` resolves when the line is answered, or over before that.
 */
export class LocalPhone extends EventTarget {
  constructor(url) {
    super();
    this.url = url;
    this.free = false;
    this.closed = false;
    this.handset = null;
    this.line = null;
    this.answered = new Promise((resolve) => { this.settle = resolve; });
  }

  /** Opens loudspeaker, microphone and line; resolves when it can be rung. */
  async open() {
    this.handset = await Handset.open();
    this.handset.addEventListener("frame", ({ detail }) => this.line?.speak(this.free ? detail : QUIET_FRAME));
    this.handset.addEventListener("level", ({ detail }) => this.emit("level", {
      side: detail.side === "caller" ? "me" : "call", level: detail.level,
    }));
    try {
      await this.microphone();
    } catch (error) {
      if (!(error instanceof MicrophoneError)) throw error;
      this.emit("problem", `You can listen, not speak. ${error.message}`);
    }
    const line = new Line(this.url);
    this.line = line;
    line.addEventListener("audio", ({ detail }) => this.handset?.receive(detail));
    line.addEventListener("answered", () => this.settle());
    line.addEventListener("ended", ({ detail }) => this.ended(detail.reason));
    await new Promise((resolve) => {
      line.addEventListener("opened", resolve, { once: true });
      line.addEventListener("ended", resolve, { once: true });
    });
  }

  async microphone() {
    if (!this.handset.microphone) await this.handset.useMicrophone();
  }

  /** Makes sure that the operator can be heard before the agent falls silent. Throws MicrophoneError. */
  async prepareToSpeak() {
    await this.microphone();
  }

  /** Whether the operator's voice goes out. */
  speak(free) {
    this.free = free;
  }

  ended(reason) {
    if (this.closed) return;
    this.close();
    this.emit("ended", { reason });
  }

  async close() {
    if (this.closed) return;
    this.closed = true;
    this.free = false;
    this.settle();
    this.line?.hangUp();
    await this.handset?.close();
  }

  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
