/** All calls, the newest first; running ones are marked and the list keeps itself fresh. */

import { listCalls } from "../call/api.js";
import { delayAfter, pause } from "../call/backoff.js";
import { byId, element } from "../call/dom.js";
import { clock, moment, phoneNumber, words } from "../call/format.js";

const EVERY_MS = 3000;

function row(call) {
  const outcome = call.running
    ? element("span", { class: "pill live" }, "live")
    : element("span", { class: "pill" }, words(call.reason || call.status));
  return element(
    "tr",
    {},
    element("td", {}, element("a", { href: `/calls/${call.sid}` }, moment(call.startedAt))),
    element("td", {}, call.caller ? phoneNumber(call.caller) : "withheld"),
    element("td", {}, call.called ? phoneNumber(call.called) : "–"),
    element("td", { class: "figure" }, clock(call.duration)),
    element("td", { class: "figure" }, String(call.turns)),
    element("td", {}, outcome),
  );
}

let shown = "";

/** Redraws only what has changed, so that the keyboard's focus stays where it is. */
async function refresh() {
  const calls = await listCalls();
  const now = JSON.stringify(calls);
  if (now === shown) return;
  shown = now;
  const running = calls.filter(({ running }) => running).length;
  byId("calls-rows").replaceChildren(...calls.map(row));
  byId("calls-status").textContent = calls.length
    ? `${calls.length} ${calls.length === 1 ? "call" : "calls"}, ${running} running`
    : "No calls yet. Ring the practice to make the first.";
}

async function keepFresh() {
  let failures = 0;
  for (;;) {
    try {
      if (!document.hidden) await refresh();
      failures = 0;
      await pause(EVERY_MS);
    } catch {
      byId("calls-status").textContent = "The list of calls cannot be reached; trying again.";
      await pause(delayAfter(failures));
      failures += 1;
    }
  }
}

keepFresh();
