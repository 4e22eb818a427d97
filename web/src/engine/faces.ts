// What fr_detect's outputs mean: boxes with scores, overlaps removed, the largest first.

import { type Box, longerSide, overlap } from "../frames/geometry.ts";

export interface Face extends Box {
  /** The detector's own figure, 0.7 to 1. */
  readonly score: number;
}

const CONFIDENCE = 0.7;
const OVERLAP = 0.3;
const OTHER_SIDE = 0.3; // of the subject's: smaller faces are far behind, and no crop shows them

// What the server's gate asks of a crop (src/facekeep/face/pad/gate.py), 0.5 and 0.3, with a margin: the box of a face
// that is turned far jumps by up to 0.051 of a face crop's side between pictures that differ by a level (3,960 pairs,
// 60 people). Of thumbnails that was not measured; rightly made ones have 0.346 and more.
const SHARE = { face: 0.56, thumbnail: 0.34 };
const ANOTHER = 0.85;
const SURE = 0.9; // as the gate: from which a second face is told of

/**
 * Faces in pixels of the picture.
 *
 * @param scores (none, face) of each candidate.
 * @param edges left, top, right, bottom of each, as fractions of the picture.
 */
export function facesOf(scores: Float32Array, edges: Float32Array, width: number, height: number): Face[] {
  const found: Face[] = [];
  for (let index = 0; index < scores.length / 2; index++) {
    const score = scores[2 * index + 1] ?? 0;
    if (score < CONFIDENCE) continue;
    const [left = 0, top = 0, right = 0, bottom = 0] = edges.subarray(4 * index, 4 * index + 4);
    const sides = { width: (right - left) * width, height: (bottom - top) * height };
    if (sides.width > 0 && sides.height > 0) found.push({ left: left * width, top: top * height, ...sides, score });
  }
  found.sort((a, b) => b.score - a.score);
  const kept: Face[] = [];
  for (const face of found) {
    if (kept.every((other) => overlap(face, other) <= OVERLAP)) kept.push(face);
  }
  return kept.sort((a, b) => b.width * b.height - a.width * a.height);
}

/** The faces that count: the largest, and others that are not far smaller. */
export function counted(faces: readonly Face[]): Face[] {
  const [subject] = faces;
  if (subject === undefined) return [];
  const least = OTHER_SIDE * Math.sqrt(subject.width * subject.height);
  return faces.filter((face) => Math.sqrt(face.width * face.height) >= least);
}

/** Whether, of the faces that count, one beside the subject's is seen for sure. */
export function accompanied(faces: readonly Face[]): boolean {
  return faces.length > 1 && faces.filter((face) => face.score >= SURE).length > 1;
}

/** Whether the server would admit a crop in which these faces are: one face alone, which fills enough of it. */
export function admissible(faces: readonly Face[], side: number, kind: keyof typeof SHARE): boolean {
  const best = [...faces].sort((a, b) => b.score - a.score);
  const [subject, ...others] = best;
  if (subject === undefined || others.some((face) => face.score >= ANOTHER)) return false;
  return longerSide(subject) >= SHARE[kind] * side;
}
