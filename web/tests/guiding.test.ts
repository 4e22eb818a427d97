// Measures, guidance, steps and pacing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { accompanied, admissible, counted, facesOf } from "../src/engine/faces.ts";
import { type Point, placed } from "../src/frames/geometry.ts";
import { groups } from "../src/guiding/amount.ts";
import { Guide, judge, type Seen } from "../src/guiding/guidance.ts";
import { faceWidthOf, type Measures, mouthWidthOf, openness, poseOf, tiltOf } from "../src/guiding/measures.ts";
import { Pacer } from "../src/guiding/pacing.ts";
import { baselineOf, type Standing, type Step, type StepKind, Watcher } from "../src/guiding/steps.ts";

/** 68 points of which those that count are set: eyes one apart, nose tip and mouth where they are asked to be. */
function face(noseAcross: number, noseDown: number, mouth = 0.9): Point[] {
  const points: Point[] = Array.from({ length: 68 }, () => ({ x: 0, y: 0 }));
  for (let index = 36; index < 42; index++) points[index] = { x: -0.5, y: 0 };
  for (let index = 42; index < 48; index++) points[index] = { x: 0.5, y: 0 };
  points[30] = { x: noseAcross, y: noseDown };
  points[48] = { x: -mouth / 2, y: 1.1 };
  points[54] = { x: mouth / 2, y: 1.1 };
  return points;
}

test("pose has the signs and slopes of the server's quality", () => {
  const straight = poseOf(face(0, 0.486));
  assert.ok(Math.abs(straight.yaw) < 1e-9 && Math.abs(straight.pitch) < 1e-9);
  const left = poseOf(face(0.3, 0.486));
  assert.ok(
    Math.abs(left.yaw - (Math.atan(1.47 * 0.3) * 180) / Math.PI) < 1e-9,
    "to the right as seen is one's own left",
  );
  assert.ok(poseOf(face(0, 0.8)).pitch > 15);
  assert.ok(Math.abs(mouthWidthOf(face(0, 0.5, 0.8)) - 0.8) < 1e-9);
});

test("the width of a face is told by its eyes, and a turn does not make it narrower", () => {
  const turned = face(0.3, 0.5).map(({ x, y }) => ({ x: x * Math.cos(0.5), y }));
  assert.ok(Math.abs(faceWidthOf(turned, (0.5 * 180) / Math.PI) - faceWidthOf(face(0, 0.5), 0)) < 1e-9);
});

test("tilt is found, and placing points turns them", () => {
  const region = { centre: { x: 10, y: 20 }, width: 2, height: 2, angle: 0.2 };
  const turned = face(0, 0.5).map((point) => placed(region, { x: point.x + 0.5, y: point.y + 0.5 }));
  assert.ok(Math.abs(tiltOf(turned) - 0.2) < 1e-9);
  assert.ok(openness(-3, 3) > 0.99 && openness(3, -3) < 0.01);
});

test("overlapping boxes are one face, small ones behind do not count", () => {
  const scores = new Float32Array([0.1, 0.9, 0.05, 0.95, 0.6, 0.4, 0.1, 0.9]);
  const edges = new Float32Array([0.3, 0.3, 0.6, 0.8, 0.31, 0.31, 0.61, 0.81, 0, 0, 1, 1, 0.8, 0.1, 0.85, 0.16]);
  const faces = facesOf(scores, edges, 640, 480);
  assert.equal(faces.length, 2);
  assert.ok(Math.abs((faces[0]?.left ?? 0) - 0.31 * 640) < 1e-3, "the surer of the two");
  assert.equal(counted(faces).length, 1);
  const face = { left: 0, top: 0, width: 90, height: 90, score: 0.95 };
  assert.equal(accompanied([face]), false);
  assert.equal(accompanied([face, { ...face, score: 0.89 }]), false, "not seen for sure");
  assert.equal(accompanied([face, { ...face, score: 0.9 }]), true);
  assert.deepEqual(counted([]), []);
});

test("a crop that the server might refuse is not sent", () => {
  const face = { left: 0, top: 0, width: 100, height: 125, score: 0.95 };
  assert.equal(admissible([face], 224, "face"), false, "the server's box may be smaller by 0.051 of the side");
  assert.equal(admissible([{ ...face, height: 126 }], 224, "face"), true);
  assert.equal(admissible([{ ...face, height: 43 }], 128, "thumbnail"), true);
  assert.equal(admissible([{ ...face, width: 40, height: 43 }], 128, "thumbnail"), false);
  assert.equal(
    admissible(
      [
        { ...face, height: 150 },
        { ...face, score: 0.86 },
      ],
      224,
      "face",
    ),
    false,
    "a second face",
  );
  assert.equal(admissible([], 224, "face"), false);
});

