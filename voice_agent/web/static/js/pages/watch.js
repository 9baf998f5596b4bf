/** On the public network the phone is elsewhere: the page waits for the next call and shows it. */

import { listCalls } from "../call/api.js";
import { delayAfter, pause } from "../call/backoff.js";
import { byId } from "../call/dom.js";

const EVERY_MS = 1500;

/** Opens each call that begins while no other one is shown. Runs as long as the page. */
export async function watchForCalls(view) {
  const status = byId("watch-status");
  const known = new Set();
  let busy = false;
  let first = true;
  let failures = 0;
  view.addEventListener("over", () => { busy = false; });
  for (;;) {
    try {
      const calls = await listCalls();
      const next = calls.find(({ sid, running }) => !known.has(sid) && (running || !first));
      for (const { sid } of calls) known.add(sid);
      if (next && !busy) {
        busy = true;
        view.open(next.sid);
      }
      first = false;
      failures = 0;
      status.textContent = busy ? "A call is on the line." : "Waiting for a call…";
      await pause(EVERY_MS);
    } catch {
      status.textContent = "The list of calls cannot be reached; trying again.";
      await pause(delayAfter(failures));
      failures += 1;
    }
  }
}
