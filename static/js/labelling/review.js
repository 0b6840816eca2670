// The review of labelled work: accept, send back, give to somebody else, and take that back.
import { Refusal, SignedOut, ask } from "./server.js";

/**
 * @param {{desk: import("./desk.js").Desk, outbox: import("./outbox.js").Outbox, works: object,
 *   remarks: {open: () => object[], write: () => void}}} options
 */
export function createReview({ desk, outbox, works, remarks }) {
  const sendSheet = document.getElementById("send-sheet");
  const giveSheet = document.getElementById("give-sheet");
  const did = document.getElementById("review-did");
  let isDeciding = false;
  let last = null; // the way back from the last decision, and to where

  const isOn = () => desk.session.data.mode === "review";

  /** Decide about the work in front, once all that was mended is at the server. */
  async function decide(verb, body, words) {
    const { session } = desk;
    if (!isOn() || isDeciding) return;
    isDeciding = true;
    try {
      if (!(await outbox.flush())) return desk.toast("Not everything is saved yet. Decide once it is.", "error");
      const { id, version, person, review } = session.data;
      const seconds = session.takeSeconds();
      const said = await ask(review.urls[verb], { method: "POST", body: { ...body, version, seconds } });
      last = { undo: said.undo, id };
      works.forget(id);
      show(`${words} · ${person}`, Boolean(said.undo));
      await onwards(said.next, id);
    } catch (error) {
      await tell(error, session);
    } finally {
      isDeciding = false;
    }
  }

  async function onwards(next, id) {
    if (next) return works.open(Number(next.match(/(\d+)$/)[1]));
    await works.open(id, { push: false });
    did.querySelector("[data-words]").textContent += ". Nothing more waits for your review.";
  }

  /** Why it could not be; where it was changed meanwhile, what it is now. */
  async function tell(error, session) {
    if (error instanceof SignedOut) return outbox.hurry();
    if (!(error instanceof Refusal)) return desk.toast("The connection is gone. Decide again when it is back.", "error");
    desk.toast(error.message, "error");
    if (error.status !== 409 && error.status !== 422) return;
    works.forget(session.data.id);
    await works.open(session.data.id, { push: false });
  }

  function show(words, canUndo) {
    did.hidden = false;
    did.querySelector("[data-words]").textContent = words;
    did.querySelector("button").hidden = !canUndo;
    desk.say(words);
  }

  function accept() {
    const { session } = desk;
    if (session.conflicts.size) return desk.toast("Choose first which changes to keep.");
    if (session.isEmpty && !session.nothing) return desk.toast("Nothing is marked. Draw something, say that nothing is here, or send it back.");
    const isMended = session.done.length > 0;
    return decide("accept", {}, isMended ? "Mended and accepted" : "Accepted");
  }

  function sendBack() {
    if (!isOn()) return;
    const n = remarks.open().length;
    if (n) return decide("send-back", {}, `Sent back with ${n} ${n === 1 ? "remark" : "remarks"}`);
    sendSheet.showModal();
    sendSheet.querySelector("textarea").focus();
  }

  function reassign() {
    if (!isOn()) return;
    const { people } = desk.session.data.review;
    const select = giveSheet.querySelector("select");
    select.replaceChildren(...people.map(({ id, name }) => new Option(name, String(id))));
    giveSheet.querySelector("[data-none]").hidden = people.length > 0;
    giveSheet.querySelector("[data-some]").hidden = !people.length;
    giveSheet.showModal();
    if (people.length) select.focus();
  }

  async function takeBack() {
    if (!last || isDeciding) return desk.say("There is no decision to take back");
    isDeciding = true;
    const { undo, id } = last;
    try {
      const said = await ask(undo, { method: "POST" });
      last = null;
      works.forget(id);
      works.forget(desk.session.data.id);
      await works.open(Number(said.next.match(/(\d+)$/)[1]));
      show("Taken back: decide again", false);
    } catch (error) {
      await tell(error, desk.session);
    } finally {
      isDeciding = false;
    }
  }

  sendSheet.addEventListener("close", () => {
    const field = sendSheet.querySelector("textarea");
    const text = field.value.trim();
    field.value = "";
    if (sendSheet.returnValue === "send" && text) decide("send-back", { text }, "Sent back");
    sendSheet.returnValue = "";
  });
  giveSheet.addEventListener("close", () => {
    const select = giveSheet.querySelector("select");
    const name = select.selectedOptions[0]?.textContent;
    if (giveSheet.returnValue === "give" && name) decide("reassign", { user: Number(select.value) }, `Given to ${name}`);
    giveSheet.returnValue = "";
  });
  for (const sheet of [sendSheet, giveSheet]) {
    sheet.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target.closest("button") || event.shiftKey) return;
      event.preventDefault();
      sheet.querySelector(".btn.p").click();
    });
  }

  desk.on(["open"], () => {
    const { data } = desk.session;
    document.body.classList.toggle("reviewing", isOn());
    const begin = document.getElementById("review-begin");
    begin.hidden = !data.review.may_begin;
    begin.action = data.review.urls.begin ?? "";
    document.getElementById("work-of").hidden = !isOn();
    document.getElementById("work-of").textContent = isOn() ? `of ${data.person}` : "";
  });
  return { isOn, accept, sendBack, reassign, takeBack };
}
