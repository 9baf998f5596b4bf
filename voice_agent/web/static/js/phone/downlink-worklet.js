/**
 * From the phone network to the loudspeaker: µ-law to the device's rate through a jitter buffer.
 *
 * Playing begins once `TARGET_S` is buffered and begins anew after the buffer ran dry. What arrives in a burst beyond
 * `LIMIT_S` is shortened from its old end, so that a stall of the network does not delay the rest of the call.
 */

import { decode } from "./g711.js";
import { Resampler } from "./resampler.js";

const RATE = 8000;
const TARGET_S = 0.06;
const LIMIT_S = 0.4;
const LEVEL_EVERY_S = 0.05;

class Downlink extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(RATE, sampleRate);
    this.chunks = [];
    this.offset = 0;
    this.buffered = 0;
    this.playing = false;
    this.energy = 0;
    this.measured = 0;
    this.open = true;
    this.port.onmessage = ({ data }) => {
      if (data === null) this.open = false;
      else this.receive(new Uint8Array(data));
    };
  }

  receive(bytes) {
    const samples = this.resampler.process(decode(bytes));
    this.chunks.push(samples);
    this.buffered += samples.length;
    if (this.buffered > LIMIT_S * sampleRate) this.take(new Float32Array(this.buffered - TARGET_S * sampleRate));
    if (this.buffered >= TARGET_S * sampleRate) this.playing = true;
  }

  /** Fills `target` from the oldest audio; false when there was not enough. */
  take(target) {
    let filled = 0;
    while (filled < target.length && this.chunks.length) {
      const [chunk] = this.chunks;
      const part = chunk.subarray(this.offset, this.offset + target.length - filled);
      target.set(part, filled);
      filled += part.length;
      this.offset += part.length;
      if (this.offset === chunk.length) {
        this.chunks.shift();
        this.offset = 0;
      }
    }
    this.buffered -= filled;
    return filled === target.length;
  }

  process(_inputs, [[speaker]]) {
    if (this.playing) this.playing = this.take(speaker);
    this.measure(speaker);
    return this.open;
  }

  measure(speaker) {
    for (const sample of speaker) this.energy += sample * sample;
    this.measured += speaker.length;
    if (this.measured < LEVEL_EVERY_S * sampleRate) return;
    this.port.postMessage({ level: Math.sqrt(this.energy / this.measured) });
    this.energy = 0;
    this.measured = 0;
  }
}

registerProcessor("downlink", Downlink);
