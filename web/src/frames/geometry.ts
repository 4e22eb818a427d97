// Points, boxes and squares in pixels of the camera's picture: x to the right, y downwards, angles clockwise as seen.

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A turned rectangle of the picture. */
export interface Region {
  readonly centre: Point;
  readonly width: number;
  readonly height: number;
  /** Radians. */
  readonly angle: number;
}

export function centreOf(box: Box): Point {
  return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
}

/** In whole pixels, as it is told to the server. */
export function rounded(box: Box): Box {
  return {
    left: Math.round(box.left),
    top: Math.round(box.top),
    width: Math.max(1, Math.round(box.width)),
    height: Math.max(1, Math.round(box.height)),
  };
}

export function longerSide(box: Box): number {
  return Math.max(box.width, box.height);
}

export function mean(points: readonly Point[]): Point {
  let x = 0;
  let y = 0;
  for (const point of points) {
    x += point.x;
    y += point.y;
  }
  return { x: x / points.length, y: y / points.length };
}

export function distance(a: Point, b: Point): number {
  return Math.hypot(b.x - a.x, b.y - a.y);
}

/** The angle of the line from one point to another. */
export function angleOf(from: Point, to: Point): number {
  return Math.atan2(to.y - from.y, to.x - from.x);
}

/** Intersection over union of two boxes, 0 to 1. */
export function overlap(a: Box, b: Box): number {
  const width = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left);
  const height = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (a.width * a.height + b.width * b.height - shared);
}

/** A point given in fractions of a region (0 to 1), in pixels of the picture. */
export function placed(region: Region, point: Point): Point {
  const x = (point.x - 0.5) * region.width;
  const y = (point.y - 0.5) * region.height;
  const cos = Math.cos(region.angle);
  const sin = Math.sin(region.angle);
  return { x: region.centre.x + cos * x - sin * y, y: region.centre.y + sin * x + cos * y };
}
