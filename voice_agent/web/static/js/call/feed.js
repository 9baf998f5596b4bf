/**
 * The events of one call, in order, each once.
 *
 * The browser reconnects by itself after a broken connection and says where it was (`Last-Event-ID`). After a refusal
 * (the call is not known yet, or the server restarts) a new stream is opened here; it begins at the first event, and
 * what was already seen is left out by its sequence number.
 */

import { eventsUrl } from "./api.js";
import { delayAfter } from "./backoff.js";

/** New streams in a row after which a call is given up, unless its page says otherwise. */
const ATTEMPTS = 12;

/** Events: `event` (a call event), `gap` ({missing}), `status` ("live" | "waiting" | "lost"). */
export class Feed extends EventTarget {
  constructor(sid, { attempts = ATTEMPTS } = {}) {
    super();
    this.url = eventsUrl(sid);
    this.attempts = attempts;
    this.last = 0;
    this.failures = 0;
    this.timer = 0;
    this.connect();
  }

  connect() {
    this.source = new EventSource(this.url);
    this.source.onopen = () => {
      this.failures = 0;
      this.emit("status", "live");
    };
    this.source.onmessage = ({ data }) => this.receive(JSON.parse(data));
    this.source.onerror = () => this.failed();
  }

  receive(event) {
    if (event.seq <= this.last) return;
    if (event.seq > this.last + 1) this.emit("gap", { missing: event.seq - this.last - 1 });
    this.last = event.seq;
    this.emit("event", event);
    if (event.type === "session_end") this.close();
  }

  failed() {
    if (this.source.readyState !== EventSource.CLOSED) {
      this.emit("status", "waiting");
      return;
    }
    if (this.failures >= this.attempts) {
      this.emit("status", "lost");
      return;
    }
    this.emit("status", "waiting");
    this.timer = setTimeout(() => this.connect(), delayAfter(this.failures));
    this.failures += 1;
  }

  close() {
    clearTimeout(this.timer);
    this.source.close();
  }

  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
