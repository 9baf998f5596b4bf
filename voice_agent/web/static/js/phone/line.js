/**
 * A phone line into the local network: 20 ms µ-law frames both ways, and a few JSON messages about the call.
 *
 * Events: `opened`, `ringing` and `answered` ({callSid}), `audio` (ArrayBuffer), `ended` ({reason}), each once but
 * `audio`.
 */

import { words } from "../call/format.js";

/** What the network gives as the number of a caller who withholds it. */
const WITHHELD = "anonymous";

/** The line's address for a call from `from` (E.164, or "" to withhold the number) to `to`. */
export function dialling(phoneUrl, { to, from }) {
  const url = new URL(phoneUrl);
  url.searchParams.set("to", to);
  url.searchParams.set("from", from || WITHHELD);
  return url;
}

/** Bytes that may wait in the browser before frames are dropped: half a second, beyond which speech is stale. */
const BACKLOG_LIMIT = 4000;

export class Line extends EventTarget {
  /** @param {URL | string} url the line's websocket: one that dials, or one that waits to be rung. */
  constructor(url) {
    super();
    this.answered = false;
    this.ended = false;
    this.socket = new WebSocket(url);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.emit("opened");
    this.socket.onmessage = ({ data }) => this.receive(data);
    this.socket.onclose = () => this.end("the line was lost");
  }

  receive(data) {
    if (typeof data !== "string") {
      this.emit("audio", data);
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "ended") this.end(message.reason ?? words(message.status ?? ""));
    else this.progress(message.type, { callSid: message.call_sid ?? "" });
  }

  progress(type, detail) {
    if (type === "answered") this.answered = true;
    this.emit(type, detail);
  }

  /** One frame of audio; dropped before the answer, after the end and while the network cannot keep up. */
  speak(frame) {
    const open = this.answered && this.socket.readyState === WebSocket.OPEN;
    if (open && this.socket.bufferedAmount < BACKLOG_LIMIT) this.socket.send(frame);
  }

  press(digits) {
    this.tell({ type: "digits", digits });
  }

  hangUp() {
    this.tell({ type: "hangup" });
    this.end("you hung up");
  }

  tell(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  end(reason) {
    if (this.ended) return;
    this.ended = true;
    this.socket.close();
    this.emit("ended", { reason });
  }

  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
