// "Predict next": a worker follows boxes over the coming frames; what it finds becomes keyframes,
// as few as keep to it, in one step that undo takes back.
import { ask, Refusal } from "./server.js";
import { carried, keyBeside, shownAt } from "./tracks.js";

const ASK_MS = 250;
const MOST = 300; // frames, as the server has it
const TOLERANCE_PX = 1.5; // how far lines between keyframes may stray from what was predicted
const OVER = ["done", "failed", "stopped"];

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @param {{desk: import("./desk.js").Desk, outbox: import("./outbox.js").Outbox}} options */
export function createPredict({ desk, outbox }) {
  const bar = document.getElementById("work-predict");
  const words = bar.querySelector("[data-words]");
  const meter = bar.querySelector("progress");
  const count = document.getElementById("predict-count");
  let running = null; // {urls: Set, isStopped}

  /** Follow the taken-up track, or with `isAll` every one of this frame. */
  async function run(direction = 1, { isAll = false } = {}) {
    const { session, frame } = desk;
    if (session.isReadOnly) return desk.tell("locked");
    if (!session.isClip) return desk.toast("Predicting follows boxes through a clip. This is a picture.");
    if (running) return desk.toast("It is predicting already. Cancel it first.");
    const ids = isAll || !session.selected ? desk.shown().map(({ id }) => id) : [session.selected];
    const here = ids.filter((id) => shownAt(session.shapes.get(id), frame));
    if (!here.length) return desk.toast("Draw or take up a box in this frame first.");
    running = { urls: new Set(), isStopped: false };
    show(0, 1, here);
    try {
      const found = await Promise.all(here.map((id) => follow(session, id, frame, direction, here)));
      apply(session, frame, found.filter(Boolean), direction);
    } catch (error) {
      desk.toast(error instanceof Refusal ? error.message : "The prediction did not come. Check the connection and try again.", "error");
    } finally {
      running = null;
      bar.hidden = true;
    }
  }

  async function follow(session, id, frame, direction, ids) {
    const shape = session.shapes.get(id);
    const left = direction > 0 ? session.length - 1 - frame : frame;
    // A keyframe of the person's own ends it: nothing they made is drawn over.
    const key = keyBeside(shape, frame, direction);
    const most = Math.min(desk.ui.get().count, left, key === null ? Infinity : Math.abs(key - frame) - 1);
    if (most < 1) return { id, boxes: {}, why: left ? "the next frame is a keyframe already" : "there is no further frame" };
    const { box } = shownAt(shape, frame);
    await outbox.flush(); // the worker reads the track as it is here
    const { url } = await ask(session.data.urls.predict, { method: "POST", body: { shape: id, frame, count: most, direction, box } });
    running?.urls.add(url);
    for (;;) {
      const state = await ask(url);
      show(state.done ?? 0, state.count || most, ids, url);
      if (OVER.includes(state.status) || running?.isStopped) {
        return { id, boxes: state.boxes ?? {}, why: state.stopped_because || state.error || "", status: state.status };
      }
      await pause(ASK_MS);
    }
  }

  const progress = new Map();
  function show(done, all, ids, url = "") {
    if (!url) progress.clear();
    progress.set(url, [done, all]);
    const sum = (i) => [...progress].filter(([key]) => key || progress.size === 1).reduce((total, [, pair]) => total + pair[i], 0);
    bar.hidden = false;
    words.textContent = `Predicting ${ids.length === 1 ? desk.name(ids[0]) : `${ids.length} tracks`}: ${sum(0)} of ${sum(1)} frames`;
    meter.max = Math.max(sum(1), 1);
    meter.value = sum(0);
  }

  function apply(session, frame, found, direction) {
    const { width, height } = session.data;
    const tolerance = TOLERANCE_PX / Math.max(width, height, 1);
    const wanted = {};
    let farthest = frame;
    for (const { id, boxes } of found) {
      const shape = session.shapes.get(id);
      if (!shape || !Object.keys(boxes).length) continue;
      wanted[id] = carried(shape, frame, boxes, tolerance);
      const frames = Object.keys(boxes).map(Number);
      farthest = direction > 0 ? Math.max(farthest, ...frames) : Math.min(farthest, ...frames);
    }
    const names = Object.keys(wanted).map((id) => desk.name(id));
    const why = [...new Set(found.map((one) => one.why).filter(Boolean))].join(", ");
    if (!names.length) return desk.toast(why ? `Nothing was predicted: ${why}.` : "Nothing was predicted.");
    session.change(`predicted ${names.length === 1 ? names[0] : `${names.length} tracks`}`, wanted);
    const said = `Predicted to frame ${(farthest + 1).toLocaleString("en")}${why ? `: ${why}` : ""}`;
    desk.dispatchEvent(new CustomEvent("predicted", { detail: { said, frame: farthest } }));
  }

  function cancel() {
    if (!running) return;
    running.isStopped = true;
    for (const url of running.urls) ask(url, { method: "DELETE" }).catch(() => {});
  }

  bar.querySelector("button").addEventListener("click", cancel);
  count.value = String(desk.ui.get().count);
  count.addEventListener("change", () => {
    const wanted = Math.min(Math.max(Math.round(Number(count.value)) || 30, 1), MOST);
    count.value = String(wanted);
    desk.ui.set({ count: wanted });
  });
  return { run, cancel, isRunning: () => Boolean(running) };
}
