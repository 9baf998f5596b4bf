/**
 * A call wants a person: once a chime, once the words for a screen reader, and a number in the tab's title for as long
 * as it waits. All of it works in a tab in the background.
 */

const KEY = "console.sound";

/** Two rising notes (Hz, start in s): heard through speech, and not mistaken for a telephone. */
const NOTES = [[659.3, 0], [987.8, 0.16]];
const NOTE_S = 0.5;
const LOUDNESS = 0.22;

/** A reading of the queue may be older than the event that raised the alarm: an alarm stands at least this long. */
const STANDS_MS = 10_000;

export class Alarm {
  /** @param spoken where a screen reader hears of it. */
  constructor(spoken) {
    this.spoken = spoken;
    this.title = document.title;
    this.context = null;
    this.known = new Map();
    this.begun = false;
    this.on = localStorage.getItem(KEY) !== "off";
    // A browser keeps a page silent until it is used; from then on the chime sounds in the background too.
    for (const type of ["pointerdown", "keydown"]) {
      document.addEventListener(type, () => this.unlock(), { once: true, capture: true });
    }
  }

  unlock() {
    this.context ??= new AudioContext();
    this.context.resume();
  }

  setSound(on) {
    this.on = on;
    localStorage.setItem(KEY, on ? "on" : "off");
    if (on) this.chime();
  }

  /** A person is wanted on a call. @param name the caller's. */
  raise(sid, name, why = "") {
    if (this.known.has(sid)) return;
    this.known.set(sid, performance.now());
    this.spoken.textContent = `${name} wants a person. ${why}`.trim();
    this.chime();
  }

  /**
   * What the queue says is waiting, as { sid, name, why }. An escalation that came while the stream was away is raised
   * now; those that were there before the page was opened make no sound.
   */
  settle(waiting) {
    const now = new Set(waiting.map(({ sid }) => sid));
    for (const { sid, name, why } of waiting) {
      if (this.begun) this.raise(sid, name, why);
      else this.known.set(sid, performance.now());
    }
    for (const [sid, raisedAt] of this.known) {
      if (!now.has(sid) && performance.now() - raisedAt > STANDS_MS) this.known.delete(sid);
    }
    this.begun = true;
    document.title = waiting.length ? `(${waiting.length}) ${this.title}` : this.title;
  }

  chime() {
    const { context } = this;
    if (!this.on || !context) return;
    for (const [hertz, start] of NOTES) {
      const from = context.currentTime + start;
      const tone = new OscillatorNode(context, { type: "sine", frequency: hertz });
      const loudness = new GainNode(context, { gain: 0 });
      loudness.gain.setValueAtTime(0, from);
      loudness.gain.linearRampToValueAtTime(LOUDNESS, from + 0.015);
      loudness.gain.exponentialRampToValueAtTime(0.001, from + NOTE_S);
      tone.connect(loudness).connect(context.destination);
      tone.start(from);
      tone.stop(from + NOTE_S);
    }
  }
}
