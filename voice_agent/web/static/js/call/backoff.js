/** Waiting longer after each failure, with jitter, so that many pages do not come back at the same instant. */

const FIRST_MS = 250;
const LONGEST_MS = 8000;

/** Milliseconds to wait after failure number `attempt` (0, 1, ...). */
export function delayAfter(attempt) {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt) * (0.5 + Math.random() / 2);
}

export function pause(milliseconds) {
  return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
}
