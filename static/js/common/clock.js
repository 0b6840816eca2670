// How times read and how they are said.

const SAME = 1e-6; // seconds; what sums of floats are off by

/** 161.44 → "2:41.4"; hours only where there are any. Cut off, as in analysis/exposure/columns.py. */
export function clock(seconds, decimals = 1) {
  const ticks = Math.floor((Math.max(seconds, 0) + SAME) * 10 ** decimals);
  const whole = Math.floor(ticks / 10 ** decimals);
  const pad = (n, width = 2) => String(n).padStart(width, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const text = `${hours ? `${hours}:${pad(minutes)}` : minutes}:${pad(whole % 60)}`;
  return decimals ? `${text}.${pad(ticks % 10 ** decimals, decimals)}` : text;
}

/** "2:41.4" → 161.4; NaN where it is no time. */
export function fromClock(text) {
  const parts = text.trim().replace(",", ".").split(":");
  if (parts.length > 3 || !parts.every((part) => /^\d+(\.\d*)?$/.test(part))) return NaN;
  return parts.reduce((seconds, part) => 60 * seconds + Number(part), 0);
}

/** 64 → "1 min 4 s". */
export function spoken(seconds) {
  const whole = Math.floor(seconds + SAME);
  const parts = [];
  if (whole >= 3600) parts.push(`${Math.floor(whole / 3600)} h`);
  if (whole >= 60) parts.push(`${Math.floor(whole / 60) % 60} min`);
  parts.push(`${whole % 60} s`);
  return parts.join(" ");
}

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
