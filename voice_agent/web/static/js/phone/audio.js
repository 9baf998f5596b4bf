/**
 * The handset: what the caller says goes up, what the practice says comes down.
 *
 * One audio graph per call. Microphone, recordings and spoken lines are mixed before the uplink, so they can be
 * combined; recordings are also heard softly on this side.
 */

import { decode } from "./g711.js";

const RATE = 8000;
const SIDETONE = 0.5;

/** Why there is no microphone, in words a caller can act on. */
export class MicrophoneError extends Error {}

const MICROPHONE_PROBLEMS = {
  NotAllowedError: "The browser may not use the microphone. Allow it in the address bar, or let a recording or "
    + "typed words speak.",
  NotFoundError: "No microphone was found. Connect one, or let a recording or typed words speak.",
  NotReadableError: "Another program is using the microphone. Close it, or let a recording or typed words speak.",
};

export class Handset extends EventTarget {
  /** Opens the loudspeaker and the line's two directions. Must follow a click or key, or the browser stays mute. */
  static async open() {
    const context = new AudioContext({ latencyHint: "interactive" });
    const modules = ["uplink-worklet.js", "downlink-worklet.js"];
    await Promise.all(modules.map((name) => context.audioWorklet.addModule(new URL(name, import.meta.url))));
    await context.resume();
    return new Handset(context);
  }

  constructor(context) {
    super();
    this.context = context;
    this.uplink = new AudioWorkletNode(context, "uplink", { channelCount: 1, channelCountMode: "explicit" });
    this.downlink = new AudioWorkletNode(context, "downlink", { numberOfInputs: 0, outputChannelCount: [1] });
    this.sidetone = new GainNode(context, { gain: SIDETONE });
    this.microphone = null;
    this.playing = new Set();
    this.uplink.connect(context.destination); // its output is silent; connected so that the browser runs it
    this.downlink.connect(context.destination);
    this.sidetone.connect(context.destination);
    this.uplink.port.onmessage = ({ data }) => {
      this.dispatchEvent(new CustomEvent("frame", { detail: data.frame }));
      this.dispatchEvent(new CustomEvent("level", { detail: { side: "caller", level: data.level } }));
    };
    this.downlink.port.onmessage = ({ data }) => {
      this.dispatchEvent(new CustomEvent("level", { detail: { side: "practice", level: data.level } }));
    };
  }

  /** Audio from the line, µ-law. */
  receive(bytes) {
    this.downlink.port.postMessage(bytes, [bytes]);
  }

  /** Lets the microphone speak. Throws MicrophoneError. */
  async useMicrophone() {
    if (!navigator.mediaDevices) {
      throw new MicrophoneError("A microphone needs a secure page: open this one as localhost or through https.");
    }
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 },
      });
      if (this.context.state === "closed") {
        for (const track of stream.getTracks()) track.stop();
        return;
      }
      this.microphone = { stream, node: this.context.createMediaStreamSource(stream) };
    } catch (error) {
      throw new MicrophoneError(MICROPHONE_PROBLEMS[error.name] ?? `The microphone failed: ${error.message}`);
    }
    this.microphone.node.connect(this.uplink);
  }

  /** Silences the microphone, or opens it again; recordings still speak. */
  mute(muted) {
    for (const track of this.microphone?.stream.getAudioTracks() ?? []) track.enabled = !muted;
  }

  /** Speaks a recording (any format the browser reads) into the call; resolves when it was spoken. */
  async playFile(file) {
    await this.play(await this.context.decodeAudioData(await file.arrayBuffer()));
  }

  /** Speaks µ-law 8 kHz audio into the call; resolves when it was spoken. */
  async playUlaw(bytes) {
    const samples = decode(new Uint8Array(bytes));
    const audio = this.context.createBuffer(1, Math.max(1, samples.length), RATE);
    audio.copyToChannel(samples, 0);
    await this.play(audio);
  }

  async play(audio) {
    const source = new AudioBufferSourceNode(this.context, { buffer: audio });
    source.connect(this.uplink);
    source.connect(this.sidetone);
    this.playing.add(source);
    await new Promise((resolve) => {
      source.onended = resolve;
      source.start();
    });
    this.playing.delete(source);
  }

  /** Stops everything and gives the microphone back. */
  async close() {
    for (const source of this.playing) source.stop();
    for (const track of this.microphone?.stream.getTracks() ?? []) track.stop();
    this.uplink.port.postMessage(null);
    this.downlink.port.postMessage(null);
    await this.context.close();
  }
}
