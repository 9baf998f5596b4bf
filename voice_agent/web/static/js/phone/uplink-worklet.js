/**
 * From the microphone or a recording to the phone network: device rate to 8 kHz, cut into 20 ms, µ-law.
 *
 * Frames are cut on the audio clock, so the line hears one frame every 20 ms however busy the page is; a source that
 * is silent or missing sends silence, as a phone does.
 */

import { encode } from "./g711.js";
import { Resampler } from "./resampler.js";

const RATE = 8000;
const FRAME = 160;

class Uplink extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate, RATE);
    this.frame = new Float32Array(FRAME);
    this.filled = 0;
    this.open = true;
    this.port.onmessage = () => { this.open = false; };
  }

  process([input], [output]) {
    for (const sample of this.resampler.process(input[0] ?? new Float32Array(output[0].length))) {
      this.frame[this.filled] = sample;
      this.filled += 1;
      if (this.filled === FRAME) this.send();
    }
    return this.open;
  }

  send() {
    const energy = this.frame.reduce((sum, sample) => sum + sample * sample, 0);
    const { buffer } = encode(this.frame);
    this.port.postMessage({ frame: buffer, level: Math.sqrt(energy / FRAME) }, [buffer]);
    this.filled = 0;
  }
}

registerProcessor("uplink", Uplink);
