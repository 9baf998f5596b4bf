/**
 * What happens in the workspace, each event once, for as long as the page is open.
 *
 * Read through `fetch` and not an EventSource: after a refusal an EventSource is dead, and a new one cannot say where
 * the old one was. This one always sends `Last-Event-ID`. Nothing here asks whether the page is visible, so a tab in
 * the background hears of an escalation as soon as one in front.
 */

import { delayAfter, pause } from "../call/backoff.js";
import { EventParser } from "./sse.js";

/** The server says at least a comment this often; a connection that is silent for longer is dead. */
const SILENCE_MS = 60_000;

/** Events remembered, so that one that is sent again is told from one that is new. */
const REMEMBERED = 500;

/** What a refusal means, by HTTP status. Signing in again in another tab helps, so those are tried again as well. */
export const REFUSALS = { 401: "signed-out", 403: "forbidden" };

/** Events: `event` ({ type, data }), `status` ("live" | "lost" | "signed-out" | "forbidden" | "crowded"). */
export class WorkspaceStream extends EventTarget {
  constructor(url) {
    super();
    this.url = url;
    this.lastId = "";
    this.seen = new Set();
    this.status = "";
    window.addEventListener("online", () => this.wake?.());
  }

  /** Runs as long as the page, unless the server says that there is no use in trying again. */
  async run() {
    let failures = 0;
    while (this.status !== "crowded") {
      const opened = await this.connect();
      failures = opened ? 0 : failures + 1;
      if (this.status !== "crowded") await this.rest(delayAfter(failures));
    }
  }

  rest(milliseconds) {
    return Promise.race([pause(milliseconds), new Promise((resolve) => { this.wake = resolve; })]);
  }

  /**
   * One connection, until it ends; true when it was opened. The server ends each after a while, to see who is there:
   * that is no loss, unless the next one cannot be opened.
   */
  async connect() {
    const abort = new AbortController();
    let guard = setTimeout(() => abort.abort(), SILENCE_MS);
    let opened = false;
    try {
      const headers = { Accept: "text/event-stream" };
      if (this.lastId) headers["Last-Event-ID"] = this.lastId;
      const response = await fetch(this.url, { headers, signal: abort.signal, cache: "no-store" });
      if (!response.ok) {
        await this.refused(response);
        return false;
      }
      opened = true;
      this.show("live");
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventParser(this.lastId);
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        clearTimeout(guard);
        guard = setTimeout(() => abort.abort(), SILENCE_MS);
        for (const event of parser.feed(part.value)) this.receive(event);
        this.lastId = parser.lastId;
      }
    } catch (error) {
      if (!(error instanceof TypeError) && error.name !== "AbortError") throw error; // those two: no connection
      this.show("lost");
    } finally {
      clearTimeout(guard);
    }
    return opened;
  }

  async refused(response) {
    const text = await response.text();
    if (text.includes("too_many_streams")) this.show("crowded");
    else this.show(REFUSALS[response.status] ?? "lost");
  }

  receive({ id, type, data }) {
    const key = `${id} ${type} ${data}`;
    if (id && this.seen.has(key)) return;
    this.seen.add(key);
    if (this.seen.size > REMEMBERED) this.seen.delete(this.seen.values().next().value);
    if (type === "error") {
      if (data.includes("too_many_streams")) this.show("crowded");
      return;
    }
    this.dispatchEvent(new CustomEvent("event", { detail: { type, data: JSON.parse(data) } }));
  }

  show(status) {
    if (status === this.status) return;
    this.status = status;
    this.dispatchEvent(new CustomEvent("status", { detail: status }));
  }
}
