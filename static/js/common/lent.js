// Things that the server lends to this person to answer for: some ahead, so that the next is here
// before it is asked for, and none of them twice.
import { Unreachable } from "./post.js";

const FEW = 8; // fewer than that, and more are asked for

/**
 * @template {{id: number}} Item
 * @param {{ask: (have: number[]) => Promise<{items: object[], left: number, elsewhere: number}>,
 *   isPending: (id: number) => boolean, arrive?: (found: object) => Item,
 *   came?: () => void}} options  `ask` is told which wait here already; `isPending`: whether something
 *   of one is still on its way; `arrive` makes of what was lent what the page works with; `came` is
 *   called when there is more ahead
 */
export function createLent({ ask, isPending, arrive = (found) => found, came = () => {} }) {
  /** @type {Item[]} */
  const queue = [];
  const known = new Set(); // those that were here already, shown or not
  let asking = null;
  let standing = { left: 0, elsewhere: 0 };

  /** Ask for more; what was asked of this person already is not asked twice. */
  function more() {
    asking ??= fetchMore().finally(() => (asking = null));
    return asking;
  }
  async function fetchMore() {
    standing = await ask(queue.map(({ id }) => id));
    for (const found of standing.items) {
      if (known.has(found.id) || isPending(found.id)) continue;
      known.add(found.id);
      queue.push(arrive(found));
    }
    came();
  }

  return {
    get standing() {
      return standing;
    },
    /** Those that come next, in their order. */
    get ahead() {
      return queue;
    },
    /** The next one, or null where there is none for this person now. Throws what `ask` does. */
    async next() {
      if (!queue.length) await asking;
      if (!queue.length) await more(); // what was on its way named those that were here then
      else if (queue.length <= FEW) more().catch((error) => error instanceof Unreachable || console.warn(error));
      return queue.shift() ?? null;
    },
    /** These come next, the first of them first. */
    putBack(...items) {
      const ids = new Set(items.map(({ id }) => id));
      for (let i = queue.length - 1; i >= 0; i -= 1) if (ids.has(queue[i].id)) queue.splice(i, 1);
      queue.unshift(...items);
    },
    /** Should it be lent again, it is asked about again. */
    forget(id) {
      known.delete(id);
    },
  };
}
