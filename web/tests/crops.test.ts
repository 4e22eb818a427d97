// Crops of drawn pictures: what is where, and what is blurred.

import assert from "node:assert/strict";
import { test } from "node:test";
import { faceCrop, faceSide, thumbnail, thumbnailRegion } from "../src/frames/crops.ts";
import { blurred, blurredOutside, type Pixels, sampled } from "../src/frames/pixels.ts";

type Paint = (x: number, y: number) => number;

function painted(width: number, height: number, paint: Paint): Pixels {
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.fill(paint(x, y), (y * width + x) * 4, (y * width + x) * 4 + 3);
  }
  return { data, width, height };
}

const at = (picture: Pixels, x: number, y: number) => picture.data[(y * picture.width + x) * 4] ?? -1;
const lines: Paint = (x) => (x % 8 < 4 ? 40 : 215);

/** How strong the detail is at the places that are asked for: mean difference of neighbours. */
function detail(picture: Pixels, where: (x: number, y: number) => boolean): number {
  let [sum, count] = [0, 0];
  for (let y = 0; y < picture.height; y++) {
    for (let x = 1; x < picture.width; x++) {
      if (!where(x, y) || !where(x - 1, y)) continue;
      sum += Math.abs(at(picture, x, y) - at(picture, x - 1, y));
      count += 1;
    }
  }
  return sum / count;
}

test("a part is taken as it is, and beyond the edge is a copy of it", () => {
  const picture = painted(40, 30, (x, y) => x + 4 * y);
  const part = sampled(picture, { centre: { x: 10, y: 10 }, width: 8, height: 8, angle: 0 }, 8, 8);
  assert.equal(at(part, 0, 0), 6 + 4 * 6);
  assert.equal(at(part, 7, 7), 13 + 4 * 13);
  const beyond = sampled(picture, { centre: { x: 0, y: 0 }, width: 8, height: 8, angle: 0 }, 8, 8);
  assert.equal(at(beyond, 0, 0), 0);
});

test("a turned part is upright: a line that falls to the right becomes level", () => {
  const angle = 0.3;
  const below: Paint = (x, y) => ((y - 50) * Math.cos(angle) - (x - 50) * Math.sin(angle) > 0 ? 200 : 20);
  const part = sampled(painted(100, 100, below), { centre: { x: 50, y: 50 }, width: 40, height: 40, angle }, 40, 40);
  for (let x = 0; x < 40; x++) assert.ok(at(part, x, 16) < 30 && at(part, x, 23) > 190, `column ${x}`);
});

test("shrinking averages", () => {
  const whole = { centre: { x: 32, y: 32 }, width: 64, height: 64, angle: 0 };
  const small = sampled(painted(64, 64, lines), whole, 8, 8);
  for (let x = 0; x < 8; x++) assert.ok(Math.abs(at(small, x, 4) - 127.5) < 2);
});

for (const sigma of [0.9, 3.2, 12]) {
  test(`a blur of ${sigma} spreads a point by its deviation and loses no light`, () => {
    const side = 129;
    const spread = blurred(
      painted(side, side, (x) => (x === 64 ? 255 : 0)),
      sigma,
    );
    let [sum, square] = [0, 0];
    for (let x = 0; x < side; x++) {
      sum += at(spread, x, 64);
      square += at(spread, x, 64) * (x - 64) ** 2;
    }
    assert.ok(Math.abs(Math.sqrt(square / sum) - sigma) < 0.12 * sigma + 0.1, `deviation ${Math.sqrt(square / sum)}`);
    assert.ok(Math.abs(sum - 255) < 26, `light ${sum}`);
  });
}

test("an ellipse keeps its inside to the pixel, however it is turned", () => {
  const picture = painted(100, 100, lines);
  const ellipse = { x: 50, y: 50, halfWidth: 40, halfHeight: 10, angle: Math.PI / 2 };
  const kept = blurredOutside(picture, ellipse, 6);
  assert.equal(at(kept, 50, 85), at(picture, 50, 85));
  assert.ok(Math.abs(at(kept, 85, 50) - 127.5) < 25);
});

const BOX = { left: 260, top: 140, width: 120, height: 160 };

test("the face crop has the spec's size, and only the head is sharp", () => {
  const crop = faceCrop(painted(640, 480, lines), BOX, 0.1);
  assert.deepEqual([crop.width, crop.height], [224, 224]);
  const scale = 224 / 240;
  const inside = (x: number, y: number, by: number) =>
    ((x - 112) / (0.6 * 120 * scale * by)) ** 2 + ((y - 112) / (0.6 * 160 * scale * by)) ** 2 <= 1;
  const sharp = detail(crop, (x, y) => inside(x, y, 0.95));
  const outside = detail(crop, (x, y) => !inside(x, y, 1.05));
  assert.ok(sharp > 20 && outside < 1, `${sharp} and ${outside}`);
});

test("no face crop is larger than the camera's own pixels, and none is made of a small face", () => {
  assert.equal(faceSide({ ...BOX, width: 60, height: 80 }), 120);
  assert.equal(faceSide({ ...BOX, width: 40, height: 60 }), 0);
  assert.throws(() => faceCrop(painted(64, 48, lines), { left: 0, top: 0, width: 10, height: 10 }, 0), RangeError);
});

test("the thumbnail is widened by 2.7, by less where the picture ends, and shifted into it", () => {
  const free = thumbnailRegion({ width: 1280, height: 960 }, { left: 500, top: 400, width: 100, height: 120 });
  assert.deepEqual([free.width, free.height, free.centre], [270, 324, { x: 550, y: 460 }]);
  const tall = thumbnailRegion({ width: 640, height: 480 }, { left: 0, top: 100, width: 150, height: 200 });
  assert.deepEqual([tall.height, tall.width], [479, 359]);
  assert.ok(tall.centre.x === tall.width / 2 && Math.abs(tall.centre.y - 239.5) < 1);
});

test("the thumbnail is blurred around the head by a fiftieth of its width", () => {
  const picture = painted(640, 480, (x) => (x % 6 < 3 ? 40 : 215));
  const small = thumbnail(picture, BOX, 0);
  assert.deepEqual([small.width, small.height], [128, 128]);
  const middle = detail(small, (x, y) => Math.hypot(x - 64, y - 64) < 20);
  const edge = detail(small, (x, y) => x < 24 && y < 128);
  assert.ok(edge < 0.6 * middle, `${edge} and ${middle}`);
});
