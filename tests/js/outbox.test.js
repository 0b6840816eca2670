// No label is lost, whatever the connection, the server or another person does.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { comeOnline, newTab, until, visit } from "./browser.js";
import { openServer } from "./labelling-server.js";
import { Outbox } from "../../static/js/labelling/outbox.js";
import { Session } from "../../static/js/labelling/session.js";

const box = (x) => ({ label: 1, box: [x, 0, 1, 1] });
let server;
let disk; // what a browser keeps when its tab is closed

before(async () => {
  server = await openServer();
  visit(server.origin);
});
after(() => server.close());
beforeEach(() => {
  server.shapes.clear();
  server.taken.clear();
  Object.assign(server, { version: 0, trouble: null, refuses: () => null, finished: 0, requests: 0, delay: 0 });
  disk = new Map();
});

const store = () => ({
  isLasting: true,
  all: async () => [...disk.values()].map((record) => structuredClone(record)),
  put: async (record) => void disk.set(record.key, structuredClone(record)),
  remove: async (key) => void disk.delete(key),
});

/** A tab that opens the work as the server has it. */
async function open() {
  newTab();
  const outbox = new Outbox(store());
  await outbox.load();
  const document = { shapes: Object.fromEntries(server.shapes) };
  const data = { id: 1, version: server.version, urls: { operations: "/operations" }, times: [0], document };
  return { outbox, session: new Session(data, outbox) };
}

const held = () => Object.fromEntries([...server.shapes].map(([id, shape]) => [id, shape.box[0]]));
const saved = (outbox) => until(() => outbox.state === "saved" && outbox.count === 0);

test("what is drawn is at the server, and nothing of it is kept here", async () => {
  const { outbox, session } = await open();
  session.change("drew", { a: box(0.1), b: box(0.2) });
  await saved(outbox);
  assert.deepEqual(held(), { a: 0.1, b: 0.2 });
  assert.equal(disk.size, 0);
});

test("an answer that got lost is asked for again, and nothing is done twice", async () => {
  const { outbox, session } = await open();
  server.trouble = "answer lost";
  session.change("drew", { a: box(0.1) });
  await until(() => outbox.state === "offline");
  assert.equal(outbox.count, 1);
  comeOnline();
  await saved(outbox);
  assert.deepEqual(held(), { a: 0.1 });
  assert.equal(server.version, 1);
});

test("drawn while there is no connection, it goes when there is", async () => {
  const { outbox, session } = await open();
  server.trouble = "down";
  for (let i = 0; i < 5; i += 1) session.change("drew", { [`s${i}`]: box(i / 10) });
  await until(() => outbox.state === "offline");
  assert.equal(outbox.count, 5);
  server.trouble = null;
  comeOnline();
  await saved(outbox);
  assert.equal(server.shapes.size, 5);
});

test("a closed tab leaves its changes to the next one", async () => {
  const first = await open();
  server.trouble = "down";
  first.session.change("drew", { a: box(0.1) });
  first.session.change("moved", { a: box(0.7) });
  await until(() => first.outbox.state === "offline");
  clearTimeout(first.outbox.timer); // and the tab is gone
  server.trouble = null;

  const { outbox, session } = await open();
  assert.equal(session.shapes.get("a").box[0], 0.7); // shown before it is sent
  await saved(outbox);
  assert.deepEqual(held(), { a: 0.7 });
});

