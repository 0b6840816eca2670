// Pictures that are fetched ahead are fetched once, whatever is opened meanwhile.
import "./browser.js";
import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.matchMedia = () => ({ matches: false });
globalThis.createImageBitmap = async (blob) => ({ of: blob, close() {} });
const { Frames } = await import("../../static/js/labelling/frames.js");

test("what waits to be fetched and is asked for again as another opens is fetched once", async () => {
  const asked = [];
  const waiting = new Map();
  const frames = new Frames((url) => {
    asked.push(url);
    return new Promise((resolve) => waiting.set(url, resolve));
  });
  const turn = () => new Promise((resolve) => setTimeout(resolve));
  const ahead = ["b", "c", "d", "e", "f"];
  frames.picture("a");
  frames.ahead(ahead); // four are under way; e and f wait
  frames.around(() => "b", 0, 1, 1); // b opens: what waits is given up …
  frames.ahead(ahead.slice(1)); // … and wanted again at once
  await turn();
  for (const url of ["a", ...ahead]) {
    waiting.get(url)(url);
    await turn();
  }
  assert.deepEqual((await Promise.all(ahead.map((url) => frames.picture(url)))).map((picture) => picture.of), ahead);
  assert.deepEqual(asked.sort(), ["a", ...ahead]);
});
