// Brand colours over a picture, where they must read on anything: lighter, with dark words on them.

const cache = new Map();

/** @returns {{line: string, ink: string}} */
export function overPicture(hex) {
  if (!cache.has(hex)) cache.set(hex, lifted(hex));
  return cache.get(hex);
}

function lifted(hex) {
  const [h, s, l] = toHsl(hex);
  const light = Math.min(Math.max(l + 0.16, 0.58), 0.72);
  const vivid = s < 0.05 ? s : Math.min(s + 0.35, 0.92);
  return {
    line: `hsl(${h} ${Math.round(vivid * 100)}% ${Math.round(light * 100)}%)`,
    ink: `hsl(${h} 60% 7%)`,
  };
}

function toHsl(hex) {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255);
  const max = Math.max(r, g, b);
  const span = max - Math.min(r, g, b);
  const l = max - span / 2;
  if (!span) return [0, 0, l];
  const turns = { [r]: ((g - b) / span) % 6, [g]: (b - r) / span + 2, [b]: (r - g) / span + 4 };
  const s = span / (1 - Math.abs(2 * l - 1));
  return [Math.round((turns[max] * 60 + 360) % 360), s, l];
}
