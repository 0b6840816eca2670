// To a place that somebody types: right ascension and declination, or a pixel.

const NUMBER = String.raw`[+−-]?\d+(?:\.\d*)?`;
const TWO = new RegExp(String.raw`^(${NUMBER})[\s,;]+(${NUMBER})$`);
const PARTS = String.raw`(\d+)[:\sh°d]+(\d+)[:\sm′']+(\d+(?:\.\d*)?)\s*[s″"]?`;
const SEXAGESIMAL = new RegExp(String.raw`^\s*${PARTS}[\s,;]*([+−-]?)\s*${PARTS}\s*$`, "i");

/**
 * "5:35:12.0 −5:24:00" and "83.8 −5.4" are on the sky; where the picture does not say where it lies,
 * two numbers are a pixel, counted from 1.
 * @returns {{ra: number, dec: number} | {x: number, y: number} | null}
 */
export function placeOf(text, hasSky) {
  const asked = text.trim();
  const parts = SEXAGESIMAL.exec(asked);
  if (parts && hasSky) {
    const [h, m, s] = parts.slice(1, 4).map(Number);
    const [d, minutes, seconds] = parts.slice(5, 8).map(Number);
    if (h > 23 || d > 90 || [m, s, minutes, seconds].some((value) => value >= 60)) return null;
    const dec = d + minutes / 60 + seconds / 3600;
    return dec > 90 ? null : { ra: 15 * (h + m / 60 + s / 3600), dec: ["-", "−"].includes(parts[4]) ? -dec : dec };
  }
  const two = TWO.exec(asked);
  if (!two) return null;
  const [first, second] = two.slice(1).map((word) => Number(word.replace("−", "-")));
  if (!hasSky) return { x: first - 1, y: second - 1 };
  return first >= 0 && first < 360 && Math.abs(second) <= 90 ? { ra: first, dec: second } : null;
}

/**
 * @param {HTMLFormElement} form  with a field named place
 * @param {import("./view.js").SkyView} view  the first of those that are linked
 * @param {(text: string) => void} say
 */
export function bindGoing(form, view, say) {
  const field = form.elements.place;
  const answer = (text) => {
    field.setCustomValidity(text);
    field.reportValidity();
    if (text) say(text);
  };
  field.addEventListener("input", () => field.setCustomValidity(""));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const place = placeOf(field.value, Boolean(view.wcs));
    if (!place) {
      answer(view.wcs ? "Write it as 5:35:12.0 -5:24:00, or as 83.8 -5.4 in degrees." : "Write two numbers: x and y, counted from 1.");
      return;
    }
    const pixel = "ra" in place ? view.pixelOf(place.ra, place.dec) : [place.x, place.y];
    const [height, width] = view.shape;
    if (!pixel || !(pixel[0] > -1 && pixel[1] > -1 && pixel[0] < width && pixel[1] < height)) {
      answer("That is not on this picture.");
      return;
    }
    answer("");
    const [x, y] = pixel;
    view.setOverlays([{ x, y, kind: "cross", radius: 10, label: field.value.trim() }]);
    view.setView({ x, y, zoom: Math.max(view.view.zoom, 2) });
    say(`Pixel ${(x + 1).toFixed(1)}, ${(y + 1).toFixed(1)} is in the middle.`);
  });
}
