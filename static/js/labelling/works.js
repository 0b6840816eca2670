// The works of a person's batch: the one before them, its neighbours fetched ahead, and how one
// ends and the next begins.
import { ask, Refusal, SignedOut } from "./server.js";
import { Session } from "./session.js";
import { withoutRev } from "./shapes.js";

const AHEAD = 5;
const MOST = 60; // kept in memory, with their undo

/** @param {{desk: import("./desk.js").Desk, outbox: import("./outbox.js").Outbox, first: object}} options */
export function createWorks({ desk, outbox, first }) {
  const sessions = new Map();
  const data = new Map(); // id → Promise of what the server says
  const base = location.pathname.replace(/\d+$/, "");
  const urlOf = (id) => `${base}${id}`;

  function fetchData(id) {
    if (!data.has(id)) {
      const asked = ask(`${urlOf(id)}.json`);
      asked.catch(() => data.delete(id));
      data.set(id, asked);
    }
    return data.get(id);
  }

  async function sessionOf(id) {
    if (!sessions.has(id)) {
      const said = await fetchData(id);
      data.delete(id);
      if (!sessions.has(id)) sessions.set(id, new Session(said, outbox));
      trim();
    }
    return sessions.get(id);
  }

  function trim() {
    for (const [id, session] of sessions) {
      if (sessions.size <= MOST) return;
      if (session === desk.session || outbox.busy(id).size) continue;
      sessions.delete(id);
      outbox.detach(id);
    }
  }

  /** Open another work in place. @param {{push?: boolean}} options  keep the way back */
  async function open(id, { push = true } = {}) {
    const started = performance.now();
    let session = sessions.get(id);
    if (session) outbox.look(session); // it was here before: somebody may have changed it since
    try {
      session ??= await sessionOf(id);
    } catch (error) {
      if (error instanceof SignedOut) return outbox.hurry();
      const words = error instanceof Refusal ? error.message : "The connection is gone: this one is not here yet.";
      return desk.toast(words, "error");
    }
    if (push) history.pushState({ work: id }, "", urlOf(id));
    document.title = `${session.data.job.title} · Sightline`;
    await desk.open(session, started);
    lookAhead(session);
  }

  /** The next few and the one before, with their pictures. */
  async function lookAhead({ data: here }) {
    desk.frames.ahead(here.preload ?? []);
    if (here.previous) {
      fetchAhead(here.previous).then((said) => said && desk.frames.ahead([said.frame_url.replace("{n}", "0")]));
    }
    let next = here.next;
    for (let i = 0; next && i < AHEAD; i += 1) next = (await fetchAhead(next))?.next;
  }
  const fetchAhead = async (id) => sessions.get(id)?.data ?? fetchData(id).catch(() => null);

  const beside = (direction) => desk.session.data[direction > 0 ? "next" : "previous"];

  function step(direction) {
    const id = beside(direction);
    if (id) return open(id);
    desk.say(direction > 0 ? "This is the last of your batch" : "This is the first of your batch");
  }

  /** The next one after this that is still to be done, if it is known here already. */
  async function nextOpen() {
    let id = desk.session.data.next;
    for (let i = 0; id && i < 5; i += 1) {
      if (!sessions.has(id) && !data.has(id)) return null;
      const said = await fetchAhead(id);
      if (!said || said.status === "claimed") return said ? id : null;
      id = said.next;
    }
    return null;
  }

  /** End this work and go on, without waiting where the next one is known. */
  async function end(url, body, status) {
    const { session } = desk;
    if (session.isReadOnly) return session.dispatchEvent(new Event("locked"));
    if (session.conflicts.size) return desk.toast("Choose first which changes to keep.");
    const next = await nextOpen();
    const answer = outbox.end(session, url, body);
    if (!next) return onwards(session, await answer, status);
    const before = session.data.status;
    if (before === "claimed") desk.advance += 1;
    session.data.status = status;
    answer.then((said) => {
      if (said?.refused) session.data.status = before;
    });
    return open(next);
  }

  async function onwards(session, answer, status) {
    if (!answer) return desk.toast("Kept. It is sent when the connection is back.");
    if (answer.refused) return;
    session.data.status = status;
    if (!answer.next) return location.assign(session.data.urls.job ?? "/labelling");
    return open(Number(answer.next.match(/(\d+)\/?$/)[1]));
  }

  function finish() {
    const { session } = desk;
    if (session.isEmpty && !session.nothing) {
      return desk.toast("Mark something first, or say that nothing is here.");
    }
    return end(session.data.urls.finish, {}, "done");
  }

  function nothing() {
    const { session } = desk;
    if (session.nothing) return session.setNothing(false);
    if (!session.isEmpty) {
      return desk.toast("Something is marked here. Delete it first.");
    }
    session.setNothing(true);
    if (session.nothing && session.data.mode !== "review") return finish();
  }

  /** The boxes of this picture in the next one as well. */
  async function copyOn(shapes) {
    const id = beside(1);
    if (!id) return desk.say("There is no next picture in your batch");
    if (!shapes.length) return desk.say("There is nothing to copy");
    await open(id);
    if (desk.session.data.id !== id) return;
    const wanted = Object.fromEntries(shapes.map((shape) => [desk.newId(), withoutRev(shape)]));
    desk.session.change(shapes.length === 1 ? "copied a box" : `copied ${shapes.length} boxes`, wanted);
    desk.session.select(Object.keys(wanted)[0]);
  }

  /** It is not what it was: it is asked for anew when it is opened again. */
  function forget(id) {
    sessions.delete(id);
    data.delete(id);
    outbox.detach(id);
  }

  addEventListener("popstate", () => {
    const id = Number(location.pathname.match(/(\d+)$/)?.[1]);
    if (id && id !== desk.session.data.id) open(id, { push: false });
  });
  const session = new Session(first, outbox);
  sessions.set(first.id, session);
  return { session, open, step, finish, nothing, end, copyOn, forget, lookAhead: () => lookAhead(session) };
}
