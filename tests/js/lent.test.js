// What is lent to a person comes once and in order, whatever is asked, taken back or said meanwhile.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createLent } from "../../static/js/common/lent.js";

/** A server that lends the first `n` of what waits. */
function server(waiting, n = 11) {
  const made = { waiting, pending: new Set() };
  const ask = async () => ({ items: made.waiting.slice(0, n).map((id) => ({ id })), left: made.waiting.length, elsewhere: 0 });
  made.lent = createLent({ ask, isPending: (id) => made.pending.has(id) });
  made.next = async () => (await made.lent.next())?.id ?? null;
  return made;
}

test("what is asked again while it is here is not shown twice", async () => {
  const { next } = server([1, 2, 3]);
  assert.deepEqual([await next(), await next(), await next(), await next()], [1, 2, 3, null]);
});

test("what was said but is still on its way is not asked about", async () => {
  const there = server([1, 2]);
  there.pending.add(1);
  assert.equal(await there.next(), 2);
});

test("what is put back comes next, and once", async () => {
  const { lent, next } = server([1, 2, 3]);
  const one = await lent.next();
  const two = await lent.next();
  lent.putBack(one, two);
  lent.putBack(one);
  assert.deepEqual([await next(), await next(), await next(), await next()], [1, 2, 3, null]);
});

test("what was skipped comes again when the others are done", async () => {
  const there = server([1, 2]);
  assert.equal(await there.next(), 1);
  there.waiting = [2, 1];
  there.lent.forget(1);
  assert.deepEqual([await there.next(), await there.next()], [2, 1]);
});

test("who shows what comes next hears that there is more", async () => {
  const heard = [];
  const lent = createLent({
    ask: async (have) => ({ items: have.length ? [{ id: 3 }] : [{ id: 1 }, { id: 2 }], left: 3, elsewhere: 0 }),
    isPending: () => false,
    came: () => heard.push(lent.ahead.length),
  });
  await lent.next();
  await lent.next();
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(heard, [2, 1]);
});
