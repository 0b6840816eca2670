// The items of this person: those that come next, those that were settled along with others, and how
// many wait.
import { createLent } from "../common/lent.js";
import { sessionOf } from "./decision.js";
import { askForNext } from "./sending.js";
import { SaidTracks } from "./tracks.js";

/**
 * @typedef {object} Work  an item before this person, with what they changed of it
 * @property {number} id
 * @property {object} lent  the item as the server lent it
 * @property {object} item  the same with what was said since of its tracks
 * @property {{name: string, labels: object[]}} project
 * @property {import("../labelling/session.js").Session} session
 * @property {boolean} hasTracks
 * @property {"track"|"frame"} scope
 * @property {number|null} chosen  of a mention: the brand that it is, where the person says so
 * @property {string|null} text  of a sentence: as the person writes it
 * @property {number|null} other  whose boxes are shown over the picture
 * @property {number} opened  when it came; 0 while it has not
 * @property {number} since  when its picture came into sight; 0 while it has not
 */

const MOVES = { decide: -1, skip: 0, undo: 1 }; // of how many wait, by what is said

/**
 * @param {{urls: Record<string, string>, outbox: import("../common/outbox.js").Outbox,
 *   lies: (url: string, link: string|null) => void, came?: () => void}} options  `lies`: where a
 *   picture lies already; `came`: there is more ahead
 */
export function createWorks({ urls, outbox, lies, came }) {
  const projects = new Map();
  const said = new SaidTracks();
  const ended = new Map(); // item → the one whose decision ended it too, as the server says
  const along = new Map(); // item → the one with which this person decided it, until the server says
  let passed = []; // works that are not shown, for what was said of their tracks elsewhere
  let left = 0;
  const lent = createLent({ ask, isPending: (id) => outbox.has(id), arrive, came });

  async function ask(have) {
    const found = await askForNext(urls, projects, have);
    left = found.left;
    return found;
  }

  /** @returns {Work} */
  function arrive(item) {
    lies(item.picture_url, item.picture);
    const hasTracks = item.asset.kind === "video" && item.boxes.some(({ track }) => track);
    const project = projects.get(item.project) ?? { name: "", labels: [] };
    const session = sessionOf(item, project.labels);
    return { id: item.id, lent: item, item, project, session, hasTracks, scope: "frame", other: null, chosen: null, text: null, opened: 0, since: 0 };
  }

  const isTold = () => !outbox.entries.some(({ did }) => did === "decide");

  /** Whether its tracks were said of already. Where the server heard that and did not end it, it is asked about. */
  const isOver = ({ id, lent: item, opened }) => !opened && (along.has(id) || (isTold() ? ended.has(id) : said.isSettled(item)));

  /** What was said of its tracks since it was lent; what the person changed of it already stays. */
  function refresh(work) {
    const item = said.applied(work.lent);
    if (item === work.item || work.session.done.length) return;
    Object.assign(work, { item, session: sessionOf(item, work.project.labels) });
  }

  function forget(id, ...maps) {
    for (const map of maps) for (const [other, by] of map) if (by === id) map.delete(other);
  }

  /** Nothing was said of its tracks after all: what was passed by for that is asked about. */
  function unsay(id) {
    said.takeBack(id);
    forget(id, ended, along);
    const open = passed.filter((one) => !ended.has(one.id) && !along.has(one.id) && !said.isSettled(one.lent));
    passed = passed.filter((one) => !open.includes(one));
    return open;
  }

  outbox.addEventListener("answered", ({ detail: { entry, answer } }) => {
    left = answer.left;
    if (entry.did === "decide") forget(entry.id, along);
    if (entry.did === "undo") forget(entry.id, ended); // the decision was still on its way when it was taken back
    for (const id of answer.along ?? []) ended.set(id, entry.id);
    if (!isTold()) return;
    // What the server did not end of those that were passed by, it asks about again.
    for (const { id } of passed) if (!ended.has(id)) lent.forget(id);
    passed = passed.filter(({ id }) => ended.has(id));
  });
  outbox.addEventListener("refused", ({ detail: { entry } }) => {
    lent.forget(entry.id);
    lent.putBack(...unsay(entry.id));
  });

  return {
    /** How many wait, as it will be once everything is said; `elsewhere`: those that others have. */
    get left() {
      return Math.max(outbox.entries.reduce((sum, { did }) => sum + MOVES[did], left), 0);
    },
    get elsewhere() {
      return lent.standing.elsewhere;
    },
    /** The pictures that come next, in their order. */
    get ahead() {
      return lent.ahead.map(({ item }) => item.picture_url);
    },
    /** The next one of which something is still to be said, or null. @returns {Promise<Work|null>} */
    async next() {
      let work = await lent.next();
      while (work && isOver(work)) {
        passed.push(work);
        work = await lent.next();
      }
      if (work) refresh(work);
      return work;
    },
    /** What was lent and is not here is asked about: what was skipped, or taken back in another window. */
    askAgain() {
      for (const { id } of lent.standing.items) lent.forget(id);
    },
    putBack: lent.putBack,
    /** These were decided with it, and are not asked about meanwhile. @param {number[]} others */
    take({ id }, others) {
      for (const other of others) along.set(other, id);
    },
    /** What was decided of whole tracks holds in all frames of them … @param {Work} work */
    say({ item, scope }, boxes) {
      if (scope === "track") said.add(item, boxes);
    },
    /** … until it is taken back: this one comes next, then `now`, then those that are open again. */
    takeBack(work, now) {
      lent.putBack(work, ...(now ? [now] : []), ...unsay(work.id));
    },
  };
}