test("moved many times while the first is on its way, the last place holds", async () => {
  const { outbox, session } = await open();
  for (let i = 1; i <= 20; i += 1) {
    session.change("moved", { a: box(i / 100) });
    if (i % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await saved(outbox);
  assert.deepEqual(held(), { a: 0.2 });
  assert.ok(server.version < 20); // what nobody has seen is not sent
});

test("moved again while its first place is on its way, it is not taken for sent", async () => {
  const { outbox, session } = await open();
  server.delay = 20;
  session.change("drew", { a: box(0.1) });
  await until(() => server.requests === 1);
  session.change("moved", { a: box(0.2) });
  await saved(outbox);
  assert.deepEqual(held(), { a: 0.2 });
});

test("undone before it was sent, it is gone at the server too", async () => {
  const { outbox, session } = await open();
  session.change("drew", { a: box(0.1) });
  session.undo();
  await saved(outbox);
  assert.deepEqual(held(), {});
  assert.equal(session.shapes.size, 0);
});

test("somebody else named the box that was moved here: both hold", async () => {
  server.shapes.set("a", { ...box(0.1), rev: 1 });
  const { outbox, session } = await open();
  server.shapes.set("a", { ...box(0.1), label: 2, rev: 2 });
  session.change("moved", { a: box(0.5) });
  await saved(outbox);
  const { rev: _, ...shape } = server.shapes.get("a");
  assert.deepEqual(shape, { ...box(0.5), label: 2 });
});

test("somebody else moved it too: it waits for the person, and each choice is kept", async () => {
  for (const [choice, expected] of [["mine", 0.5], ["theirs", 0.9]]) {
    server.shapes.set("a", { ...box(0.1), rev: 1 });
    const { outbox, session } = await open();
    server.shapes.set("a", { ...box(0.9), rev: 2 });
    session.change("moved", { a: box(0.5) });
    await until(() => outbox.state === "conflict");
    assert.equal(session.shapes.get("a").box[0], 0.5); // still there to be seen
    session.settle("a", choice);
    await saved(outbox);
    assert.deepEqual(held(), { a: expected });
  }
});

test("one that the server refuses takes nothing else with it", async () => {
  const { outbox, session } = await open();
  const said = [];
  outbox.addEventListener("refused", (event) => said.push(event.detail));
  server.refuses = (change) => (change.put === "b" ? "This label is gone." : null);
  session.change("drew", { a: box(0.1), b: box(0.2), c: box(0.3) });
  await saved(outbox);
  assert.deepEqual(held(), { a: 0.1, c: 0.3 });
  assert.deepEqual(said, ["This label is gone."]);
  assert.ok(!session.shapes.has("b"));
});

test("signed out, everything waits until somebody signs in", async () => {
  const { outbox, session } = await open();
  server.trouble = "signed out";
  session.change("drew", { a: box(0.1) });
  await until(() => outbox.state === "signed-out");
  assert.equal(outbox.count, 1);
  server.trouble = null;
  outbox.hurry();
  await saved(outbox);
  assert.deepEqual(held(), { a: 0.1 });
});

test("a work is finished only when all its changes are there", async () => {
  const { outbox, session } = await open();
  session.change("drew", { a: box(0.1) });
  server.trouble = "down";
  assert.equal(await outbox.end(session, "/finish", {}), null); // kept for later
  assert.equal(server.finished, 0);
  server.trouble = null;
  comeOnline();
  await saved(outbox);
  assert.equal(server.finished, 1);
  assert.deepEqual(held(), { a: 0.1 });
});

test("a work is not finished while a person must still choose", async () => {
  server.shapes.set("a", { ...box(0.1), rev: 1 });
  const { outbox, session } = await open();
  server.shapes.set("a", { ...box(0.9), rev: 2 });
  session.change("moved", { a: box(0.5) });
  await until(() => outbox.state === "conflict");
  const ended = outbox.end(session, "/finish", {});
  await outbox.flush();
  assert.equal(server.finished, 0);
  session.settle("a", "mine");
  assert.deepEqual(await ended, { next: null });
  assert.deepEqual(held(), { a: 0.5 });
});

test("more changes than one request holds all arrive", async () => {
  const { outbox, session } = await open();
  session.change("drew", Object.fromEntries([...Array(450).keys()].map((i) => [`s${i}`, box(0.1)])));
  await saved(outbox);
  assert.equal(server.shapes.size, 450);
});
