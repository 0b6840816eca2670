// Coordinates, greys and the scale of the viewer of sky exposures. sky_plates.json: what astropy says
// of some pixels, beside what analysis/sky/plate.py made of the same headers.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { placeOf } from "../../static/js/sky/going.js";
import { limitsOf } from "../../static/js/sky/levels.js";
import { showMarks } from "../../static/js/sky/marked.js";
import { barOf, farFrom } from "../../static/js/sky/overlays.js";
import { degrees, directions, hours, pixelOf, skyOf } from "../../static/js/sky/plate.js";
import { painter } from "../../static/js/sky/stretch.js";

const cases = JSON.parse(readFileSync(new URL("sky_plates.json", import.meta.url)));
const apart = (ra, dec, ra2, dec2) => {
  const east = ((((ra - ra2 + 180) % 360) + 360) % 360) - 180;
  return Math.hypot(east * Math.cos((dec * Math.PI) / 180), dec - dec2);
};

for (const { name, plate, points } of cases) {
  test(`a pixel lies where the header says, and is found again: ${name}`, () => {
    const { arcsec } = directions(plate, plate.x0, plate.y0);
    const allowed = ((plate.error_px + 0.001) * arcsec) / 3600;
    for (const [x, y, ra, dec] of points) {
      const sky = skyOf(plate, x, y);
      assert.ok(apart(ra, dec, sky.ra, sky.dec) < allowed, `${name} ${x} ${y}`);
      const back = pixelOf(plate, sky.ra, sky.dec);
      assert.ok(Math.hypot(back[0] - x, back[1] - y) < 1e-3, `${name} ${x} ${y} → ${back}`);
    }
  });
}

test("what is on the other side of the sky has no pixel", () => {
  assert.equal(pixelOf(cases[0].plate, 180, 30), null);
});

test("north is up and east is left where the header says so", () => {
  const { north, east, arcsec } = directions(cases[0].plate, 200, 150);
  assert.ok(north[1] > 0.99 && east[0] < -0.99);
  assert.ok(Math.abs(arcsec - 1.08) < 0.01);
});

test("angles carry over and are never written with 60", () => {
  assert.equal(hours(359.9999999), "00:00:00.00");
  assert.equal(hours(187.70593075), "12:30:49.42");
  assert.equal(degrees(-0.00000001), "+00:00:00.0");
  assert.equal(degrees(-29.99999999), "−30:00:00.0");
});

const paint = (values, stretch) => {
  const rgba = new Uint32Array(values.length);
  painter(stretch)(Float32Array.from(values), rgba);
  return [...rgba].map((word) => [word & 255, word >>> 24]);
};

test("numbers go from black to white between the limits, and what has none is see-through", () => {
  const shown = paint([-5, 0, 5, 10, 99, NaN, Infinity], { low: 0, high: 10 });
  assert.deepEqual(shown, [[0, 255], [0, 255], [128, 255], [255, 255], [255, 255], [0, 0], [255, 255]]);
  assert.deepEqual(paint([0, 10], { low: 0, high: 10, invert: true }), [[255, 255], [0, 255]]);
});

test("asinh lifts what is faint and keeps the ends", () => {
  const [[black], [faint], [white]] = paint([0, 1, 10], { low: 0, high: 10, curve: "asinh" });
  assert.equal(black, 0);
  assert.equal(white, 255);
  assert.ok(faint > 50);
});

test("limits that are one number still show something", () => {
  assert.deepEqual(limitsOf({ stretch: { zscale: [7, 7] } }, "zscale"), { low: 7, high: 8 });
});

test("the scale bar has a round number and fits", () => {
  assert.deepEqual(barOf(1, 1), { length: 120, says: "2′" });
  assert.equal(barOf(10, null).says, "10 px");
  for (const zoom of [0.01, 0.3, 1, 7, 64]) {
    const { length } = barOf(zoom, 0.26);
    assert.ok(length > 40 && length <= 140, `${zoom}: ${length}`);
  }
});

test("a place is typed as astronomers write it", () => {
  const orion = { ra: 83.8, dec: -5.4 };
  for (const text of ["83.8 -5.4", " 83.8, −5.4 ", "5:35:12 -5:24:00", "05 35 12.0 −05 24 00.0", "5h35m12s -5d24m00s", "5:35:12.0-5:24:00"]) {
    const { ra, dec } = placeOf(text, true);
    assert.ok(apart(ra, dec, orion.ra, orion.dec) < 1e-9, text);
  }
  assert.equal(placeOf("0:00:00 -0:30:00", true).dec, -0.5);
  assert.deepEqual(placeOf("1 2.5", false), { x: 0, y: 1.5 });
  for (const text of ["", "83.8", "25:00:00 +5:00:00", "5:61:00 +5:00:00", "400 5", "10 91", "5:00:00 +90:00:01", "here"]) {
    assert.equal(placeOf(text, true), null, text);
  }
});

test("a trail is drawn from end to end, and is clicked anywhere along it", () => {
  let drawn = [];
  const view = { wcs: true, pixelOf: (ra, dec) => [10 * ra, 10 * dec], setOverlays: (marks) => { drawn = marks; } };
  const trail = { exposure: 7, label: "9", chosen: false, href: "/nine", x: 0, y: 0, ra: 1, dec: 2, x2: 0, y2: 0, ra2: 5, dec2: 2 };
  const point = { exposure: 7, label: "1", chosen: false, href: "/one", x: 3, y: 4, ra: null, dec: null };
  showMarks([trail, point, { ...point, exposure: 8 }], [{ id: 7 }], [view]);
  assert.deepEqual(drawn.map(({ kind, x, y, x2, y2, href }) => [kind, x, y, x2, y2, href]), [
    ["trail", 10, 20, 50, 20, "/nine"],
    ["circle", 3, 4, undefined, undefined, "/one"],
  ]);
  const place = (x, y) => [2 * x, 2 * y];
  assert.equal(farFrom(drawn[0], [60, 43], place), 3);
  assert.equal(farFrom(drawn[0], [106, 48], place), 10);
  assert.equal(farFrom(drawn[1], [6, 13], place), 5);
});
