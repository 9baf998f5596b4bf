/** The phone on the page: who rings whom, who speaks, keys and buttons. */

import { byId } from "../call/dom.js";
import { clock } from "../call/format.js";
import { Handset, MicrophoneError } from "./audio.js";
import { Line, dialling } from "./line.js";
import { speak } from "./voice.js";

/** Loudness (dB below full scale) at the empty end of a meter. */
const FLOOR_DB = -54;

function chosen(id) {
  return byId(id).selectedOptions[0].textContent.trim();
}

/** Events: `ringing` and `answered` ({callSid}) and `ended`. */
export class Softphone extends EventTarget {
  constructor() {
    super();
    this.root = byId("phone");
    this.line = null;
    this.handset = null;
    this.greeted = false;
    byId("dial").addEventListener("submit", (event) => {
      event.preventDefault();
      this.call();
    });
    byId("say").addEventListener("submit", (event) => {
      event.preventDefault();
      this.sayTyped();
    });
    byId("hang-up").onclick = () => this.hangUp();
    byId("mute").onclick = () => this.toggleMute();
    byId("play").onclick = () => this.playRecording();
    byId("dial").addEventListener("change", () => this.showSource());
    for (const button of this.root.querySelectorAll("[data-line]")) {
      button.onclick = () => this.say(button.dataset.line);
    }
    for (const button of this.root.querySelectorAll("[data-key]")) {
      button.onclick = () => this.press(button.dataset.key);
    }
    byId("keypad").addEventListener("keydown", (event) => {
      if (/^[0-9*#]$/.test(event.key)) this.press(event.key);
    });
    document.addEventListener("keydown", (event) => this.shortcut(event));
    this.showSource();
  }

  get source() {
    return this.root.querySelector("[name=source]:checked").value;
  }

  /** From the first press of Call to the end of the call. */
  get busy() {
    return this.root.dataset.state !== "idle";
  }

  shortcut(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !this.busy) {
      event.preventDefault();
      byId("dial").requestSubmit();
    } else if (event.key === "Escape" && !event.defaultPrevented) {
      this.hangUp();
    }
  }

  /** Loudspeaker and microphone come first, so that nobody rings while a permission is still being asked for. */
  async call() {
    if (this.busy) return;
    const recording = byId("recording").files[0];
    if (this.source === "recording" && !recording) {
      this.problem("Choose a recording first.");
      byId("recording").focus();
      return;
    }
    this.problem("");
    this.greeted = false;
    this.show("calling", "Calling…");
    const handset = await Handset.open();
    if (!this.busy) {
      await handset.close();
      return;
    }
    this.handset = handset;
    if (this.source === "microphone") await this.listen(handset);
    if (this.handset === handset) this.dial(handset);
  }

  dial(handset) {
    const line = new Line(dialling(this.root.dataset.url, { to: byId("to").value, from: byId("from").value }));
    this.line = line;
    line.addEventListener("ringing", ({ detail }) => this.ringing(detail));
    line.addEventListener("answered", ({ detail }) => this.answered(detail));
    line.addEventListener("ended", ({ detail }) => this.ended(detail));
    line.addEventListener("audio", ({ detail }) => handset.receive(detail));
    handset.addEventListener("frame", ({ detail }) => line.speak(detail));
    handset.addEventListener("level", ({ detail }) => this.meter(detail));
  }

  hangUp() {
    if (this.line) this.line.hangUp();
    else if (this.busy) this.ended({ reason: "you hung up" });
  }

  async listen(handset) {
    try {
      await handset.useMicrophone();
    } catch (error) {
      if (!(error instanceof MicrophoneError)) throw error;
      this.problem(error.message);
    }
  }

  ringing(detail) {
    this.show("ringing", "Ringing…");
    this.dispatchEvent(new CustomEvent("ringing", { detail }));
  }

  answered(detail) {
    this.show("answered", "On the line.");
    this.answeredAt = performance.now();
    this.tick();
    this.dispatchEvent(new CustomEvent("answered", { detail }));
    if (this.source === "recording" && byId("recording-start").value === "answer") this.playRecording();
  }

  async ended({ reason }) {
    const { handset } = this;
    this.line = null;
    this.handset = null;
    clearTimeout(this.ticking);
    this.show("idle", reason ? `Call ended: ${reason}.` : "Call ended.");
    this.dispatchEvent(new CustomEvent("ended"));
    await handset?.close();
  }

  /** The practice has finished its first sentence: a recording that waits for it begins. */
  greetingHeard() {
    if (this.greeted) return;
    this.greeted = true;
    if (this.source === "recording" && byId("recording-start").value === "greeting") this.playRecording();
  }

  press(key) {
    this.line?.press(key);
    byId("say-status").textContent = `Pressed ${key}`;
  }

  toggleMute() {
    const muted = byId("mute").getAttribute("aria-pressed") !== "true";
    byId("mute").setAttribute("aria-pressed", String(muted));
    this.handset?.mute(muted);
  }

  async sayTyped() {
    const input = byId("say-text");
    const text = input.value.trim();
    if (!text) return;
    input.value = "";
    await this.say(text);
  }

  async say(text) {
    const status = byId("say-status");
    try {
      status.textContent = "Speaking…";
      await this.handset?.playUlaw(await speak(text, byId("say-voice").value));
      status.textContent = "";
    } catch (error) {
      status.textContent = error.message;
    }
  }

  async playRecording() {
    const recording = byId("recording").files[0];
    if (!recording || !this.handset) return;
    try {
      await this.handset.playFile(recording);
    } catch (error) {
      if (error.name !== "EncodingError") throw error;
      this.problem(`${recording.name} is not audio that this browser can read.`);
    }
  }

  showSource() {
    byId("recording-source").hidden = this.source !== "recording";
    byId("play").hidden = this.source !== "recording";
    byId("mute").hidden = this.source !== "microphone";
  }

  /** `state`: idle, calling, ringing or answered. */
  show(state, text) {
    const focused = document.activeElement;
    const keepsFocus = focused !== document.body && !this.root.contains(focused);
    this.root.dataset.state = state;
    byId("phone-status").textContent = text;
    byId("call").disabled = state !== "idle";
    byId("hang-up").disabled = state === "idle";
    byId("in-call").disabled = state !== "answered";
    byId("dial-fields").hidden = state !== "idle";
    byId("dialled").hidden = state === "idle";
    byId("dialled").textContent = `${chosen("to")}, calling as ${chosen("from")}`;
    byId("mute").setAttribute("aria-pressed", "false");
    if (state === "idle") for (const side of ["caller", "practice"]) this.meter({ side, level: 0 });
    const next = { idle: "call", calling: "hang-up", answered: "say-text" }[state];
    if (next && !keepsFocus) byId(next).focus();
  }

  problem(text) {
    const notice = byId("source-problem");
    notice.textContent = text;
    notice.hidden = !text;
  }

  meter({ side, level }) {
    const filled = level > 0 ? Math.max(0, 1 - 20 * Math.log10(level) / FLOOR_DB) : 0;
    byId(`meter-${side}`).style.setProperty("--level", filled.toFixed(2));
  }

  tick() {
    byId("phone-timer").textContent = clock((performance.now() - this.answeredAt) / 1000);
    this.ticking = setTimeout(() => this.tick(), 500);
  }
}
