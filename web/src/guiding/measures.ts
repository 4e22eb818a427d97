// What is measured of a face, as the server measures it again (src/facekeep/face/quality.py): degrees with the signs of
// ISO/IEC 39794-5, yaw to the person's left, pitch downwards, roll to its right; lengths in inter-eye distances.

import { angleOf, distance, mean, type Point } from "../frames/geometry.ts";

export interface Measures {
  readonly yaw: number;
  readonly pitch: number;
  readonly roll: number;
  /** The lower of both eyes' figures, 0 closed to 1 open. */
  readonly eyesOpen: number;
  readonly mouthWidth: number;
  /** As the server has them (src/facekeep/face/geometry.py): for comparing a person with themselves. */
  readonly nod: number;
  readonly smile: number;
  /** Told by the eyes, as boxes grow by less than a face does that comes closer; in pixels of the camera's picture. */
  readonly faceWidth: number;
}

export interface Pose {
  readonly yaw: number;
  readonly pitch: number;
}

/** An eye as its model wants it: a square around its centre. */
export interface EyeSquare {
  readonly centre: Point;
  readonly side: number;
}

const YAW_SLOPE = 1.47;
const PITCH_SLOPE = 0.94;
const PITCH_FRONTAL = 0.486;
const NOSE_TIP = 30;
const NOSE_BASE = 33;
const MOUTH_CORNERS: readonly [number, number] = [48, 54];
const EYE_MARGIN = 1.6;
const POINTS = 68;

export function eyesOf(points: readonly Point[]): [Point[], Point[]] {
  if (points.length !== POINTS) throw new RangeError(`a face has ${POINTS} points`);
  return [points.slice(36, 42), points.slice(42, 48)];
}

/** The angle of the line between the eyes, radians, clockwise as seen. */
export function tiltOf(points: readonly Point[]): number {
  const [left, right] = eyesOf(points);
  return angleOf(mean(left), mean(right));
}

/** Yaw and pitch of 68 points that are nearly upright. */
export function poseOf(points: readonly Point[]): Pose {
  const { across, down } = nose(points);
  const yaw = Math.atan(YAW_SLOPE * across);
  const pitch = Math.atan(PITCH_SLOPE * (down * Math.cos(yaw) - PITCH_FRONTAL));
  return { yaw: degrees(yaw), pitch: degrees(pitch) };
}

/** Between the mouth's corners, in inter-eye distances; both are foreshortened alike. */
export function mouthWidthOf(points: readonly Point[]): number {
  const [first, last] = MOUTH_CORNERS;
  return distance(at(points, first), at(points, last)) / eyeDistance(points);
}

/** The mouth's width, less how far its corners lie below the base of the nose: a smile draws them apart and up. */
export function smileOf(points: readonly Point[]): number {
  const corners = mean(MOUTH_CORNERS.map((index) => at(points, index)));
  return mouthWidthOf(points) - bounded((corners.y - at(points, NOSE_BASE).y) / eyeDistance(points));
}

/**
 * How far down a head is held: the share of the way from eyes to mouth at which the tip of the nose lies, less the way
 * from tip to base, less the mouth's width, since a smile pulls the mouth up as well.
 */
export function nodOf(points: readonly Point[]): number {
  const eyes = mean(eyesOf(points).map(mean));
  const mouth = mean(MOUTH_CORNERS.map((index) => at(points, index)));
  const tip = at(points, NOSE_TIP);
  const way = { x: mouth.x - eyes.x, y: mouth.y - eyes.y };
  const share = ((tip.x - eyes.x) * way.x + (tip.y - eyes.y) * way.y) / Math.max(way.x ** 2 + way.y ** 2, 1e-6);
  const base = (at(points, NOSE_BASE).y - tip.y) / eyeDistance(points);
  return bounded(share) - bounded(base) - mouthWidthOf(points);
}

function eyeDistance(points: readonly Point[]): number {
  const [left, right] = eyesOf(points);
  return Math.max(1e-3, distance(mean(left), mean(right)));
}

/**
 * The distance of the eyes as seen from the front.
 *
 * @param points in pixels of the camera's picture.
 * @param yaw degrees.
 */
export function faceWidthOf(points: readonly Point[], yaw: number): number {
  return eyeDistance(points) / Math.max(0.5, Math.cos((yaw * Math.PI) / 180));
}

export function eyeSquare(eye: readonly Point[]): EyeSquare {
  const lids = [1, 2, 4, 5].map((index) => at(eye, index));
  return { centre: mean(lids), side: Math.max(1, distance(at(eye, 0), at(eye, 3)) * EYE_MARGIN) };
}

/** The figure that an eye is open, from the classifier's logits. */
export function openness(closed: number, open: number): number {
  return 1 / (1 + Math.exp(Math.max(-60, Math.min(60, closed - open))));
}

export function degrees(radians: number): number {
  return (radians * 180) / Math.PI;
}

/** Where the nose tip is: across from the midline of eyes and mouth, and down from the eyes, in inter-eye distances. */
function nose(points: readonly Point[]): { across: number; down: number } {
  const [leftEye, rightEye] = eyesOf(points).map(mean) as [Point, Point];
  const eyes = mean([leftEye, rightEye]);
  const mouth = mean(MOUTH_CORNERS.map((index) => at(points, index)));
  const tip = at(points, NOSE_TIP);
  const axis = { x: rightEye.x - leftEye.x, y: rightEye.y - leftEye.y };
  const other = { x: mouth.x - eyes.x, y: mouth.y - eyes.y };
  const width = Math.hypot(axis.x, axis.y);
  const height = Math.hypot(other.x, other.y);
  const determinant = axis.x * other.y - axis.y * other.x;
  if (Math.abs(determinant) < 1e-3 * Math.max(width, height, 1e-6) ** 2) {
    return { across: Math.sign(tip.x - eyes.x) * 1e3, down: 0 }; // eyes in one place: a full profile
  }
  const to = { x: tip.x - eyes.x, y: tip.y - eyes.y };
  const across = (to.x * other.y - to.y * other.x) / determinant;
  const down = (axis.x * to.y - axis.y * to.x) / determinant;
  return { across: bounded(across), down: bounded((down * height) / width) };
}

function at(points: readonly Point[], index: number): Point {
  const point = points[index];
  if (point === undefined) throw new RangeError(`there is no point ${index}`);
  return point;
}

function bounded(value: number): number {
  return Math.max(-1e3, Math.min(1e3, value));
}
