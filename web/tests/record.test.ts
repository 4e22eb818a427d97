// Chain and container against the vectors that the server's tests use.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type CameraDescription, container } from "../src/frames/container.ts";
import { Chain, record, type SentFrame } from "../src/frames/record.ts";

interface Vector {
  name: string;
  nonce: string;
  try: number;
  camera: CameraDescription;
  frames: {
    at: number;
    step: number;
    box: [number, number, number, number];
    camera: [number, number];
    face: string;
    thumbnail: string;
    record: string;
  }[];
  second_faces: number[];
  heads: string[];
  body: string;
}

const file = new URL("../../../tests/vectors/capture-v1.json", import.meta.url);
const { valid } = JSON.parse(readFileSync(file, "utf8")) as { valid: Vector[] };
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));
const hex = (data: Uint8Array) => Buffer.from(data).toString("hex");

function framesOf(vector: Vector): SentFrame[] {
  return vector.frames.map((frame) => {
    const [left, top, width, height] = frame.box;
    const [cameraWidth, cameraHeight] = frame.camera;
    const pictures = { face: bytes(frame.face), thumbnail: bytes(frame.thumbnail) };
    return {
      at: frame.at,
      step: frame.step,
      box: { left, top, width, height },
      cameraWidth,
      cameraHeight,
      ...pictures,
    };
  });
}

for (const vector of valid) {
  test(`records and heads: ${vector.name}`, async () => {
    const chain = new Chain(vector.nonce);
    const heads = [await chain.head()];
    for (const [index, frame] of framesOf(vector).entries()) {
      assert.equal(hex(await record(frame)), vector.frames[index]?.record);
      chain.add(frame);
      heads.push(await chain.head());
    }
    assert.deepEqual(heads, vector.heads);
    assert.equal(chain.count, vector.frames.length);
  });

  test(`container: ${vector.name}`, () => {
    const made = apart(container(vector.try, vector.camera, framesOf(vector), vector.second_faces));
    const wanted = apart(bytes(vector.body));
    assert.deepEqual(made.description, wanted.description);
    assert.equal(made.start, wanted.start);
    assert.equal(made.rest, wanted.rest);
  });
}

/** A container in three parts; JSON has more than one way to write a figure. */
function apart(body: Uint8Array) {
  const end = 12 + new DataView(body.buffer, body.byteOffset).getUint32(8);
  const description: unknown = JSON.parse(new TextDecoder().decode(body.slice(12, end)));
  return { start: hex(body.slice(0, 8)), description, rest: hex(body.slice(end)) };
}

test("heads that are asked for while frames are still digested have their place", async () => {
  const vector = valid.find((one) => one.frames.length > 2);
  assert.ok(vector);
  const chain = new Chain(vector.nonce);
  const heads: Promise<string>[] = [chain.head()];
  for (const frame of framesOf(vector)) {
    chain.add(frame);
    heads.push(chain.head());
  }
  assert.deepEqual(await Promise.all(heads), vector.heads);
});

test("no container without frames, with too many, or with too large a picture", () => {
  const camera = { label: "", width: 640, height: 480, frame_rate: 30, intervals: [] };
  const box = { left: 1, top: 1, width: 90, height: 90 };
  const small = { cameraWidth: 640, cameraHeight: 480, face: bytes("00"), thumbnail: bytes("") };
  const frame = (at: number): SentFrame => ({ at, step: 0, box, ...small });
  assert.throws(() => container(1, camera, []), RangeError);
  assert.throws(
    () =>
      container(
        1,
        camera,
        Array.from({ length: 241 }, (_, index) => frame(index)),
      ),
    RangeError,
  );
  assert.throws(() => container(1, camera, [{ ...frame(0), face: new Uint8Array(65537) }]), RangeError);
  assert.throws(() => new Chain("zz"), RangeError);
});
