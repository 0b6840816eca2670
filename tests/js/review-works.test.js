// What is asked of a reviewer, against a server that ends with a decision what waits for the same track.
import { until, visit } from "./browser.js";
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, beforeEach, test } from "node:test";
import { Outbox } from "../../static/js/common/outbox.js";
import { boxesOf } from "../../static/js/reviewing/decision.js";
import { sender } from "../../static/js/reviewing/sending.js";
import { createWorks } from "../../static/js/reviewing/works.js";

const KESTREL = 1;
const [A, B, C] = [[1, 5], [7, 9], [11, 14]].map(([start_s, end_s]) => ({ start_s, end_s, n_frames: 9 }));
const urls = { next: "/next", decide: "/items/0/decide", undo: "/items/0/undo", skip: "/items/0/skip" };
const box = (track) => ({ id: "b0", label: KESTREL, box: [0, 0, 1, 1], confidence: 0.4, is_weak: true, is_matched: true, track });
const item = ([id, track]) => ({
  id, project: 1, asset: { kind: "video" }, picture: null, picture_url: `/runs/1/picture?t=${id}`, width: 16, height: 9,
  boxes: [box(track)], because: [], others: [],
});

let frames; // item → its track
let done; // item → the one whose decision ended it
let isSlow; // the server ends nothing else: a second opinion is asked for
let server;

function answer(url) {
  const [, id, verb] = url.match(/^\/items\/(\d+)\/(\w+)/)?.map((part, i) => (i === 1 ? Number(part) : part)) ?? [];
  const along = [...frames].filter(([other, track]) => other !== id && track === frames.get(id) && !done.has(other)).map(([other]) => other);
  if (verb === "decide") for (const one of isSlow ? [id] : [id, ...along]) done.set(one, id);
  if (verb === "undo") for (const [one, by] of done) if (by === id) done.delete(one);
  const open = [...frames].filter(([one]) => !done.has(one));
  if (verb) return { id, left: open.length, along: verb === "decide" && !isSlow ? along : [] };
  return { items: open.map(item), projects: { 1: { name: "Cup", labels: [] } }, left: open.length, elsewhere: 0 };
}

before(async () => {
  server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { "content-type": "application/json", connection: "close" });
    response.end(JSON.stringify(answer(request.url)));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  visit(`http://127.0.0.1:${server.address().port}`);
});
after(() => server.close());
beforeEach(() => {
  frames = new Map([[1, A], [2, A], [3, B], [4, A], [5, C]]);
  done = new Map();
  isSlow = false;
});

function open() {
  const outbox = new Outbox(sender(urls), { load: () => [], keep() {} });
  const works = createWorks({ urls, outbox, lies() {} });
  const decide = (work) => {
    outbox.add({ id: work.id, did: "decide", said: {} });
    works.say({ item: work.item, scope: "track" }, boxesOf(work.session));
  };
  const undo = (work, now) => {
    outbox.takeBack({ id: work.id, did: "undo" });
    works.takeBack(work, now);
  };
  const next = async () => {
    const work = await works.next();
    if (work) work.opened = 1;
    return work;
  };
  return { outbox, works, decide, undo, next };
}

test("of a track that was decided no other frame is shown, before the server says so and after", async () => {
  const { outbox, works, decide, next } = open();
  decide(await next());
  const now = await next(); // at once: the answer is not here
  assert.equal(now.id, 3);
  await outbox.empty();
  assert.equal(works.left, 2);
  decide(now);
  assert.equal((await next()).id, 5);
  await outbox.empty();
  assert.equal(await next(), null);
});

test("taken back, the item comes again, then the one that was before the person, then what had ended with it", async () => {
  const { outbox, decide, undo, next } = open();
  const first = await next();
  decide(first);
  const now = await next();
  await outbox.empty();
  undo(first, now);
  const order = [(await next()).id, (await next()).id, (await next()).id];
  await outbox.empty();
  assert.deepEqual(order, [1, 3, 2]);
  assert.equal((await next()).id, 4);
});

test("what is decided along is not asked about while the server has not heard it, and is when taken back", async () => {
  const { outbox, works, decide, undo, next } = open();
  const first = await next();
  decide(first);
  works.take(first, [3]);
  const now = await next(); // at once: 2 and 4 are of its track, 3 looks like it
  assert.equal(now.id, 5);
  undo(first, now);
  const order = [(await next()).id, (await next()).id];
  await outbox.empty();
  assert.deepEqual(order, [1, 5]);
  assert.deepEqual([(await next()).id, (await next()).id].sort(), [2, 3]);
});

test("what the server goes on asking about, for a second opinion, is shown in the end", async () => {
  isSlow = true;
  const { outbox, works, decide, next } = open();
  const seen = [];
  for (let work = await next(); work; work = await next()) {
    seen.push(work.id);
    decide(work);
  }
  await until(() => !outbox.count);
  works.askAgain();
  for (let work = await next(); work; work = await next()) {
    seen.push(work.id);
    decide(work);
    await outbox.empty();
  }
  assert.deepEqual(seen.sort(), [1, 2, 3, 4, 5]);
  assert.equal(works.left, 0);
});

test("what was skipped comes again when the others are done", async () => {
  frames = new Map([[1, A], [2, B], [3, C]]);
  const { outbox, works, decide, next } = open();
  const first = await next();
  outbox.add({ id: first.id, did: "skip" });
  await outbox.empty();
  const order = [];
  for (let work = await next(); work; work = await next()) {
    order.push(work.id);
    decide(work);
    await outbox.empty();
  }
  assert.deepEqual(order, [2, 3]);
  works.askAgain();
  assert.equal((await next()).id, 1);
});
