// What is seen in one frame: faces, points, measures, light, and the crops that may be sent.

import { faceCrop, faceSide, thumbnail } from "../frames/crops.ts";
import { type Box, centreOf, rounded } from "../frames/geometry.ts";
import { grey, type Pixels, sampled, stretched } from "../frames/pixels.ts";
import type { Seen } from "../guiding/guidance.ts";
import { degrees, faceWidthOf, type Measures, mouthWidthOf, nodOf, poseOf, smileOf } from "../guiding/measures.ts";
import { accompanied, admissible, counted } from "./faces.ts";
import type { Crops, FrameAnswer, FrameRequest } from "./messages.ts";
import { DETECTION, type Models } from "./models.ts";
import { drawing, Preview } from "./preview.ts";

const QUALITY = 0.9;
const WHITE = 247; // over-exposure in ISO/IEC 29794-5
const LIGHT_SIDE = 32;
const INNER = 0.7; // of the box: the face without hair and background

export class Looking {
  readonly #models: Models;
  readonly #preview = new Preview();
  readonly #small = new OffscreenCanvas(DETECTION.width, DETECTION.height);
  #whole = new OffscreenCanvas(1, 1);
  #angle = 0;

  constructor(models: Models) {
    this.#models = models;
  }

  async look({ picture, wanted }: FrameRequest): Promise<FrameAnswer> {
    const { width, height } = picture;
    const faces = counted(await this.#models.faces(this.#resized(picture), width, height));
    const [box] = faces;
    const size = { pictureWidth: width, pictureHeight: height };
    if (box === undefined || faces.length !== 1) {
      this.#angle = 0;
      const seen: Seen = { ...size, faces: faces.length, box: box ?? null, pose: null, luminance: 0, overexposed: 0 };
      const preview = this.#preview.draw(picture, null, 0);
      return { kind: "frame", seen, accompanied: accompanied(faces), measures: null, preview, crops: null };
    }
    const pixels = this.#pixels(picture);
    const found = await this.#models.points(pixels, box, this.#angle);
    this.#angle = Math.abs(found.angle) < 0.8 ? found.angle : 0;
    const pose = poseOf(found.upright);
    const measures: Measures = {
      ...pose,
      roll: -degrees(found.angle),
      eyesOpen: await this.#models.eyesOpen(pixels, found),
      mouthWidth: mouthWidthOf(found.upright),
      nod: nodOf(found.upright),
      smile: smileOf(found.upright),
      faceWidth: faceWidthOf(found.points, pose.yaw),
    };
    const seen: Seen = { ...size, faces: 1, box, pose: measures, ...light(pixels, box) };
    const crops =
      wanted === "nothing" ? null : await this.#cut(pixels, rounded(box), found.angle, wanted === "face and thumbnail");
    const preview = this.#preview.draw(picture, box, found.angle);
    return { kind: "frame", seen, accompanied: false, measures, preview, crops };
  }

  /** The crops; null where the server would not admit them: a frame less is better than a try lost. */
  async #cut(pixels: Pixels, box: Box, angle: number, both: boolean): Promise<Crops | null> {
    if (faceSide(box) === 0) return null;
    const face = await jpeg(faceCrop(pixels, box, angle));
    if (!(await this.#admitted(face, "face"))) return null;
    const small = both ? await jpeg(thumbnail(pixels, box, angle)) : null;
    if (small !== null && !(await this.#admitted(small, "thumbnail"))) return null;
    return { box, face: await bytesOf(face), thumbnail: small === null ? new Uint8Array() : await bytesOf(small) };
  }

  /**
   * Whether the server would admit a crop: seen after JPEG and stretched as the server does, and with a margin, for
   * what decoders differ by.
   */
  async #admitted(sent: Blob, kind: "face" | "thumbnail"): Promise<boolean> {
    const picture = await createImageBitmap(sent);
    const crop = this.#pixels(picture);
    picture.close();
    const faces = await this.#models.faces(stretched(crop, DETECTION.width, DETECTION.height), crop.width, crop.height);
    return admissible(faces, crop.width, kind);
  }

  #resized(picture: ImageBitmap): Pixels {
    const context = drawing(this.#small, { willReadFrequently: true });
    context.imageSmoothingQuality = "medium";
    context.drawImage(picture, 0, 0, DETECTION.width, DETECTION.height);
    return context.getImageData(0, 0, DETECTION.width, DETECTION.height);
  }

  #pixels(picture: ImageBitmap): Pixels {
    const { width, height } = picture;
    const whole = this.#whole;
    if (whole.width < width || whole.height < height) {
      this.#whole = new OffscreenCanvas(Math.max(whole.width, width), Math.max(whole.height, height));
    }
    const context = drawing(this.#whole, { willReadFrequently: true });
    context.drawImage(picture, 0, 0);
    return context.getImageData(0, 0, width, height);
  }
}

function light(pixels: Pixels, box: Box): { luminance: number; overexposed: number } {
  const inner = { centre: centreOf(box), width: INNER * box.width, height: INNER * box.height, angle: 0 };
  const values = grey(sampled(pixels, inner, LIGHT_SIDE, LIGHT_SIDE));
  let sum = 0;
  let white = 0;
  for (const value of values) {
    sum += value;
    if (value >= WHITE) white += 1;
  }
  return { luminance: sum / values.length / 255, overexposed: white / values.length };
}

function jpeg(picture: Pixels): Promise<Blob> {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const data = new Uint8ClampedArray(picture.data);
  drawing(canvas).putImageData(new ImageData(data, picture.width, picture.height), 0, 0);
  return canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
}

async function bytesOf(blob: Blob): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await blob.arrayBuffer());
}
