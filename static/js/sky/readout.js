// The line that says what is under the pointer: pixel, place on the sky, number.
import { degrees, hours } from "./plate.js";

/** Of an element with parts data-x, data-y, data-ra, data-dec, data-value. */
export function bindReadout(element, views, names = []) {
  const part = (name) => element.querySelector(`[data-${name}]`);
  views.forEach((view, n) => {
    view.addEventListener("cursor", ({ detail }) => {
      const at = detail?.isInside ? detail : null;
      const say = (name, text) => {
        const to = part(name);
        if (to && to.textContent !== text) to.textContent = text;
      };
      say("name", at ? names[n] ?? "" : "");
      say("x", at ? (at.x + 1).toFixed(1) : "–"); // FITS counts from 1
      say("y", at ? (at.y + 1).toFixed(1) : "–");
      say("ra", at?.sky ? hours(at.sky.ra) : "–");
      say("dec", at?.sky ? degrees(at.sky.dec) : "–");
      say("value", at ? numberOf(at.value) : "–");
      if (at && at.value === null) fill(view, at, part("value"));
    });
  });
}

/** Its block is not loaded: the number comes a moment later, where the pointer is still there. */
async function fill(view, at, to) {
  const asked = `${Math.round(at.x)} ${Math.round(at.y)}`;
  to.dataset.asked = asked;
  await new Promise((resolve) => setTimeout(resolve, 120));
  if (to.dataset.asked !== asked) return;
  const value = await view.value(at.x, at.y).catch(() => null);
  if (to.dataset.asked === asked && value !== null) to.textContent = numberOf(value);
}

const numberOf = (value) => {
  if (value === null) return "…";
  if (Number.isNaN(value)) return "no number";
  return Number.isInteger(value) ? String(value) : value.toPrecision(7).replace(/\.?0+$/, "");
};
