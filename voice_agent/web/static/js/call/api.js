/** The addresses of the JSON interface, in one place. */

import { delayAfter, pause } from "./backoff.js";

const ATTEMPTS = 6;

const call = (sid) => `/api/calls/${encodeURIComponent(sid)}`;

export const eventsUrl = (sid) => `${call(sid)}/events`;
export const timelineUrl = (sid) => `${call(sid)}/timeline.svg`;
export const recordingUrl = (sid) => `${call(sid)}/recordings/stereo.wav`;

export function graphUrl(service, state, visited) {
  const query = new URLSearchParams({ state, visited: visited.join(",") });
  return `/api/services/${encodeURIComponent(service)}/graph.svg?${query}`;
}

async function json(url) {
  const response = await fetch(url, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.json();
}

/** The newest calls, newest first: { sid, running, startedAt, caller, called, duration, turns, reason, status }. */
export async function listCalls() {
  const { items } = await json("/api/calls");
  return items.map((item) => ({
    sid: item.call_sid,
    running: item.status === "in-progress" || item.status === "ringing",
    startedAt: item.started_at,
    caller: item.caller_id,
    called: item.phone_number,
    duration: item.duration_seconds,
    turns: item.turns,
    reason: item.completion_reason,
    status: item.status,
  }));
}

/** Resolves when the end of a call is in the records, which are written a moment after it happened. */
export async function endRecorded(sid) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const { completion_reason: reason } = await json(call(sid));
    if (reason) return;
    await pause(delayAfter(attempt));
  }
}

/** A text that may still be in the making when the call has just ended; null if it does not appear. */
export async function textWhenReady(url) {
  const response = await whenReady(url);
  return response ? response.text() : null;
}

/** True once the first byte of `url` can be had, false if that does not come about. */
export async function existsSoon(url) {
  const response = await whenReady(url, { Range: "bytes=0-0" });
  await response?.body?.cancel();
  return response !== null;
}

async function whenReady(url, headers = {}) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const response = await fetch(url, { headers });
    if (response.ok) return response;
    if (response.status !== 404 && response.status !== 503) return null;
    await pause(delayAfter(attempt));
  }
  return null;
}
