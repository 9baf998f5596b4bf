/** Figures and names as people read them. */

const REASONS = {
  caller_hangup: "caller hung up",
  no_inbound_audio: "no audio from the caller",
  terminal_state: "completed",
  no_answer: "no answer",
};

/** Seconds as m:ss; a negative time is shown as 0:00. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Seconds as m:ss.t, for a place in a recording; before the caller's first audio there is none yet. */
export function instant(seconds) {
  if (seconds < 0) return "ringing";
  const tenths = Math.round(seconds * 10);
  const rest = String(Math.floor(tenths / 10) % 60).padStart(2, "0");
  return `${Math.floor(tenths / 600)}:${rest}.${tenths % 10}`;
}

/** Milliseconds with unit; seconds from 10 s on. */
export function milliseconds(value) {
  return value < 10_000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}

/** `check_insurance` as "check insurance". */
export function words(name) {
  return REASONS[name] ?? String(name).replaceAll("_", " ");
}

/** A day and time in the reader's zone; "–" for none. */
export function moment(iso) {
  if (!iso) return "–";
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));
}

/** E.164 as people read it; only numbers of +1 are grouped, others stay as they are. */
export function phoneNumber(number) {
  return number.replace(/^\+1(\d{3})(\d{3})(\d{4})$/, "+1 $1-$2-$3");
}

/** The middle of the values, null of none. */
export function median(values) {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const DATABASE_KEY = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Plain data on one line, without what is empty or a database's key: "day: Tuesday, time: 10:30". */
export function flat(value) {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.map(flat).join(", ");
  if (typeof value === "object") {
    const parts = Object.entries(value).map(([key, part]) => [words(key), flat(part)]);
    return parts.filter(([, text]) => text).map(([key, text]) => `${key}: ${text}`).join(", ");
  }
  return DATABASE_KEY.test(value) ? "" : String(value);
}

/** A value from -1 to 1 with its sign: "+0.20". */
export function signed(value) {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
}
