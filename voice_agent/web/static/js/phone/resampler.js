/**
 * Streaming change of sample rate by a windowed sinc, for any pair of rates.
 *
 * The pass band ends at 92 % of the lower Nyquist frequency: 3.7 kHz of a phone's 4 kHz. A browser's audio device
 * runs at 44.1 or 48 kHz, and not every browser lets a microphone into an 8 kHz audio context, so this is done here.
 */

const LOBES = 16;
const PASS_BAND = 0.92;
const STEPS_PER_LOBE = 256;

/** One side of the Blackman-windowed sinc, sampled finely enough for linear interpolation. */
function halfKernel() {
  const length = LOBES * STEPS_PER_LOBE;
  return Float32Array.from({ length: length + 2 }, (_, index) => {
    const x = index / STEPS_PER_LOBE;
    if (x >= LOBES) return 0;
    const window = 0.42 + 0.5 * Math.cos(Math.PI * x / LOBES) + 0.08 * Math.cos(2 * Math.PI * x / LOBES);
    return window * (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
  });
}

export class Resampler {
  /** @param {number} from rate of the input, Hz. @param {number} to rate of the output, Hz. */
  constructor(from, to) {
    this.step = from / to;
    this.bandwidth = Math.min(1, to / from) * PASS_BAND;
    this.reach = Math.ceil(LOBES / this.bandwidth);
    this.kernel = halfKernel();
    this.waiting = new Float32Array(this.reach);
    this.position = this.reach;
  }

  /** Takes any number of samples and gives those that are ready; the filter holds back `reach` samples. */
  process(input) {
    const samples = new Float32Array(this.waiting.length + input.length);
    samples.set(this.waiting);
    samples.set(input, this.waiting.length);
    const ready = Math.max(0, Math.ceil((samples.length - this.reach - this.position) / this.step));
    const output = new Float32Array(ready);
    for (let index = 0; index < ready; index += 1) {
      output[index] = this.interpolate(samples, this.position + index * this.step);
    }
    this.position += ready * this.step;
    const done = Math.max(0, Math.min(samples.length, Math.floor(this.position) - this.reach));
    this.waiting = samples.slice(done);
    this.position -= done;
    return output;
  }

  interpolate(samples, at) {
    const first = Math.max(0, Math.ceil(at - this.reach));
    const last = Math.min(samples.length - 1, Math.floor(at + this.reach));
    let sum = 0;
    for (let index = first; index <= last; index += 1) {
      const offset = Math.abs(at - index) * this.bandwidth * STEPS_PER_LOBE;
      const whole = Math.floor(offset);
      if (whole >= this.kernel.length - 1) continue;
      const low = this.kernel[whole];
      sum += samples[index] * (low + (this.kernel[whole + 1] - low) * (offset - whole));
    }
    return sum * this.bandwidth;
  }
}
