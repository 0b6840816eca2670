// A file on its way to the server: whole in the end, whatever happens between.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, beforeEach, test } from "node:test";
import { comeOnline, newTab, until, visit } from "./browser.js";
import { Refused, Upload } from "../../static/js/tus.js";

const SIZE = 20 * 2 ** 20; // three parts
const place = { uploads: "/uploads", token: "t", workspace: 1 };
let server;
let site;

before(async () => {
  server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    answer(request, Buffer.concat(parts), (status, headers = {}, body = "") => {
      response.writeHead(status, { connection: "close", ...headers });
      response.end(body);
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  visit(`http://127.0.0.1:${server.address().port}`);
});
after(() => server.close());
beforeEach(() => {
  newTab();
  localStorage.clear();
  site = { files: [], asked: [], lost: 0, refusal: null };
});

/** The site's side of the protocol; `lost` answers never arrive, though the part did. */
function answer({ method, url, headers, socket }, body, say) {
  site.asked.push(method);
  if (site.refusal) return say(...site.refusal);
  if (method === "POST") {
    site.files.push(Buffer.alloc(0));
    return say(201, { location: `/uploads/${site.files.length - 1}` });
  }
  const number = Number(url.split("/").pop());
  const file = site.files[number];
  if (file === undefined) return say(404);
  if (method === "HEAD") return say(200, { "upload-offset": file.length });
  if (Number(headers["upload-offset"]) !== file.length) return say(409);
  site.files[number] = Buffer.concat([file, body]);
  if (site.lost && method === "PATCH") {
    site.lost -= 1;
    return socket.destroy();
  }
  const { length } = site.files[number];
  return say(204, { "upload-offset": length, ...(length === SIZE ? { "sightline-asset": "7" } : {}) });
}

const bytes = Buffer.alloc(SIZE, "sightline");
const file = () => Object.assign(new Blob([bytes]), { name: "clip.mp4", lastModified: 5 });
const quiet = { progress() {}, waiting() {} };

test("it arrives whole, and is forgotten here", async () => {
  const done = await new Upload(file(), place, quiet).run();
  assert.equal(done.asset, "7");
  assert.ok(site.files[0].equals(bytes));
  assert.equal(Object.keys(localStorage).length, 0);
});

test("an answer that got lost is asked for, and no part is sent twice", async () => {
  site.lost = 2;
  const waits = [];
  const upload = new Upload(file(), place, { ...quiet, waiting: (s) => (waits.push(s), setTimeout(comeOnline, 5)) });
  assert.equal((await upload.run()).asset, "7");
  assert.ok(site.files[0].equals(bytes));
  assert.equal(site.files.length, 1);
  assert.equal(waits.length, 2);
});

test("chosen again after the tab was closed, it goes on where it stopped", async () => {
  const first = new Upload(file(), place, { ...quiet, progress: (sent) => sent && first.pause() });
  assert.equal(await first.run(), null);
  assert.ok(site.files[0].length < SIZE);
  const kept = site.files[0].length;
  newTab();

  const sent = [];
  await new Upload(file(), place, { ...quiet, progress: (n) => sent.push(n) }).run();
  assert.equal(sent[0], kept);
  assert.equal(site.files.length, 1);
  assert.ok(site.files[0].equals(bytes));
});

test("an upload that the server forgot begins anew", async () => {
  localStorage.setItem("sightline.upload:1:clip.mp4:20971520:5", "/uploads/99");
  await new Upload(file(), place, quiet).run();
  assert.ok(site.files[0].equals(bytes));
});

test("a refusal is the server's own sentence, and is not tried again", async () => {
  site.refusal = [413, { "content-type": "application/problem+json" }, JSON.stringify({ detail: "Too large." })];
  await assert.rejects(new Upload(file(), place, quiet).run(), (error) => error instanceof Refused && error.message === "Too large." && !error.canResume);
  assert.deepEqual(site.asked, ["POST"]);
});

test("a full disk keeps what arrived", async () => {
  site.refusal = [507, {}, JSON.stringify({ detail: "The disk is full." })];
  await assert.rejects(new Upload(file(), place, quiet).run(), (error) => error.canResume);
});

test("cancelled, it is taken away at the server and here", async () => {
  const upload = new Upload(file(), place, { ...quiet, progress: (sent) => sent && upload.cancel() });
  assert.equal(await upload.run(), null);
  await until(() => site.asked.includes("DELETE"));
  assert.equal(Object.keys(localStorage).length, 0);
});
