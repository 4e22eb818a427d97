// The three models, run by onnxruntime-web's plain build: one thread, so that no special headers are needed.

import runtime from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import * as ort from "onnxruntime-web/wasm";
import { type Box, centreOf, longerSide, type Point, placed, type Region } from "../frames/geometry.ts";
import { grey, type Pixels, sampled } from "../frames/pixels.ts";
import { eyeSquare, eyesOf, openness, tiltOf } from "../guiding/measures.ts";
import { type Face, facesOf } from "./faces.ts";

export const DETECTION = { width: 320, height: 240 };
const LANDMARK_SIDE = 64;
const EYE_SIDE = 24;
const NAMES = ["fr_detect", "fr_landmark", "fr_eye"] as const;
const TILT_LEFT = 0.05; // radians: points of a face that is turned more are sought again, upright
// As the server's meter does: found again in squares around themselves, shifted a little, and averaged.
const REACH = 1.1;
const SHIFT = 0.03;
const SHIFTS: readonly Point[] = [
  { x: -1, y: -1 },
  { x: 1, y: -1 },
  { x: -1, y: 1 },
  { x: 1, y: 1 },
];

/** The points of a face in pixels of the picture, and the same as seen upright. */
export interface Found {
  readonly points: Point[];
  readonly upright: Point[];
  /** Of the line between the eyes, radians. */
  readonly angle: number;
}

export class Models {
  readonly #detect: ort.InferenceSession;
  readonly #landmark: ort.InferenceSession;
  readonly #eye: ort.InferenceSession;

  private constructor(detect: ort.InferenceSession, landmark: ort.InferenceSession, eye: ort.InferenceSession) {
    this.#detect = detect;
    this.#landmark = landmark;
    this.#eye = eye;
  }

  static async load(): Promise<Models> {
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.proxy = false;
    ort.env.wasm.wasmPaths = { wasm: runtime };
    const open = async (name: string) =>
      ort.InferenceSession.create(await fetched(`/capture/models/${name}.onnx`), {
        executionProviders: ["wasm"],
        graphOptimizationLevel: "all",
      });
    const [detect, landmark, eye] = await Promise.all(NAMES.map(open));
    if (detect === undefined || landmark === undefined || eye === undefined) throw new Error("a model is missing");
    const models = new Models(detect, landmark, eye);
    await models.#warm();
    return models;
  }

  /** Runs each model once: the first time takes longest, and nobody waits for it yet. */
  async #warm(): Promise<void> {
    const { width, height } = DETECTION;
    const picture = { data: new Uint8ClampedArray(width * height * 4), width, height };
    await this.faces(picture, width, height);
    const box = { left: 60, top: 20, width: 150, height: 200 };
    await this.eyesOpen(picture, await this.points(picture, box, 0));
  }

  /** All faces, the largest first, in pixels of a picture of which the whole was resized to 320 × 240. */
  async faces(small: Pixels, width: number, height: number): Promise<Face[]> {
    const size = DETECTION.width * DETECTION.height;
    const values = new Float32Array(3 * size);
    for (let index = 0; index < size; index++) {
      for (let channel = 0; channel < 3; channel++) {
        values[channel * size + index] = ((small.data[4 * index + channel] ?? 0) - 127) / 128;
      }
    }
    const input = new ort.Tensor("float32", values, [1, 3, DETECTION.height, DETECTION.width]);
    const outputs = await this.#detect.run({ input });
    return facesOf(floats(outputs, "scores"), floats(outputs, "boxes"), width, height);
  }

  /** The points of a face; the angle is that of the frame before, where it begins to look. */
  async points(picture: Pixels, box: Box, before: number): Promise<Found> {
    const side = longerSide(box);
    let first = await this.#in(picture, { centre: centreOf(box), width: side, height: side, angle: before });
    if (Math.abs(first.tilt) > TILT_LEFT)
      first = await this.#in(picture, { ...first.region, angle: before + first.tilt });
    const around = square(first);
    const sums = first.upright.map(() => ({ x: 0, y: 0 }));
    for (const shift of SHIFTS) {
      const centre = placed(around, { x: 0.5 + SHIFT * shift.x, y: 0.5 + SHIFT * shift.y });
      const found = await this.#in(picture, { ...around, centre });
      for (const [index, point] of found.upright.entries()) {
        const sum = sums[index];
        if (sum === undefined) continue;
        sum.x += (point.x + SHIFT * shift.x) / SHIFTS.length;
        sum.y += (point.y + SHIFT * shift.y) / SHIFTS.length;
      }
    }
    return { points: sums.map((point) => placed(around, point)), upright: sums, angle: around.angle + tiltOf(sums) };
  }

  async #in(picture: Pixels, region: Region): Promise<Pass> {
    const values = grey(sampled(picture, region, LANDMARK_SIDE, LANDMARK_SIDE)).map((value) => value / 256);
    const input = new ort.Tensor("float32", values, [1, 1, LANDMARK_SIDE, LANDMARK_SIDE]);
    const output = floats(await this.#landmark.run({ input }), "output");
    const upright: Point[] = [];
    for (let index = 0; index < output.length; index += 2) {
      upright.push({ x: within(output[index]), y: within(output[index + 1]) });
    }
    return { region, upright, tilt: tiltOf(upright) };
  }

  /** The lower of both eyes' figures, 0 closed to 1 open. */
  async eyesOpen(picture: Pixels, found: Found): Promise<number> {
    let lowest = 1;
    for (const eye of eyesOf(found.points)) {
      const { centre, side } = eyeSquare(eye);
      const region = { centre, width: side, height: side, angle: found.angle };
      const values = grey(sampled(picture, region, EYE_SIDE, EYE_SIDE)).map((value) => value / 255);
      const input = new ort.Tensor("float32", values, [1, 1, EYE_SIDE, EYE_SIDE]);
      const [closed = 0, open = 0] = floats(await this.#eye.run({ input }), "output");
      lowest = Math.min(lowest, openness(closed, open));
    }
    return lowest;
  }
}

/** One look of the landmark model: points as fractions of a region, and how much they are tilted in it. */
interface Pass {
  readonly region: Region;
  readonly upright: readonly Point[];
  readonly tilt: number;
}

/** The square around points, a little wider. */
function square({ region, upright }: Pass): Region {
  const xs = upright.map((point) => point.x);
  const ys = upright.map((point) => point.y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const side = REACH * Math.max(right - left, bottom - top) * region.width;
  return {
    centre: placed(region, { x: (left + right) / 2, y: (top + bottom) / 2 }),
    width: side,
    height: side,
    angle: region.angle,
  };
}

async function fetched(address: string): Promise<Uint8Array> {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

function floats(outputs: ort.InferenceSession.OnnxValueMapType, name: string): Float32Array {
  const data = outputs[name]?.data;
  if (!(data instanceof Float32Array)) throw new Error(`the model gave no ${name}`);
  return data;
}

function within(value: number | undefined): number {
  return Math.max(-1, Math.min(2, value ?? 0));
}
