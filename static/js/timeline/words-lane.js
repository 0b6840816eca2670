// What is said, as a lane of the timeline: sentences as blocks, single words once there is room.
import { lastAtOrBefore } from "./frames-data.js";
import { reads } from "./transcript-lines.js";

const READABLE_PX = 46; // of a word; narrower ones are drawn as their line

/** What is being said at a time; "" while nobody speaks. @param {import("./transcript-lines.js").Line[]} lines */
export function lineAt(lines, time) {
  const line = lines[lastAtOrBefore(lines.map((one) => one.start), time)];
  return line && time <= line.end ? textOf(line) : "";
}

const textOf = (line) => line.words.map((_, i) => reads(line, i)).filter(Boolean).join(line.blank);

export function paintWords({ ink, width, colour, from, to, x, state }, y, high) {
  ink.font = "11px ui-sans-serif, system-ui, sans-serif";
  ink.textBaseline = "middle";
  const [ground, words] = [colour("--line"), colour("--ink2")];
  const put = (start, end, text) => {
    const left = Math.max(x(start), -4) + 0.5;
    const wide = Math.max(Math.min(x(end), width + 4) - left - 0.5, 1);
    ink.fillStyle = ground;
    ink.fillRect(left, y + 5, wide, high - 10);
    if (wide < 28 || !text) return;
    ink.save();
    ink.beginPath();
    ink.rect(left, y + 5, wide, high - 10);
    ink.clip();
    ink.fillStyle = words;
    ink.fillText(text, Math.max(left, 0) + 4, y + high / 2 + 0.5);
    ink.restore();
  };
  for (const line of state.lines) {
    if (line.end < from || line.start > to) continue;
    const isClose = (x(line.end) - x(line.start)) / Math.max(line.words.length, 1) >= READABLE_PX;
    if (!isClose) put(line.start, line.end, x(line.end) - x(line.start) < 28 ? "" : textOf(line));
    else line.words.forEach((_, i) => put(line.starts[i], line.ends[i], reads(line, i)));
  }
}
