/**
 * Reads the workspace's state again when something has happened, and now and then anyway: never two readings at a
 * time, never more than one in `SPACING_MS`, further apart while readings fail.
 */

import { delayAfter, pause } from "../call/backoff.js";
import { PlatformError } from "./platform.js";

const SPACING_MS = 700;

/** Risk, emotion and state change with every turn, and no event of the workspace tells of it. */
const IDLE_MS = 4000;
const IDLE_HIDDEN_MS = 15_000;

/** Events: `fresh` (what was read), `stale` (a PlatformError). */
export class Refresher extends EventTarget {
  constructor(read) {
    super();
    this.read = read;
    this.wanted = false;
    this.wake = () => {};
    document.addEventListener("visibilitychange", () => this.request());
  }

  /** Something has happened: read again soon. */
  request() {
    this.wanted = true;
    this.wake();
  }

  async run() {
    let failures = 0;
    for (;;) {
      this.wanted = false;
      let spacing = SPACING_MS;
      try {
        this.emit("fresh", await this.read());
        failures = 0;
      } catch (error) {
        // Whatever it was, a queue that stood still and looked live would be worse.
        const refused = error instanceof PlatformError ? error : new PlatformError();
        if (refused !== error) reportError(error);
        this.emit("stale", refused);
        spacing = Math.max(SPACING_MS, delayAfter(failures), refused.retryAfterMs);
        failures += 1;
        this.wanted = true;
      }
      await pause(spacing);
      if (!this.wanted) await this.something();
    }
  }

  something() {
    const idle = document.hidden ? IDLE_HIDDEN_MS : IDLE_MS;
    return Promise.race([pause(idle), new Promise((resolve) => { this.wake = resolve; })]);
  }

  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
