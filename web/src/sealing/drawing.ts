// Draws an opened picture on a canvas, with the name of a reviewer and the time across it, and takes it away again.

import { type Bytes, FormatError } from "../ledger/coding.ts";
import { clip } from "./masking.ts";

/** Pixels of the largest picture that the format knows. */
const SIDE_MAX = 224;
/** Pixels of what is drawn. */
const SHOWN = 448;
const MARK_PIXELS = 17;
const MARK_ROWS = 64;
const MARK_TURN = -Math.PI / 7;

/**
 * Draws a picture. The bytes are overwritten.
 *
 * @param mark who looks, and when; empty for whoever looks at themselves.
 * @throws FormatError if it is no picture as the format has it.
 */
export async function drawFace(canvas: HTMLCanvasElement, png: Bytes, mark: string): Promise<void> {
  const bitmap = await decoded(png);
  const scratch = document.createElement("canvas");
  try {
    const side = bitmap.width;
    if (side > SIDE_MAX || bitmap.height !== side) throw new FormatError("the picture has another size");
    scratch.width = scratch.height = side;
    const pencil = contextOf(scratch, { willReadFrequently: true });
    pencil.drawImage(bitmap, 0, 0);
    const pixels = pencil.getImageData(0, 0, side, side);
    clip(pixels.data, side, side);
    pencil.putImageData(pixels, 0, 0);
    pixels.data.fill(0);
    canvas.width = canvas.height = SHOWN;
    const pen = contextOf(canvas);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(scratch, 0, 0, SHOWN, SHOWN);
    if (mark !== "") inscribe(pen, mark);
  } finally {
    clear(scratch);
    bitmap.close();
  }
}

/** Takes the pixels away, and not the sight of them alone. */
export function clear(canvas: HTMLCanvasElement): void {
  canvas.width = canvas.height = 0;
}

async function decoded(png: Bytes): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(new Blob([png], { type: "image/png" }), {
      premultiplyAlpha: "none",
      colorSpaceConversion: "none",
    });
  } catch (error) {
    throw new FormatError("this is no picture", { cause: error });
  } finally {
    png.fill(0);
  }
}

/** Writes the mark over all of the face and nowhere else, in rows that lie shifted, readable on dark and on light. */
function inscribe(pen: CanvasRenderingContext2D, mark: string): void {
  pen.save();
  pen.globalCompositeOperation = "source-atop";
  pen.translate(SHOWN / 2, SHOWN / 2);
  pen.rotate(MARK_TURN);
  pen.font = `600 ${MARK_PIXELS}px sans-serif`;
  pen.textBaseline = "middle";
  pen.lineWidth = 2;
  pen.strokeStyle = "rgb(0 0 0 / 45%)";
  pen.fillStyle = "rgb(255 255 255 / 45%)";
  const step = pen.measureText(mark).width + 2 * MARK_PIXELS;
  for (let row = -SHOWN; row <= SHOWN; row += MARK_ROWS) {
    const shift = (row / MARK_ROWS) % 2 === 0 ? 0 : step / 2;
    for (let x = -SHOWN - shift; x < SHOWN; x += step) {
      pen.strokeText(mark, x, row);
      pen.fillText(mark, x, row);
    }
  }
  pen.restore();
}

function contextOf(canvas: HTMLCanvasElement, settings: CanvasRenderingContext2DSettings = {}) {
  const context = canvas.getContext("2d", settings);
  if (context === null) throw new FormatError("this browser draws nothing");
  return context;
}
