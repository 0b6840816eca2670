// Where on the sky a pixel lies, by the polynomials that analysis/sky/plate.py fitted, and back.
// Pixels count from the centre of the first, which is 0; the sky is in degrees.

const RADIAN = Math.PI / 180;
const ROUNDS = 12;
const CLOSE_PX = 1e-4;

/**
 * @typedef {{ra: number, dec: number, x0: number, y0: number, scale: number, degree: number,
 *   xi: number[], eta: number[], error_px: number}} Plate
 */

/** Standard coordinates ξ, η in degrees, and their slopes by x and y. */
function planar(plate, x, y) {
  const u = (x - plate.x0) / plate.scale;
  const v = (y - plate.y0) / plate.scale;
  const found = { xi: 0, eta: 0, xiX: 0, xiY: 0, etaX: 0, etaY: 0 };
  let term = 0;
  for (let n = 0; n <= plate.degree; n += 1) {
    for (let j = 0; j <= n; j += 1, term += 1) {
      const i = n - j;
      const value = u ** i * v ** j;
      const byX = i ? (i * u ** (i - 1) * v ** j) / plate.scale : 0;
      const byY = j ? (j * u ** i * v ** (j - 1)) / plate.scale : 0;
      found.xi += plate.xi[term] * value;
      found.eta += plate.eta[term] * value;
      found.xiX += plate.xi[term] * byX;
      found.xiY += plate.xi[term] * byY;
      found.etaX += plate.eta[term] * byX;
      found.etaY += plate.eta[term] * byY;
    }
  }
  return found;
}

/** @returns {{ra: number, dec: number}} of a pixel, in degrees */
export function skyOf(plate, x, y) {
  const { xi, eta } = planar(plate, x, y);
  const [a, d] = [xi * RADIAN, eta * RADIAN];
  const dec0 = plate.dec * RADIAN;
  const down = Math.cos(dec0) - d * Math.sin(dec0);
  const ra = plate.ra + Math.atan2(a, down) / RADIAN;
  const dec = Math.atan2(Math.sin(dec0) + d * Math.cos(dec0), Math.hypot(a, down)) / RADIAN;
  return { ra: ((ra % 360) + 360) % 360, dec };
}

/** @returns {[number, number] | null} the pixel of a place on the sky; null on its other side */
export function pixelOf(plate, ra, dec) {
  const [dec0, dec1, off] = [plate.dec * RADIAN, dec * RADIAN, (ra - plate.ra) * RADIAN];
  const cosine = Math.sin(dec0) * Math.sin(dec1) + Math.cos(dec0) * Math.cos(dec1) * Math.cos(off);
  if (cosine <= 0.05) return null;
  const xi = (Math.cos(dec1) * Math.sin(off)) / cosine / RADIAN;
  const eta = (Math.cos(dec0) * Math.sin(dec1) - Math.sin(dec0) * Math.cos(dec1) * Math.cos(off)) / cosine / RADIAN;
  let [x, y] = [plate.x0, plate.y0];
  for (let round = 0; round < ROUNDS; round += 1) { // Newton's method
    const at = planar(plate, x, y);
    const determinant = at.xiX * at.etaY - at.xiY * at.etaX;
    if (!determinant) return null;
    const [dx, dy] = [xi - at.xi, eta - at.eta];
    const [stepX, stepY] = [(at.etaY * dx - at.xiY * dy) / determinant, (at.xiX * dy - at.etaX * dx) / determinant];
    x += stepX;
    y += stepY;
    if (Math.hypot(stepX, stepY) < CLOSE_PX) return [x, y];
  }
  return null;
}

/** Arcseconds a pixel, and the directions of north and east in pixels (unit vectors, y upwards). */
export function directions(plate, x, y) {
  const at = planar(plate, x, y);
  const determinant = at.xiX * at.etaY - at.xiY * at.etaX;
  const unit = (dx, dy) => [dx / Math.hypot(dx, dy), dy / Math.hypot(dx, dy)];
  const here = skyOf(plate, x, y);
  const north = towards(plate, x, y, here.ra, Math.min(here.dec + 1e-4, 90));
  const east = towards(plate, x, y, here.ra + 1e-4 / Math.max(Math.cos(here.dec * RADIAN), 1e-6), here.dec);
  return {
    arcsec: Math.sqrt(Math.abs(determinant)) * 3600,
    north: north ?? unit(-at.xiY, at.xiX),
    east: east ?? unit(at.etaY, -at.etaX),
  };
}

function towards(plate, x, y, ra, dec) {
  const to = pixelOf(plate, ra, dec);
  if (!to) return null;
  const [dx, dy] = [to[0] - x, to[1] - y];
  const length = Math.hypot(dx, dy);
  return length ? [dx / length, dy / length] : null;
}

/** 232.9240571 → "15:31:41.774"; `decimals` of the seconds of time. Carries 59.9996 over. */
export function hours(ra, decimals = 2) {
  const ticks = Math.round((((ra % 360) + 360) % 360) * 240 * 10 ** decimals) % (86400 * 10 ** decimals);
  return sexagesimal(ticks, decimals);
}

/** −0.0982 → "−00:05:53.6"; `decimals` of the seconds of arc. */
export function degrees(dec, decimals = 1) {
  const ticks = Math.round(Math.abs(dec) * 3600 * 10 ** decimals);
  return (dec < 0 && ticks ? "−" : "+") + sexagesimal(ticks, decimals);
}

function sexagesimal(ticks, decimals) {
  const unit = 10 ** decimals;
  const pad = (n, width = 2) => String(n).padStart(width, "0");
  const seconds = Math.floor(ticks / unit);
  const rest = decimals ? `.${pad(ticks % unit, decimals)}` : "";
  return `${pad(Math.floor(seconds / 3600))}:${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}${rest}`;
}
