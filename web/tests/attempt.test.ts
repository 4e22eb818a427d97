// What a try keeps of what is seen: frames with one face alone, and when a second one was in view.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { FrameAnswer } from "../src/engine/messages.ts";
import { Attempt } from "../src/taking/attempt.ts";

const BOX = { left: 9, top: 9, width: 99, height: 99 };
const CROPS = { box: BOX, face: new Uint8Array([1]), thumbnail: new Uint8Array() };
const ALONE = {
  kind: "frame",
  seen: { pictureWidth: 640, pictureHeight: 480, faces: 1, box: BOX, pose: null, luminance: 0.5, overexposed: 0 },
  accompanied: false,
  measures: null,
  crops: CROPS,
} as unknown as FrameAnswer;
const TWO: FrameAnswer = { ...ALONE, accompanied: true, crops: null };

test("times of a second face are told from the first frame on, and nothing is kept of it", () => {
  const step = { index: 0, kind: "look", seconds: 12, colours: [] } as const;
  const silent = { asked: () => {}, standing: () => {}, late: () => {}, finished: () => {}, failed: () => {} };
  const attempt = new Attempt(
    { try: 1, nonce: "00".repeat(16), step },
    () => Promise.resolve(null),
    silent,
    () => 0,
  );
  const seen = [TWO, ALONE, TWO, TWO, ALONE, TWO];
  for (const [place, answer] of seen.entries()) attempt.saw(answer, 5000 + 100 * place);
  assert.deepEqual(attempt.secondFaces, [100, 200, 400]);
  for (let place = 0; place < 300; place++) attempt.saw(TWO, 6000 + place);
  assert.equal(attempt.secondFaces.length, 240);
});
