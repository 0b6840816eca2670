// Answers and decisions on their way: none is lost with the connection, none is sent out of order.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Outbox } from "../../static/js/common/outbox.js";
import { Refusal, Unreachable } from "../../static/js/common/post.js";

/** A server that takes answers while `isThere`. */
function server() {
  const made = { isThere: true, taken: [], kept: [] };
  made.store = { load: () => [], keep: (entries) => (made.kept = entries.map(({ id }) => id)) };
  made.send = async ({ id, answer }) => {
    if (!made.isThere) throw new Unreachable("");
    if (id === 13) throw new Refusal(409, "Ana answered for this frame already.");
    made.taken.push([id, answer]);
    return {};
  };
  return made;
}
const entry = (id, answer) => ({ id, label: 1, answer, seconds: 1 });

test("what is answered without a connection is kept and sent in order when it is back", async () => {
  const there = server();
  there.isThere = false;
  const outbox = new Outbox(there.send, there.store);
  outbox.add(entry(1, "there"));
  outbox.add(entry(2, "not_there"));
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual([outbox.state, there.kept], ["offline", [1, 2]]);
  there.isThere = true;
  outbox.hurry();
  await outbox.empty();
  assert.deepEqual(there.taken, [[1, "there"], [2, "not_there"]]);
  assert.deepEqual([outbox.state, there.kept], ["sent", []]);
});

test("what is taken back before anybody saw it is not sent; afterwards that is sent too", async () => {
  const there = server();
  const outbox = new Outbox(there.send, there.store);
  outbox.add(entry(1, "there")); // is on its way at once
  outbox.add(entry(2, "there"));
  outbox.takeBack(entry(2, ""));
  outbox.takeBack(entry(1, ""));
  await outbox.empty();
  assert.deepEqual(there.taken, [[1, "there"], [1, ""]]);
});

test("an answer that is refused is told and bars no other", async () => {
  const there = server();
  const outbox = new Outbox(there.send, there.store);
  const said = [];
  outbox.addEventListener("refused", ({ detail }) => said.push(detail.sentence));
  outbox.add(entry(13, "there"));
  outbox.add(entry(2, "there"));
  await outbox.empty();
  assert.deepEqual(said, ["Ana answered for this frame already."]);
  assert.deepEqual(there.taken, [[2, "there"]]);
});

test("what is taken back while its answer is lost is taken back at the server too", async () => {
  const there = server();
  const { send } = there;
  there.send = async (one) => {
    await send(one);
    if (there.taken.length === 1) throw new Unreachable("the answer is lost");
    return {};
  };
  const outbox = new Outbox(there.send, there.store);
  outbox.add(entry(1, "there"));
  await new Promise((resolve) => setTimeout(resolve));
  outbox.takeBack(entry(1, ""));
  await outbox.empty();
  assert.deepEqual(there.taken, [[1, "there"], [1, "there"], [1, ""]]);
});
