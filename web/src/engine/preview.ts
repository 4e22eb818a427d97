// The preview: the picture blurred beyond recognition, and the head within an ellipse as it is, the same that is sent.

import { type Box, centreOf } from "../frames/geometry.ts";

const ELLIPSE = 0.6; // half axes in sides of the box, as in the crops
const COARSE = 20; // pixels of the blurred picture's longer side: no face, no writing is told from so few
const LONGEST = 640; // pixels of the preview

/** Draws previews, one after the other. */
export class Preview {
  readonly #small = new OffscreenCanvas(1, 1);
  #whole = new OffscreenCanvas(1, 1);

  /** @param box of the only face, or null: then all is blurred. */
  draw(picture: ImageBitmap, box: Box | null, angle: number): ImageBitmap {
    const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
    const width = Math.round(picture.width * scale);
    const height = Math.round(picture.height * scale);
    if (this.#whole.width !== width || this.#whole.height !== height) this.#whole = new OffscreenCanvas(width, height);
    const context = drawing(this.#whole);
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "medium";
    context.drawImage(this.#coarse(picture, width, height), 0, 0, width, height);
    if (box !== null) {
      const centre = centreOf(box);
      context.save();
      context.beginPath();
      const axes = [ELLIPSE * box.width * scale, ELLIPSE * box.height * scale] as const;
      context.ellipse(centre.x * scale, centre.y * scale, ...axes, angle, 0, 2 * Math.PI);
      context.clip();
      context.drawImage(picture, 0, 0, width, height);
      context.restore();
    }
    return this.#whole.transferToImageBitmap();
  }

  /** In steps by half at the most would be exact; two steps already leave nothing to recognise. */
  #coarse(picture: ImageBitmap, width: number, height: number): OffscreenCanvas {
    const scale = COARSE / Math.max(width, height);
    const columns = Math.max(1, Math.round(width * scale));
    const rows = Math.max(1, Math.round(height * scale));
    const between = new OffscreenCanvas(columns * 6, rows * 6);
    const halfway = drawing(between);
    halfway.imageSmoothingQuality = "medium";
    halfway.drawImage(picture, 0, 0, between.width, between.height);
    this.#small.width = columns;
    this.#small.height = rows;
    const context = drawing(this.#small);
    context.imageSmoothingQuality = "medium";
    context.drawImage(between, 0, 0, columns, rows);
    return this.#small;
  }
}

export function drawing(
  canvas: OffscreenCanvas,
  settings?: CanvasRenderingContext2DSettings,
): OffscreenCanvasRenderingContext2D {
  const context = canvas.getContext("2d", settings);
  if (context === null) throw new Error("this browser does not draw");
  return context;
}
