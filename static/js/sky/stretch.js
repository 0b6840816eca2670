// From numbers to greys: which is black, which is white, and how it goes from one to the other.

const STEPS = 4096;
const SOFT = 0.1; // asinh is straight up to this share of the range, logarithmic beyond

export const CURVES = {
  linear: (share) => share,
  asinh: (share) => Math.asinh(share / SOFT) / Math.asinh(1 / SOFT),
  sqrt: (share) => Math.sqrt(share),
};

/**
 * A function that writes greys for numbers.
 * @param {{low: number, high: number, curve?: keyof CURVES, invert?: boolean}} stretch
 * @returns {(values: Float32Array, rgba: Uint32Array) => void}  NaN becomes see-through
 */
export function painter({ low, high, curve = "linear", invert = false }) {
  const greys = new Uint32Array(STEPS + 1);
  for (let step = 0; step <= STEPS; step += 1) {
    const share = CURVES[curve](step / STEPS);
    const grey = Math.round((invert ? 1 - share : share) * 255);
    greys[step] = (255 << 24) | (grey << 16) | (grey << 8) | grey;
  }
  const scale = STEPS / Math.max(high - low, Number.MIN_VALUE * 1e10);
  return (values, rgba) => {
    for (let n = 0; n < values.length; n += 1) {
      const value = values[n];
      if (value !== value) { // NaN
        rgba[n] = 0;
      } else {
        const step = (value - low) * scale;
        rgba[n] = greys[step > 0 ? (step < STEPS ? step | 0 : STEPS) : 0];
      }
    }
  };
}
