// What a reviewer says about a box, a place or the whole picture; its labeller reads it there,
// resolves it and may answer.
import { Refusal, SignedOut, ask } from "./server.js";

/** @param {{desk: import("./desk.js").Desk, view: import("./view.js").View, outbox: object}} options */
export function createRemarks({ desk, view, outbox }) {
  const section = document.getElementById("work-remarks");
  const list = document.getElementById("remark-list");
  const row = document.getElementById("remark-row");
  const form = document.getElementById("remark-form");
  const where = document.getElementById("remark-where");
  const text = form.elements.text;
  let chosen = null; // the remark in front
  let draft = null; // of the one being written: {shape} or {at}, and its frame

  const all = () => desk.session?.data.review?.remarks ?? [];
  const open = () => all().filter(({ resolved }) => !resolved);

  // --- the list ----------------------------------------------------------------------------------
  function show() {
    const { data } = desk.session;
    section.hidden = !all().length && data.mode !== "review";
    list.replaceChildren(...all().map(entry));
    document.getElementById("remarks-none").hidden = all().length > 0;
    document.getElementById("remark-add").hidden = data.mode !== "review";
    desk.tell("pins");
  }

  function entry(remark, i) {
    const made = row.content.firstElementChild.cloneNode(true);
    const part = (name) => made.querySelector(`[data-${name}]`);
    const [jump, resolve, remove] = ["jump", "resolve", "remove"].map(part);
    made.dataset.id = String(remark.id);
    made.classList.toggle("done", remark.resolved);
    jump.setAttribute("aria-pressed", String(remark.id === chosen));
    part("number").textContent = String(i + 1);
    part("text").textContent = remark.text;
    part("about").textContent = [aboutWhat(remark), remark.by, when(remark.at)].filter(Boolean).join(" · ");
    part("answer").hidden = !remark.resolved;
    part("answer").textContent = remark.answer ? `${remark.resolved_by}: ${remark.answer}` : `Resolved by ${remark.resolved_by}`;
    const mayResolve = desk.session.data.mode !== "look";
    resolve.hidden = !mayResolve;
    resolve.textContent = remark.resolved ? "Open again" : "Resolve";
    remove.hidden = !(mayResolve && remark.by_id === desk.session.data.review.me);
    return made;
  }

  /** "Kestrel", "Kestrel, deleted since", "a place", "the whole picture". */
  function aboutWhat({ shape, about, place, frame }) {
    const { session } = desk;
    const on = session.isClip ? `, frame ${(frame + 1).toLocaleString("en")}` : "";
    if (shape) return `${about}${session.shapes.has(shape) ? "" : ", deleted since"}${on}`;
    return (place.length ? "a place" : session.isClip ? "the clip" : "the whole picture") + on;
  }

  list.addEventListener("click", (event) => {
    const item = event.target.closest("[data-id]");
    const remark = item && all().find(({ id }) => id === Number(item.dataset.id));
    if (!remark) return;
    if (event.target.closest("[data-resolve]")) return resolve(remark);
    if (event.target.closest("[data-remove]")) return remove(remark);
    jumpTo(remark);
  });

  async function jumpTo(remark) {
    chosen = remark.id;
    if (desk.session.isClip) await desk.go(remark.frame);
    if (desk.session.shapes.has(remark.shape)) desk.session.select(remark.shape);
    else if (remark.place.length === 4) view.reveal(remark.place);
    show();
  }

  // --- saying something --------------------------------------------------------------------------
  function write() {
    const { session } = desk;
    if (session.data.mode !== "review") return;
    draft = { shape: session.selected && desk.boxOf(session.selected) ? session.selected : "", frame: desk.frame };
    form.hidden = false;
    showWhere();
    text.focus();
    form.scrollIntoView({ block: "nearest" });
  }

  function showWhere() {
    const { session } = desk;
    const on = draft.shape ? desk.name(draft.shape) : draft.at ? "the place you chose" : session.isClip ? "the clip" : "the whole picture";
    where.textContent = `About ${on}`;
    desk.tell("pins");
  }

  function close() {
    form.hidden = true;
    text.value = "";
    draft = null;
    if (desk.ui.get().tool === "pin") desk.ui.set({ tool: "draw" });
    desk.tell("pins");
    document.getElementById("stage").focus({ preventScroll: true });
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { session } = desk;
    const said = text.value.trim();
    if (!said || !draft) return;
    await outbox.flush(); // a box that was just drawn is known there before it is spoken of
    const remark = await send(session.data.urls.remarks, { body: { text: said, ...draft } });
    if (!remark) return;
    session.data.review.remarks.push(remark);
    chosen = remark.id;
    close();
    show();
    desk.say("Remark added");
  });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  form.querySelector("[data-place]").addEventListener("click", () => {
    desk.ui.set({ tool: "pin" });
    where.textContent = "Click the place on the picture";
  });
  form.querySelector("[data-cancel]").addEventListener("click", close);
  desk.addEventListener("pinned", ({ detail }) => {
    if (!draft) return;
    draft = { at: detail.map((side) => Math.min(Math.max(side, 0), 1)), frame: desk.frame };
    desk.ui.set({ tool: "draw" });
    showWhere();
    setTimeout(() => text.focus()); // once the press has given the focus to the stage
  });

  // --- seeing to it ------------------------------------------------------------------------------
  /** The one in front, else the first that is open: seen to. */
  function resolveNext() {
    const remark = open().find(({ id }) => id === chosen) ?? open()[0];
    if (!remark) return desk.say("No remark is open");
    if (desk.session.data.mode === "look") return desk.tell("locked");
    return resolve(remark);
  }

  async function resolve(remark) {
    const { session } = desk;
    const now = await send(`/labelling/remarks/${remark.id}`, { body: { resolved: !remark.resolved } });
    if (!now) return;
    replace(session, now);
    desk.say(now.resolved ? `Resolved. ${open().length} left` : "Open again");
    const next = open()[0];
    if (now.resolved && next && session === desk.session) await jumpTo(next);
  }

  async function remove(remark) {
    const { session } = desk;
    const gone = await send(`/labelling/remarks/${remark.id}`, { method: "DELETE" });
    if (!gone) return;
    session.data.review.remarks = session.data.review.remarks.filter(({ id }) => id !== remark.id);
    show();
    desk.say("Remark taken back");
  }

  function replace(session, now) {
    session.data.review.remarks = session.data.review.remarks.map((one) => (one.id === now.id ? now : one));
    show();
  }

  async function send(url, { method = "POST", body } = {}) {
    try {
      return await ask(url, { method, body });
    } catch (error) {
      const words = error instanceof SignedOut ? "You are signed out." : error instanceof Refusal ? error.message : "The connection is gone. Try again when it is back.";
      desk.toast(words, "error");
      return null;
    }
  }

  // --- on the picture ----------------------------------------------------------------------------
  /** Where remarks of this frame are: [{point, words, isOn, isDone}], points as fractions. */
  function pins() {
    const { frame } = desk;
    const found = all().map((remark, i) => ({ remark, words: String(i + 1) }));
    const here = found.filter(({ remark }) => remark.frame === frame && remark.place.length);
    const marks = here.map(({ remark, words }) => ({ point: pointOf(remark), words, isOn: remark.id === chosen, isDone: remark.resolved }));
    if (draft?.at) marks.push({ point: draft.at, words: "?", isOn: true, isDone: false });
    return marks;
  }

  function pointOf({ shape, place }) {
    const box = (shape && desk.boxOf(shape)) || place;
    return box.length === 4 ? [box[2], box[1]] : box;
  }

  desk.on(["open"], () => {
    chosen = open()[0]?.id ?? null;
    draft = null;
    form.hidden = true;
    show();
    const first = open()[0];
    if (first && desk.session.data.mode === "label" && desk.session.shapes.has(first.shape)) desk.session.select(first.shape);
  });
  return { open, write, resolveNext, pins };
}

function when(at) {
  return new Date(at).toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}
