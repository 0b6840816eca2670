// What is drawn over a picture of the sky: marks, a scale, and where north and east are.

const NICE = [1, 2, 5, 10, 15, 30];
const MOST_BAR = 140; // CSS pixels
const TEXT = "12px ui-sans-serif, system-ui, sans-serif";

/** Light on a dark edge, so that it is seen on any grey. */
function twice(context, draw, width = 1.5, colour = "#fff") {
  context.lineWidth = width + 2.5;
  context.strokeStyle = "#000a";
  draw();
  context.stroke();
  context.lineWidth = width;
  context.strokeStyle = colour;
  draw();
  context.stroke();
}
function say(context, text, x, y, align = "left", colour = "#fff") {
  context.font = TEXT;
  context.textAlign = align;
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 3;
  context.strokeStyle = "#000c";
  context.strokeText(text, x, y);
  context.fillStyle = colour;
  context.fillText(text, x, y);
}

/** @param {(x: number, y: number) => [number, number]} place  pixels to CSS pixels */
export function marks(context, all, place, zoom, element) {
  const usual = getComputedStyle(element).getPropertyValue("--sky-mark").trim() || "#ffb454";
  for (const mark of all) {
    const [x, y] = place(mark.x, mark.y);
    const radius = Math.max(8, (mark.radius ?? 6) * zoom);
    const colour = mark.colour ?? usual;
    twice(context, () => outline(context, mark, x, y, radius, place), mark.chosen ? 3 : 1.5, colour);
    if (mark.label) say(context, mark.label, x + radius + 5, y, "left", colour);
  }
}

/** CSS pixels from a mark to a point of the element: of a trail, from all of it. */
export function farFrom(mark, [cx, cy], place) {
  const [x, y] = place(mark.x, mark.y);
  if (mark.x2 === undefined) return Math.hypot(x - cx, y - cy);
  const [dx, dy] = place(mark.x2, mark.y2).map((end, axis) => end - [x, y][axis]);
  const share = ((cx - x) * dx + (cy - y) * dy) / (dx * dx + dy * dy || 1);
  const along = Math.min(Math.max(share, 0), 1);
  return Math.hypot(x + along * dx - cx, y + along * dy - cy);
}

function outline(context, mark, x, y, radius, place) {
  context.beginPath();
  if (mark.kind === "cross") {
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + dx * radius * 0.5, y + dy * radius * 0.5);
      context.lineTo(x + dx * radius * 1.5, y + dy * radius * 1.5);
    }
  } else if (mark.kind === "square") {
    context.rect(x - radius, y - radius, 2 * radius, 2 * radius);
  } else if (mark.kind === "trail" && mark.x2 !== undefined) {
    context.moveTo(x, y);
    context.lineTo(...place(mark.x2, mark.y2));
  } else {
    context.arc(x, y, radius, 0, 2 * Math.PI);
  }
}

/** The length of a bar, and what it says: by arcseconds where they are known, else by pixels. */
export function barOf(zoom, arcsec) {
  const most = (MOST_BAR / zoom) * (arcsec ?? 1);
  const units = arcsec ? [[3600, "°"], [60, "′"], [1, "″"]] : [[1, " px"]];
  const [unit, sign] = units.find(([size]) => most >= size) ?? units.at(-1);
  let best = 0;
  for (let power = -3; power < 7; power += 1) {
    for (const nice of NICE) {
      const length = nice * 10 ** power * unit;
      if (length <= most && length > best) best = length;
    }
  }
  const number = Number((best / unit).toPrecision(3));
  return { length: (best / (arcsec ?? 1)) * zoom, says: `${number}${sign}` };
}

export function scaleBar(context, [, high], zoom, arcsec) {
  const { length, says } = barOf(zoom, arcsec);
  if (!(length > 8)) return;
  const [x, y] = [16, high - 16];
  twice(context, () => {
    context.beginPath();
    context.moveTo(x, y - 5);
    context.lineTo(x, y);
    context.lineTo(x + length, y);
    context.lineTo(x + length, y - 5);
  });
  say(context, says, x + length / 2, y - 14, "center");
}

/** @param {[number, number]} north  unit vector on the screen, y downwards */
export function compass(context, [wide, high], north, east) {
  const [x, y] = [wide - 46, high - 46];
  for (const [[dx, dy], letter] of [[north, "N"], [east, "E"]]) {
    const [tipX, tipY] = [x + dx * 22, y + dy * 22];
    twice(context, () => {
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(tipX, tipY);
      context.moveTo(tipX - dx * 6 - dy * 4, tipY - dy * 6 + dx * 4);
      context.lineTo(tipX, tipY);
      context.lineTo(tipX - dx * 6 + dy * 4, tipY - dy * 6 - dx * 4);
    });
    say(context, letter, tipX + dx * 9, tipY + dy * 9, "center");
  }
}
