// What reviewers are offered, what is left of a picture, and what is said of a curve.

import assert from "node:assert/strict";
import { test } from "node:test";
import { codesOf, decisionsOf, needsALook, viewReasons } from "../src/review/deciding.ts";
import { paths, spanOf } from "../src/review/spans.ts";
import { clip } from "../src/sealing/masking.ts";

const probe = { index: 0, role: "probe" } as const;
const reference = { index: 1, role: "reference" } as const;

test("a decision fits the question, and whether two are the same takes both", () => {
  assert.deepEqual(decisionsOf({ kind: "presentation", pictures: [probe] }), ["bona-fide", "attack", "unusable"]);
  const both = { kind: "comparison", pictures: [probe, reference] } as const;
  assert.deepEqual(decisionsOf(both), ["same-person", "another-person", "unusable"]);
  assert.deepEqual(decisionsOf({ ...both, pictures: [probe] }), ["unusable"]);
  assert.deepEqual(decisionsOf({ ...both, pictures: [reference] }), ["unusable"]);
});

test("every decision has reasons of its own, and may have another", () => {
  for (const decision of ["bona-fide", "attack", "same-person", "another-person", "unusable"] as const)
    assert.equal(codesOf(decision).at(-1), "other");
  assert.ok(!codesOf("bona-fide").includes("screen"));
  const decisions = ["bona-fide", "attack", "same-person", "another-person", "unusable"] as const;
  assert.deepEqual(decisions.map(needsALook), [true, true, true, true, false]);
});

test("a face is shown for a reason that can be true", () => {
  const plain = { urgent: false, pictures: [probe], round: 1, concerns: [] };
  const votes = { votes: true, officer: false };
  assert.deepEqual(viewReasons(plain, votes), ["figures-undecided", "check-quality"]);
  const all = { urgent: true, pictures: [probe, reference], round: 2, concerns: ["harm"] } as const;
  assert.equal(viewReasons(all, votes).length, 6);
  assert.deepEqual(viewReasons(all, { votes: false, officer: true }), ["concern"]);
  assert.deepEqual(viewReasons(plain, { votes: false, officer: true }), []);
  assert.deepEqual(viewReasons(all, { votes: false, officer: false }), [], "nobody else");
});

/** A picture of so many columns, of `g` for grey, of `o` for what is not. */
function picture(rows: readonly string[]): Uint8ClampedArray {
  const colours = { g: [128, 128, 128, 255], o: [128, 129, 128, 255] };
  return Uint8ClampedArray.from(
    rows
      .join("")
      .split("")
      .flatMap((one) => colours[one as "g" | "o"]),
  );
}

function alpha(rows: readonly string[]): string[] {
  const [pixels, width] = [picture(rows), rows[0]?.length ?? 0];
  clip(pixels, width, rows.length);
  return rows.map((row, y) => [...row].map((_, x) => (pixels[4 * (y * width + x) + 3] === 0 ? "." : "#")).join(""));
}

test("grey goes that is joined to the border, and no other", () => {
  assert.deepEqual(alpha(["ggggg", "gooog", "gogog", "gooog", "ggggg"]), [".....", ".###.", ".###.", ".###.", "....."]);
  assert.deepEqual(alpha(["ggg", "ggg"]), ["...", "..."]);
  assert.deepEqual(alpha(["ooo", "ogo", "ooo"]), ["###", "###", "###"]);
  assert.deepEqual(alpha(["ogo", "ogo", "ooo"]), ["#.#", "#.#", "###"], "a way in from one side");
  assert.deepEqual(alpha(["ogo", "gog", "ogo"]), ["#.#", ".#.", "#.#"]);
});

test("nothing is left of what goes", () => {
  const pixels = picture(["gg", "go"]);
  clip(pixels, 2, 2);
  assert.deepEqual([...pixels], [...new Array(12).fill(0), 128, 129, 128, 255]);
});

test("a curve is told by its least, most and mean", () => {
  assert.deepEqual(spanOf([1, null, 3, 2]), { least: 1, most: 3, mean: 2 });
  assert.equal(spanOf([null, null]), null);
  assert.equal(spanOf([]), null);
});

test("a curve breaks where values are missing", () => {
  assert.deepEqual(paths([[0, 1], [2, 3], null, null, [4, 5]]), ["M0.0 1.0L2.0 3.0", "M4.0 5.0"]);
  assert.deepEqual(paths([null]), []);
});
