/** What stays of a call: its timeline and its recording, in which a time can be jumped to. */

import { endRecorded, existsSoon, recordingUrl, textWhenReady, timelineUrl } from "./api.js";
import { byId, element } from "./dom.js";

export class Aftermath {
  constructor() {
    this.card = byId("after");
    this.timeline = byId("timeline");
    this.player = byId("recording-player");
    this.note = byId("recording-note");
  }

  clear() {
    this.card.hidden = true;
    this.player.removeAttribute("src");
    this.player.load();
    this.timeline.replaceChildren();
  }

  /** Shows what the server keeps of `sid`; recording and timeline may still be in the making. */
  async show(sid) {
    this.card.hidden = false;
    this.player.hidden = true;
    this.say("Looking for the recording…");
    await endRecorded(sid);
    const [drawn, recorded] = await Promise.all([textWhenReady(timelineUrl(sid)), existsSoon(recordingUrl(sid))]);
    if (drawn) this.timeline.replaceChildren(element("img", { src: timelineUrl(sid), alt: "Timeline of the call" }));
    this.timeline.hidden = !drawn;
    if (recorded) this.player.src = recordingUrl(sid);
    this.player.hidden = !recorded;
    this.say(recorded ? "" : "This call was not recorded.");
  }

  say(text) {
    this.note.textContent = text;
    this.note.hidden = !text;
  }

  /** Plays from `seconds` of the call; nothing happens without a recording. */
  playFrom(seconds) {
    if (this.player.hidden) return;
    this.player.currentTime = Math.max(0, seconds);
    this.player.play();
  }
}
