// The two pictures of a frame that may leave the device (docs/spec/capture.md, "Crops").

import { type Box, centreOf, longerSide, type Region } from "./geometry.ts";
import { blurredOutside, type Ellipse, type Pixels, sampled } from "./pixels.ts";

export const FACE_SIDE = 224;
export const FACE_SIDE_LEAST = 96;
export const THUMBNAIL_SIDE = 128;

const FACE_REACH = 1.5; // side of the face crop, in longer sides of the box
const THUMBNAIL_REACH = 2.7; // as the liveness model was trained
const ELLIPSE = 0.6; // half axes, in sides of the box
const FACE_BLUR = 0.1; // deviations, in widths of the box
const THUMBNAIL_BLUR = 0.02;

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
  return blurredOutside(sampled(picture, region, side, side), ellipse, FACE_BLUR * box.width * scale);
}

/** The liveness thumbnail: what surrounds the face as far as the picture goes, blurred a little. */
export function thumbnail(picture: Pixels, box: Box, angle: number): Pixels {
  const region = thumbnailRegion(picture, box);
  const centre = centreOf(box);
  const across = THUMBNAIL_SIDE / region.width;
  const down = THUMBNAIL_SIDE / region.height;
  // Ellipse and blur are right in the picture's own proportions; the thumbnail may squeeze these, so both are applied
  // to a part of them of nearly its size, and the squeeze follows.
  const scale = Math.max(across, down);
  const width = Math.max(THUMBNAIL_SIDE, Math.round(region.width * scale));
  const height = Math.max(THUMBNAIL_SIDE, Math.round(region.height * scale));
  const ellipse: Ellipse = {
    x: (centre.x - region.centre.x) * scale + width / 2,
    y: (centre.y - region.centre.y) * scale + height / 2,
    halfWidth: ELLIPSE * box.width * scale,
    halfHeight: ELLIPSE * box.height * scale,
    angle,
  };
  const blurry = blurredOutside(sampled(picture, region, width, height), ellipse, THUMBNAIL_BLUR * box.width * scale);
  if (width === THUMBNAIL_SIDE && height === THUMBNAIL_SIDE) return blurry;
  const whole = { centre: { x: width / 2, y: height / 2 }, width, height, angle: 0 };
  return sampled(blurry, whole, THUMBNAIL_SIDE, THUMBNAIL_SIDE);
}

/** The box widened by 2.7, by less where the picture ends, and shifted into the picture. */
export function thumbnailRegion(picture: { readonly width: number; readonly height: number }, box: Box): Region {
  const reach = Math.min(THUMBNAIL_REACH, (picture.height - 1) / box.height, (picture.width - 1) / box.width);
  const width = box.width * reach;
  const height = box.height * reach;
  const centre = centreOf(box);
  return {
    centre: {
      x: Math.min(Math.max(centre.x, width / 2), picture.width - width / 2),
      y: Math.min(Math.max(centre.y, height / 2), picture.height - height / 2),
    },
    width,
    height,
    angle: 0,
  };
}
