// The two pictures of a frame that may leave the device (docs/spec/capture.md, "Crops").

import { type Box, centreOf, longerSide, type Region } from "./geometry.ts";
import { blurredOutside, type Pixels, sampled } from "./pixels.ts";

export const FACE_SIDE = 224;
export const FACE_SIDE_LEAST = 96;
export const THUMBNAIL_SIDE = 128;

const FACE_REACH = 1.5; // side of the face crop, in longer sides of the box
const THUMBNAIL_REACH = 2.7; // as the liveness model was trained
const ELLIPSE = 0.6; // half axes, in sides of the box
const FACE_BLUR = 0.1; // deviations, in widths of the box
const THUMBNAIL_BLUR = 0.015;
const THUMBNAIL_BOTTOM = 0.85; // below the centre, in heights of the box: what is further down is a body

/** The side of the face crop of a box in pixels, or 0 where the face is too small for one. */
export function faceSide(box: Box): number {
  const side = Math.floor(Math.min(FACE_SIDE, FACE_REACH * longerSide(box)));
  return side < FACE_SIDE_LEAST ? 0 : side;
}

/**
 * The face crop: turned so that the eyes are level, all but the head blurred.
 *
 * @param angle of the line between the eyes, radians.
 */
export function faceCrop(picture: Pixels, box: Box, angle: number): Pixels {
  const side = faceSide(box);
  if (side === 0) throw new RangeError("this face is too small for a crop");
  const reach = FACE_REACH * longerSide(box);
  const region = { centre: centreOf(box), width: reach, height: reach, angle };
  const scale = side / reach;
  const ellipse = {
    x: side / 2,
    y: side / 2,
    halfWidth: ELLIPSE * box.width * scale,
    halfHeight: ELLIPSE * box.height * scale,
    angle: 0,
  };
  return blurredOutside(sampled(picture, region, side, side, "black"), ellipse, FACE_BLUR * box.width * scale);
}

/** The liveness thumbnail: what surrounds the face as far as the picture goes, blurred a little, without the body. */
export function thumbnail(picture: Pixels, box: Box, angle: number): Pixels {
  const region = thumbnailRegion(picture, box);
  const centre = centreOf(box);
  const across = THUMBNAIL_SIDE / region.width;
  const down = THUMBNAIL_SIDE / region.height;
  const x = (centre.x - region.centre.x) * across + THUMBNAIL_SIDE / 2;
  const y = (centre.y - region.centre.y) * down + THUMBNAIL_SIDE / 2;
  const axes = { halfWidth: ELLIPSE * box.width * across, halfHeight: ELLIPSE * box.height * down };
  const small = sampled(picture, region, THUMBNAIL_SIDE, THUMBNAIL_SIDE);
  const soft = blurredOutside(small, { x, y, ...axes, angle }, THUMBNAIL_BLUR * box.width * across);
  const last = Math.floor(y + THUMBNAIL_BOTTOM * box.height * down);
  const row = soft.data.slice(last * THUMBNAIL_SIDE * 4, (last + 1) * THUMBNAIL_SIDE * 4);
  for (let below = last + 1; below < THUMBNAIL_SIDE; below++) soft.data.set(row, below * THUMBNAIL_SIDE * 4);
  return soft;
}

/** The box widened by 2.7, by less where the picture ends, and shifted into the picture; in whole pixels. */
export function thumbnailRegion(picture: { readonly width: number; readonly height: number }, box: Box): Region {
  const reach = Math.min(THUMBNAIL_REACH, (picture.height - 1) / box.height, (picture.width - 1) / box.width);
  const width = box.width * reach;
  const height = box.height * reach;
  const centre = centreOf(box);
  const left = Math.round(Math.min(Math.max(centre.x - width / 2, 0), picture.width - width));
  const top = Math.round(Math.min(Math.max(centre.y - height / 2, 0), picture.height - height));
  const [columns, rows] = [Math.round(width), Math.round(height)];
  return { centre: { x: left + columns / 2, y: top + rows / 2 }, width: columns, height: rows, angle: 0 };
}
