// Several pictures looked at as one: the same piece of sky in each, moved and zoomed together.
import { pixelOf, skyOf } from "./plate.js";

const NOWHERE = [-1e9, -1e9];

/**
 * The first picture's pixels are the frame of all. Those that say where they lie on the sky, as the
 * first does, are laid on it by that; the others pixel on pixel.
 * @param {import("./view.js").SkyView[]} views
 */
export function link(views) {
  const [first, ...others] = views;
  for (const view of others) {
    const [from, to] = [first.wcs, view.wcs];
    if (from && to) view.placeBy(carry(from, to), carry(to, from), first.bottomUp);
    else view.placeBy((x, y) => [x, y], (x, y) => [x, y], first.bottomUp);
  }
  for (const view of views) {
    view.addEventListener("view", ({ detail }) => {
      for (const other of views) if (other !== view) other.setView(detail, true);
    });
  }
  first.fit();
}

const carry = (from, to) => (x, y) => {
  const { ra, dec } = skyOf(from, x, y);
  return pixelOf(to, ra, dec) ?? NOWHERE;
};