const GOOD: Seen = {
  faces: 1,
  box: { left: 250, top: 130, width: 140, height: 190 },
  pictureWidth: 640,
  pictureHeight: 480,
  pose: { yaw: 0, pitch: 0 },
  luminance: 0.5,
  overexposed: 0,
};

test("one thing at a time is advised", () => {
  assert.equal(judge(GOOD, "no-face"), "good");
  assert.equal(judge({ ...GOOD, faces: 0, box: null, pose: null }, "good"), "no-face");
  assert.equal(judge({ ...GOOD, faces: 2 }, "good"), "one-face");
  assert.equal(judge({ ...GOOD, box: { left: 290, top: 200, width: 60, height: 80 } }, "good"), "come-closer");
  assert.equal(judge({ ...GOOD, box: { left: 170, top: 40, width: 300, height: 400 } }, "good"), "move-back");
  assert.equal(judge({ ...GOOD, box: { left: 10, top: 130, width: 140, height: 190 } }, "good"), "to-the-middle");
  assert.equal(judge({ ...GOOD, luminance: 0.1 }, "good"), "more-light");
  assert.equal(judge({ ...GOOD, overexposed: 0.3 }, "good"), "less-light");
  assert.equal(judge({ ...GOOD, pose: { yaw: 20, pitch: 0 } }, "good"), "look-straight");
});

test("advice does not flicker: limits have a width, and a change has to last", () => {
  const between = { ...GOOD, pose: { yaw: 14, pitch: 0 } };
  assert.equal(judge(between, "good"), "good");
  assert.equal(judge(between, "look-straight"), "look-straight");
  const guide = new Guide();
  for (let at = 0; at < 1; at += 0.1) guide.look(GOOD, at);
  assert.equal(guide.said, "good");
  for (let at = 1; at < 5; at += 0.1) {
    guide.look(Math.round(at * 10) % 2 === 0 ? GOOD : { ...GOOD, faces: 0, box: null, pose: null }, at);
    assert.equal(guide.said, "good");
  }
  for (let at = 5; at < 6; at += 0.1) guide.look({ ...GOOD, faces: 2 }, at);
  assert.equal(guide.said, "one-face");
});

const REST: Measures = {
  yaw: 1,
  pitch: 2,
  roll: 0,
  eyesOpen: 0.98,
  mouthWidth: 0.8,
  nod: -0.7,
  smile: 0.2,
  faceWidth: 140,
};
const step = (kind: StepKind, index = 1): Step => ({ index, kind, seconds: 8, colours: [] });
const SMILING = { mouthWidth: 0.9, smile: 0.35 };

/** Ten frames in a second: at rest, then doing something from one second on. */
function play(kind: StepKind, doing: Partial<Measures>, held: number, from = 1, kept = true): Standing[] {
  const watcher = new Watcher(step(kind), baselineOf([REST, REST, REST]));
  const seen: Standing[] = [];
  for (let frame = 0; frame < 40; frame++) {
    const does = frame >= from * 10 && frame < (from + held) * 10;
    seen.push(watcher.see(does ? { ...REST, ...doing } : REST, kept, frame / 10));
  }
  return seen;
}

const DONE: [StepKind, Partial<Measures>, Partial<Measures>][] = [
  ["turn-left", { yaw: 30 }, { yaw: -30 }],
  ["turn-right", { yaw: -30 }, { yaw: 30 }],
  ["nod", { nod: -0.45 }, { nod: -0.95 }],
  ["blink", { eyesOpen: 0.05 }, { eyesOpen: 0.5 }],
  ["smile", SMILING, { mouthWidth: 0.8, smile: 0.35 }],
  ["come-closer", { faceWidth: 210 }, { faceWidth: 190 }],
];

