/**
 * G.711 µ-law, as it travels on the phone network (ITU-T G.711, table 2): sign, 3-bit segment, 4-bit step,
 * all bits inverted. Audio on our side is Float32 in -1..1.
 */

const BIAS = 132;
const CLIP = 32635;

/** The code of a zero sample. */
export const SILENCE = 0xff;

const LINEAR = Float32Array.from({ length: 256 }, (_, wire) => {
  const code = ~wire & 0xff;
  const magnitude = (((code & 0x0f) << 3) + BIAS << (code >> 4 & 7)) - BIAS;
  return (code & 0x80 ? -magnitude : magnitude) / 32768;
});

function encodeSample(value) {
  const sample = Math.round(value * 32768);
  const biased = Math.min(Math.abs(sample), CLIP) + BIAS;
  const segment = 24 - Math.clz32(biased);
  return ~((sample < 0 ? 0x80 : 0) | (segment << 4) | (biased >> (segment + 3) & 0x0f)) & 0xff;
}

/** Float32Array to µ-law bytes of the same length; values outside -1..1 are clipped. */
export function encode(samples) {
  return Uint8Array.from(samples, encodeSample);
}

/** µ-law bytes to a Float32Array of the same length. */
export function decode(bytes) {
  return Float32Array.from(bytes, (code) => LINEAR[code]);
}
