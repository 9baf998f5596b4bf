/** The Platform API as the console uses it. What fails is told in words, with what to do about it. */

const TIMEOUT_MS = 20_000;

/** What a refusal means to an operator, by HTTP status; 0 stands for no answer at all. */
const REMEDIES = {
  0: "The server cannot be reached. Try again when the connection is back.",
  400: "This cannot be done with this call now.",
  401: "You are signed out. Sign in again, then repeat this.",
  403: "This is not allowed. Reload the page; if that does not help, your account lacks the operator's role.",
  404: "This call is over.",
  409: "Somebody is busy: you are on another call, or another operator has taken over this one.",
  422: "The server did not understand this request. Reload the page and try again.",
  429: "Too many requests at once. Wait a few seconds, then try again.",
  503: "The phone network or the call's own process did not answer. The agent keeps the caller; try again in a few "
    + "seconds.",
};

const OTHERWISE = "The server failed. Try again; if it stays, tell whoever runs it.";

/** A request that came to nothing. `message` says what to do, `detail` what the server said, if anything. */
export class PlatformError extends Error {
  constructor(status, detail = "", retryAfterMs = 0) {
    super(REMEDIES[status] ?? OTHERWISE);
    this.status = status;
    this.detail = detail;
    this.retryAfterMs = retryAfterMs;
  }
}

async function refusal(response) {
  const seconds = Number(response.headers.get("Retry-After")) || 0;
  const body = await response.json().catch(() => ({})); // a proxy's refusal is not JSON
  return new PlatformError(response.status, typeof body.detail === "string" ? body.detail : "", seconds * 1000);
}

export class Platform {
  /** @param base address of the workspace. @param operator the operator's id. @param csrf token against forgery. */
  constructor({ base, operator, csrf }) {
    this.base = base;
    this.operator = operator;
    this.csrf = csrf;
  }

  get streamUrl() {
    return `${this.base}/events/stream`;
  }

  /** Everything about the workspace that the page shows, read at once. */
  async overview() {
    const [queue, dashboard, escalations, { problems }] = await Promise.all([
      this.get("/operators/queue"),
      this.get("/operators/dashboard"),
      this.get("/operators/escalations/active?limit=20"),
      this.fetch("GET", "/console/state"),
    ]);
    return { queue: queue.queue, dashboard, escalations: escalations.items, problems };
  }

  me() {
    return this.get(this.mine(""));
  }

  setStatus(status) {
    return this.send("PATCH", this.mine(""), { status });
  }

  briefing(callSid) {
    return this.post("/briefing", { call_sid: callSid });
  }

  accessToken(callSid) {
    return this.post("/access-token", { call_sid: callSid });
  }

  join(callSid, mode) {
    return this.post("/join-call", { call_sid: callSid, mode });
  }

  switchMode(callSid, mode, participant) {
    return this.post("/switch-mode", { call_sid: callSid, mode, participant_call_sid: participant });
  }

  leave(callSid) {
    return this.post("/leave-call", { call_sid: callSid });
  }

  guide(callSid, message) {
    return this.post("/send-guidance", { call_sid: callSid, message });
  }

  wrapUp(callSid, outcome, notes) {
    return this.post("/wrap-up", { call_sid: callSid, outcome, notes });
  }

  mine(path) {
    return `/operators/${encodeURIComponent(this.operator)}${path}`;
  }

  get(path) {
    return this.send("GET", path);
  }

  post(path, body) {
    return this.send("POST", this.mine(path), body);
  }

  send(method, path, body) {
    return this.fetch(method, this.base + path, body);
  }

  async fetch(method, url, body) {
    const headers = { Accept: "application/json" };
    if (method !== "GET") Object.assign(headers, { "Content-Type": "application/json", "X-CSRF-Token": this.csrf });
    try {
      const response = await fetch(url, {
        method, headers, body: body && JSON.stringify(body), signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (response.ok) return await response.json();
      throw await refusal(response);
    } catch (error) {
      // No answer, half of one, or a page that a proxy put in its place: all the same to an operator.
      throw error instanceof PlatformError ? error : new PlatformError(0);
    }
  }
}