for (const [kind, right, wrong] of DONE) {
  test(`${kind}: done by what was asked, not by something else, nor by nothing`, () => {
    assert.equal(play(kind, right, 1).at(-1), "done");
    assert.equal(play(kind, wrong, 1).at(-1), "begun");
    assert.equal(play(kind, {}, 1).at(-1), "begun");
    for (const [other, doing] of DONE) {
      if (other !== kind) assert.notEqual(play(kind, doing, 1).at(-1), "done", `${other} is no ${kind}`);
    }
  });

  test(`${kind}: what began before it was asked does not count, nor what is not sent`, () => {
    assert.equal(play(kind, right, 4, 0).at(-1), "begun");
    assert.equal(play(kind, right, 1, 1, false).at(-1), "begun");
  });
}

test("one frame of a turn or a smile does not count", () => {
  assert.equal(play("turn-left", { yaw: 30 }, 0.1).at(-1), "begun");
  assert.equal(play("smile", SMILING, 0.1).at(-1), "begun");
});

test("turns, nods and blinks have a way back; a turn's is waited for only while there is time", () => {
  for (const kind of ["turn-left", "nod", "blink"] as const) {
    const doing = DONE.find(([one]) => one === kind)?.[1] ?? {};
    const seen = play(kind, doing, 2);
    assert.ok(seen.includes("back") && seen.indexOf("done") >= 30, kind);
    const watcher = new Watcher(step(kind), baselineOf([REST]));
    watcher.see(REST, true, 0);
    for (let at = 0.1; at < 7.9; at += 0.1) watcher.see({ ...REST, ...doing }, true, at);
    assert.equal(watcher.standing, kind === "turn-left" ? "done" : "back");
  }
});

test("a smile is not judged while the head is turned", () => {
  assert.equal(play("smile", { ...SMILING, yaw: 20 }, 2).at(-1), "begun");
});

test("the slowest try stays within what may be sent", () => {
  const pacer = new Pacer();
  const taken: { at: number; thumbnail: boolean; kind: StepKind }[] = [];
  let at = 1000;
  const kinds: StepKind[] = ["look", "turn-left", "blink", "smile", "light"];
  for (const [index, kind] of kinds.entries()) {
    const seconds = kind === "look" ? 12 : kind === "light" ? 6 : 8;
    pacer.begin({ index, kind, seconds, colours: [] }, at);
    for (const end = at + seconds * 1000; at < end; at += 1000 / 30) {
      if (!pacer.due(at)) continue;
      const thumbnail = pacer.thumbnailDue;
      pacer.took(at, thumbnail);
      taken.push({ at, thumbnail, kind });
    }
  }
  assert.ok(taken.length <= 240, `${taken.length} frames`);
  assert.ok(taken.filter(({ thumbnail }) => thumbnail).length <= 32);
  for (const kind of kinds) {
    const of = taken.filter((frame) => frame.kind === kind);
    assert.ok(of.length >= 30, `${kind}: ${of.length}`);
    assert.equal(
      of.some(({ thumbnail }) => thumbnail),
      kind !== "light",
    );
  }
  for (const [index, frame] of taken.entries()) {
    const inSecond = taken.slice(index).filter((other) => other.at < frame.at + 1000).length;
    assert.ok(inSecond <= 12, `${inSecond} in a second`);
  }
});

test("frames are not spared once something has begun", () => {
  const pacer = new Pacer();
  let at = 0;
  pacer.begin({ index: 0, kind: "look", seconds: 12, colours: [] }, at);
  for (; at < 12000; at += 20) if (pacer.due(at)) pacer.took(at, false);
  pacer.begin(step("blink"), at);
  for (; pacer.due(at); at += 84) pacer.took(at, false);
  assert.equal(pacer.due(at, true), true);
});

test("a try at the usual speed is taken closely: ten frames in a second of look", () => {
  const pacer = new Pacer();
  pacer.begin({ index: 0, kind: "look", seconds: 12, colours: [] }, 0);
  let count = 0;
  for (let at = 0; at < 5000; at += 1000 / 30) {
    if (!pacer.due(at)) continue;
    pacer.took(at, pacer.thumbnailDue);
    count += 1;
  }
  assert.ok(count >= 48, `${count}`);
});

test("an amount is grouped, and no digit is changed", () => {
  const whole = (amount: string) => groups(amount).whole.join("|") + groups(amount).fraction;
  assert.equal(whole("1234567.50"), "1|234|567.50");
  assert.equal(whole("999"), "999");
  assert.equal(whole("123456"), "123|456");
  assert.equal(whole("0.5"), "0.5");
});
