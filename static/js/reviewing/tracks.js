// What was said of whole tracks in this sitting. What comes next was fetched before it was said: it is
// shown as the server would show it now, or not at all where nothing of it is left to be asked.

/** Of which film and analysis an item is: its picture is asked for there. */
const runOf = ({ picture_url: url }) => url.split("?")[0];

/** Boxes of one track have its times; another may have the same ones, of another label. */
const keyOf = ({ track }, label) => `${label} ${track.start_s} ${track.end_s}`;

export class SaidTracks {
  /** @type {{id: number, run: string, labels: Map<string, number|null>}[]} in the order they were said */
  #said = [];

  /** @param {object} item  as it was shown @param {import("./decision.js").Given[]} boxes  of the decision */
  add(item, boxes) {
    const given = new Map(boxes.map((box) => [box.prediction, box.label]));
    const tracks = item.boxes.filter(({ track }) => track);
    const labels = new Map(tracks.map((box) => [keyOf(box, box.label), given.get(box.id) ?? null]));
    this.#said.push({ id: item.id, run: runOf(item), labels });
  }

  takeBack(id) {
    this.#said = this.#said.filter((one) => one.id !== id);
  }

  /** What a box is by now: a label, null where it was turned down, undefined where nothing was said. */
  #of(item, box) {
    let label;
    if (!box.track) return label;
    for (const { run, labels } of this.#said) {
      const key = keyOf(box, label ?? box.label);
      if (run === runOf(item) && label !== null && labels.has(key)) label = labels.get(key);
    }
    return label;
  }

  /** The item without what was turned down, the rest by its right names. The same item where nothing was said. */
  applied(item) {
    const said = item.boxes.map((box) => this.#of(item, box));
    if (said.every((label) => label === undefined)) return item;
    const boxes = item.boxes.map((box, i) => (said[i] === undefined ? box : { ...box, label: said[i], is_judged: true }));
    return { ...item, boxes: boxes.filter(({ label }) => label !== null) };
  }

  /** Whether all that it is here for was said. What the server asks about though it knows is asked about. */
  isSettled(item) {
    const matched = item.boxes.filter((box) => box.is_matched);
    return matched.length > 0 && !item.others.length && matched.every((box) => !box.is_judged && this.#of(item, box) !== undefined);
  }
}
