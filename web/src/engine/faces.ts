// What fr_detect's outputs mean: boxes with scores, overlaps removed, the largest first.

import { type Box, overlap } from "../frames/geometry.ts";

export const CONFIDENCE = 0.7;
const OVERLAP = 0.3;
const OTHER_SIDE = 0.3; // of the subject's: smaller faces are far behind, and no crop shows them

/**
 * Faces in pixels of the picture.
 *
 * @param scores (none, face) of each candidate.
 * @param edges left, top, right, bottom of each, as fractions of the picture.
 */
export function facesOf(scores: Float32Array, edges: Float32Array, width: number, height: number): Box[] {
  const found: { score: number; box: Box }[] = [];
  for (let index = 0; index < scores.length / 2; index++) {
    const score = scores[2 * index + 1] ?? 0;
    if (score < CONFIDENCE) continue;
    const [left = 0, top = 0, right = 0, bottom = 0] = edges.subarray(4 * index, 4 * index + 4);
    const box = {
      left: left * width,
      top: top * height,
      width: (right - left) * width,
      height: (bottom - top) * height,
    };
    if (box.width > 0 && box.height > 0) found.push({ score, box });
  }
  found.sort((a, b) => b.score - a.score);
  const kept: Box[] = [];
  for (const { box } of found) {
    if (kept.every((other) => overlap(box, other) <= OVERLAP)) kept.push(box);
  }
  return kept.sort((a, b) => b.width * b.height - a.width * a.height);
}

/** The faces that count: the largest, and others that are not far smaller. */
export function counted(faces: readonly Box[]): Box[] {
  const [subject] = faces;
  if (subject === undefined) return [];
  const least = OTHER_SIDE * Math.sqrt(subject.width * subject.height);
  return faces.filter((face) => Math.sqrt(face.width * face.height) >= least);
}
