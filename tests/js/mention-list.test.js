import assert from "node:assert/strict";
import test from "node:test";
import "./browser.js";

const { begunName, peopleLike } = await import("../../static/js/timeline/mention-list.js");

const PEOPLE = [
  { name: "Vera Virtanen", email: "vera@example.org" },
  { name: "Ana Élan", email: "boss@example.org" },
  { name: "Oliver", email: "ver@example.org" },
];
const names = (begun) => peopleLike(PEOPLE, begun).map(({ name }) => name);

test("a name is begun by an @ that is no part of a word or address", () => {
  assert.equal(begunName("look @ve", 8), "ve");
  assert.equal(begunName("@", 1), "");
  assert.equal(begunName("@Vera Vi", 8), "Vera Vi");
  assert.equal(begunName("mail@ve", 7), null);
  assert.equal(begunName("look @ve and", 5), null);
});

test("names come before addresses, and accents and case do not matter", () => {
  assert.deepEqual(names("ver"), ["Vera Virtanen", "Oliver"]);
  assert.deepEqual(names("VIRT"), ["Vera Virtanen"]);
  assert.deepEqual(names("elan"), ["Ana Élan"]);
  assert.deepEqual(names("zz"), []);
});
