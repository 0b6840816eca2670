// What was found in exposures, marked in each; the way of the one that is asked about is in the middle.

const ZOOM = 4; // CSS pixels for a pixel: near enough to judge, far enough to see what is around

/**
 * @param {{exposure: number, label: string, chosen: boolean, href?: string, x: number, y: number,
 *   ra: number | null, dec: number | null, x2?: number, y2?: number, ra2?: number | null,
 *   dec2?: number | null}[]} marks  x, y: of the frame that pictures without coordinates share;
 *   x2, y2: the other end of a trail
 * @param {{id: number}[]} exposures
 * @param {import("./view.js").SkyView[]} views  of these exposures
 */
export function showMarks(marks, exposures, views) {
  const chosen = marks.filter((mark) => mark.chosen);
  views.forEach((view, n) => {
    const here = marks.filter((mark) => mark.exposure === exposures[n].id && !mark.chosen);
    const own = chosen.filter((mark) => mark.exposure === exposures[n].id);
    // where it is not, as in the reference, a thin ring says where to look
    const looked = own.length ? own.map((mark) => ({ ...mark, radius: 9 })) : chosen.slice(0, 1).map((mark) => ({ ...mark, chosen: false, label: "" }));
    view.setOverlays([...here, ...looked].map((mark) => placed(mark, view)).filter(Boolean));
  });
  const way = chosen.map((mark) => placed(mark, views[0])).filter(Boolean);
  if (!way.length) return;
  const middle = (axis) => way.reduce((sum, mark) => sum + (mark[axis] + (mark[`${axis}2`] ?? mark[axis])) / 2, 0) / way.length;
  views[0].setView({ x: middle("x"), y: middle("y"), zoom: ZOOM });
}

function placed({ x, y, ra, dec, x2, y2, ra2, dec2, label, chosen, href, radius = 7 }, view) {
  const pixel = pixelOf(view, x, y, ra, dec);
  if (!pixel) return null;
  const mark = { x: pixel[0], y: pixel[1], label, chosen, href, radius, kind: "circle" };
  const end = x2 === undefined ? null : pixelOf(view, x2, y2, ra2, dec2);
  return end ? { ...mark, kind: "trail", x2: end[0], y2: end[1] } : mark;
}

function pixelOf(view, x, y, ra, dec) {
  return (ra ?? null) === null || !view.wcs ? [x, y] : view.pixelOf(ra, dec);
}
