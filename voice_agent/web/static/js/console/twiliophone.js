/**
 * The operator's telephone on a Twilio account: Twilio's Voice SDK, which the conference rings as `client:<identity>`.
 * The SDK is fetched when an operator first joins a call, and not before.
 */

const SDK = "/static/vendor/twilio.min.js";

const MICROPHONE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

let loading = null;

function sdk() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = SDK;
    script.onload = () => resolve(window.Twilio);
    script.onerror = () => {
      loading = null;
      reject(new Error("the Voice SDK could not be loaded"));
    };
    document.head.append(script);
  });
  return loading;
}

/** Events and `answered` as of LocalPhone. */
export class TwilioPhone extends EventTarget {
  /** @param ticket answer of access-token. @param renew gives a fresh token before the old one expires. */
  constructor(ticket, renew) {
    super();
    this.ticket = ticket;
    this.renew = renew;
    this.free = false;
    this.closed = false;
    this.device = null;
    this.call = null;
    this.answered = new Promise((resolve) => { this.settle = resolve; });
  }

  async open() {
    const { Device } = await sdk();
    const { edge } = this.ticket.connect_params;
    this.device = new Device(this.ticket.token, {
      codecPreferences: ["pcmu", "opus"], // the conference runs at 8 kHz, so nothing is gained by more
      closeProtection: true,
      logLevel: "error",
      ...(edge ? { edge } : {}),
    });
    this.device.on("incoming", (call) => this.answer(call));
    this.device.on("error", (error) => this.emit("problem", `Twilio: ${error.message}`));
    this.device.on("tokenWillExpire", async () => this.device?.updateToken((await this.renew()).token));
    this.device.audio.incoming(false); // the operator asked for this call: it does not ring
    await this.device.register();
  }

  answer(call) {
    this.call = call;
    call.on("accept", () => {
      call.mute(!this.free);
      this.settle();
    });
    call.on("volume", (mine, theirs) => {
      this.emit("level", { side: "me", level: mine });
      this.emit("level", { side: "call", level: theirs });
    });
    for (const type of ["disconnect", "cancel", "reject"]) call.on(type, () => this.ended("the line was closed"));
    call.on("error", (error) => this.emit("problem", `Twilio: ${error.message}`));
    call.accept({ rtcConstraints: { audio: MICROPHONE } });
  }

  async prepareToSpeak() {} // the SDK asks for the microphone when it answers

  speak(free) {
    this.free = free;
    this.call?.mute(!free);
  }

  ended(reason) {
    if (this.closed) return;
    this.close();
    this.emit("ended", { reason });
  }

  async close() {
    if (this.closed) return;
    this.closed = true;
    this.settle();
    this.call?.disconnect();
    this.device?.destroy();
  }

  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
