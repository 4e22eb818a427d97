// How it goes on with a review about oneself, in every state that there is.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { aboutSight, maySay, nextOf, unseenBecause } from "../src/me/next.ts";
import type { OwnReview } from "../src/me/server.ts";

const review: OwnReview = {
  id: "0".repeat(32),
  kind: "presentation",
  reasons: ["inconclusive"],
  state: "open",
  created: "2026-11-27T10:00:00Z",
  deadline: "2026-11-30T10:00:00Z",
  decision: null,
  decided: null,
  views: [],
  statement: "",
  appeal: "",
  against: false,
  may_appeal: false,
  measured: false,
  pictures: [{ index: 0, role: "probe" }],
};
const decided = { ...review, state: "decided", decided: "2026-11-28T10:00:00Z" } as const;
const texts = JSON.parse(readFileSync(new URL("../../src/languages/me/en.json", import.meta.url), "utf8")) as object;

test("what happens next is told of every state", () => {
  assert.equal(nextOf(review), "reviews.next.open");
  assert.equal(nextOf({ ...review, appeal: "No." }), "reviews.next.appealed");
  for (const state of ["expired", "withdrawn"] as const)
    assert.equal(nextOf({ ...review, state }), `reviews.next.${state}`);
  for (const decision of ["bona-fide", "same-person"])
    assert.equal(nextOf({ ...decided, decision }), "reviews.next.passed");
  // "same-person" too: a hit of a search is against the person.
  for (const decision of ["attack", "another-person", "unusable", "same-person"]) {
    const against = { ...decided, decision, against: true };
    assert.equal(nextOf({ ...against, may_appeal: true }), "reviews.next.may-appeal");
    assert.equal(nextOf(against), "reviews.next.nobody");
    assert.equal(nextOf({ ...against, pictures: [] }), "reviews.next.late");
    assert.equal(nextOf({ ...against, appeal: "No." }), "reviews.next.final");
  }
});

test("of what only measured reviewers it is said that it says nothing of the person", () => {
  for (const decision of ["attack", "bona-fide", "unusable"])
    assert.equal(nextOf({ ...decided, decision, measured: true }), "reviews.next.measured");
  for (const state of ["expired", "withdrawn"] as const)
    assert.equal(nextOf({ ...review, state, measured: true }), "reviews.next.measured");
  assert.ok("reviews.next.measured" in texts);
});

test("the pictures can be seen where there are any, and a key", () => {
  assert.equal(unseenBecause(review, true), null);
  assert.equal(unseenBecause(review, false), "reviews.sight.no-key");
  for (const key of [true, false]) {
    assert.equal(unseenBecause({ ...review, pictures: [] }, key), "reviews.sight.none");
    assert.equal(unseenBecause({ ...decided, pictures: [] }, key), "reviews.sight.destroyed");
  }
});

test("of a picture to compare with it is said beforehand that it may be for reviewers alone", () => {
  assert.equal(aboutSight(review), "reviews.sight.text");
  const compared = { ...review, pictures: [...review.pictures, { index: 1, role: "reference" }] } as const;
  assert.equal(aboutSight(compared), "reviews.sight.compared");
  assert.ok("reviews.sight.compared" in texts);
});

test("something is said once, and before it is decided", () => {
  assert.equal(maySay(review), true);
  assert.equal(maySay({ ...review, statement: "It is me." }), false);
  assert.equal(maySay({ ...decided, decision: "attack" }), false);
});

test("every word that the service may send has a text", () => {
  const source = readFileSync(new URL("../../../src/facekeep/domain/review.py", import.meta.url), "utf8");
  const words = (name: string) => {
    const body = source.split(`class ${name}(StrEnum):`)[1]?.split(/\n(?:class|@|[A-Z_]+:)/)[0] ?? "";
    return [...body.matchAll(/^ {4}[A-Z_]+ = "([a-z-]+)"/gm)].map(([, word]) => word);
  };
  const groups = {
    reason: "ReviewReason",
    why: "ViewReason",
    outcome: "Decision",
    question: "ReviewKind",
    state: "ReviewState",
  };
  for (const [group, name] of Object.entries(groups)) {
    assert.ok(words(name).length > 1, name);
    for (const word of words(name)) assert.ok(`reviews.${group}.${word}` in texts, `reviews.${group}.${word}`);
  }
});
