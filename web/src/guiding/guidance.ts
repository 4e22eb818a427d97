// One thing at a time that the person can do better, without flicker.
//
// Nothing is said of masks: the landmark model gives no confidence and guesses covered points, so that this device
// cannot know. The general advice beside the picture names them.

import type { Box } from "../frames/geometry.ts";
import type { Pose } from "./measures.ts";

export const ADVICE = [
  "no-face",
  "one-face",
  "come-closer",
  "move-back",
  "to-the-middle",
  "more-light",
  "less-light",
  "look-straight",
  "good",
] as const;
export type Advice = (typeof ADVICE)[number];

export interface Seen {
  readonly faces: number;
  readonly box: Box | null;
  readonly pictureWidth: number;
  readonly pictureHeight: number;
  readonly pose: Pose | null;
  /** Mean luminance of the face, 0 to 1. */
  readonly luminance: number;
  /** Share of the face that is overexposed, 0 to 1. */
  readonly overexposed: number;
}

// Each limit has a figure to enter "good" and one to leave it.
const SMALLEST = { enter: 0.3, leave: 0.26 }; // the box's larger share of the picture's sides
const LARGEST = { enter: 0.58, leave: 0.64 }; // leaves room to come closer by 1.4
const FROM_MIDDLE = { enter: 0.18, leave: 0.22 };
const DARK = { enter: 0.2, leave: 0.16 };
const BRIGHT = { enter: 0.12, leave: 0.2 };
const YAW = { enter: 12, leave: 16 };
const PITCH = { enter: 14, leave: 18 };
const FACE_PIXELS = 80; // below that, a face crop has less than its least side and a margin

/** What is to be done about one frame, given what was said before. */
export function judge(seen: Seen, before: Advice): Advice {
  const edge = before === "good" ? "leave" : "enter";
  const { box, pose } = seen;
  if (seen.faces === 0 || box === null || pose === null) return "no-face";
  if (seen.faces > 1) return "one-face";
  const share = Math.max(box.width / seen.pictureWidth, box.height / seen.pictureHeight);
  if (share < SMALLEST[edge] || Math.max(box.width, box.height) < FACE_PIXELS) return "come-closer";
  if (share > LARGEST[edge]) return "move-back";
  const across = Math.abs(box.left + box.width / 2 - seen.pictureWidth / 2) / seen.pictureWidth;
  const down = Math.abs(box.top + box.height / 2 - seen.pictureHeight / 2) / seen.pictureHeight;
  if (Math.max(across, down) > FROM_MIDDLE[edge]) return "to-the-middle";
  if (seen.luminance < DARK[edge]) return "more-light";
  if (seen.overexposed > BRIGHT[edge]) return "less-light";
  if (Math.abs(pose.yaw) > YAW[edge] || Math.abs(pose.pitch) > PITCH[edge]) return "look-straight";
  return "good";
}

const HOLD = 0.4; // seconds that something else has to be true before it is said

/** Says what to do; changes its mind only when another thing has held for a while. */
export class Guide {
  #said: Advice = "no-face";
  #next: Advice = "no-face";
  #since = 0;

  get said(): Advice {
    return this.#said;
  }

  /** @param at seconds, growing. */
  look(seen: Seen, at: number): Advice {
    const judged = judge(seen, this.#said);
    if (judged === this.#said || judged !== this.#next) {
      this.#next = judged;
      this.#since = at;
    } else if (at - this.#since >= HOLD) {
      this.#said = judged;
    }
    return this.#said;
  }
}
