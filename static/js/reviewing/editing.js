// What a person changes of an item before it is decided. Each change is one step that undo takes back.
import { isWeak, takeOver } from "./decision.js";

/**
 * @param {{desk: import("../labelling/desk.js").Desk, view: object, shapes: object, stage: object,
 *   work: () => object|null}} options  `work`: what is reviewed now, as in page.js
 */
export function createEditing({ desk, view, shapes, stage, work }) {
  /** The shape that a key means: the one taken up, else the only one it can be about. */
  function meant() {
    const { session } = desk;
    const ids = [...session.shapes.keys()];
    const matched = ids.filter((id) => predictionOf(session.shapes.get(id))?.is_matched);
    return session.selected ?? [ids, matched].find((some) => some.length === 1)?.[0] ?? null;
  }
  const predictionOf = ({ prediction }) => work()?.item.boxes.find(({ id }) => id === prediction);

  const isDashed = (shape) => {
    const about = predictionOf(shape);
    return Boolean(about) && isWeak(about, shape);
  };

  const acts = {
    remove() {
      const id = meant();
      if (!id) return desk.say("Take up a box first: Tab goes from box to box");
      const name = desk.name(id);
      const done = predictionOf(desk.session.shapes.get(id)) ? "rejected" : "removed";
      desk.session.change(`${done} ${name}`, { [id]: null });
      desk.say(`${name} ${done}`);
    },

    /** All that are below their threshold, as one step. */
    removeWeak() {
      const weak = [...desk.session.shapes].filter(([, shape]) => isDashed(shape)).map(([id]) => id);
      const words = `rejected ${weak.length} below the threshold`;
      const isDone = desk.session.change(words, Object.fromEntries(weak.map((id) => [id, null])));
      desk.say(isDone ? words : "Nothing here is below its threshold");
    },

    /** A prediction that was rejected is there again. */
    bringBack(id) {
      const { label, box } = work().item.boxes.find((one) => one.id === id);
      desk.session.add(`brought ${desk.label(label).name} back`, { label, box, occluded: false, prediction: id });
    },

    draw() {
      if (desk.ui.get().tool === "draw") return desk.ui.set({ tool: "select" });
      const { label } = desk.ui.get();
      if (label === null) return desk.toast("There is no label yet. Add one to the project first.");
      desk.session.select(null);
      desk.ui.set({ tool: "draw", boxes: true });
      desk.say(`Drag to draw ${desk.label(label).name}. Shift N puts a box in the middle`);
    },
    place: () => shapes.place(view),

    label(id) {
      if (desk.ui.get().tool !== "draw") desk.session.select(meant());
      shapes.relabel(id);
      desk.say(desk.selected ? `Now ${desk.label(id).name}` : `${desk.label(id).name} is drawn next`);
    },

    /** What another person said of it, one after the other; then nobody's. */
    others(index = (work()?.other ?? -1) + 1) {
      const now = work();
      if (!now?.item.others.length) return;
      now.other = index === now.other || !now.item.others[index] ? null : index;
      const other = now.item.others[now.other];
      desk.say(other ? `${other.name}: ${other.unsure ? "could not tell" : boxesInWords(other.boxes)}` : "Only your boxes");
      desk.tell("others");
    },
    takeOver() {
      const now = work();
      const other = now?.item.others[now.other ?? (now.item.others.length === 1 ? 0 : -1)];
      if (!other) return desk.say(now?.item.others.length ? "Choose first whose boxes: O" : "Nobody else was asked");
      if (other.unsure) return desk.toast(`${other.name} could not tell.`);
      now.other = null;
      takeOver(now.item, now.session, other, () => desk.newId());
      desk.say(`As ${other.name} said: ${boxesInWords(other.boxes)}`);
      desk.tell("others");
    },

    scope(to = work()?.scope === "track" ? "frame" : "track") {
      const now = work();
      if (!now?.hasTracks) return desk.say("There are no tracks here");
      now.scope = to;
      desk.say(to === "track" ? "Whole tracks" : "This frame only");
      desk.tell("scope");
    },

    /** Close to what it is about, or all of the picture again. */
    enlarge() {
      if (view.zoom > 1.01) return view.fit();
      const id = meant();
      view.closeTo(id ? desk.boxOf(id) : [0.25, 0.25, 0.75, 0.75]);
    },
  };

  const boxesInWords = (boxes) => boxes.map(({ label }) => desk.label(label).name).join(", ") || "nothing is here";

  // One box is drawn at a time: after it the hand takes up and moves again.
  desk.on(["change"], () => {
    const { selected } = desk.session;
    if (desk.ui.get().tool !== "draw" || !selected) return;
    desk.ui.set({ tool: "select" });
    desk.say(`${desk.name(selected)} added`);
  });
  desk.on(["others"], stage.draw);
  return acts;
}
