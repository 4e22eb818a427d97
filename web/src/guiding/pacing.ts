// Which frames are kept: at most 12 in a second, 240 in a try, and enough left for the steps that may still be asked.

import { FRAMES_MOST } from "../frames/container.ts";
import type { Step } from "./steps.ts";

const INTERVAL = 84; // milliseconds: no second has more than 12
const ACTIVE_STEPS = 3;
const ACTIVE_RESERVE = 40; // frames kept back for each active step to come
const LIGHT_RESERVE = 36;
const AT_ONCE = 0.6; // of what a step may take is taken as fast as frames may come, the rest over the time left
const THUMBNAIL_EVERY = 4;
const THUMBNAILS_OF_LOOK = 14;
const THUMBNAILS_OF_ACTIVE = 6; // 14 + 3 × 6 = 32

/** Decides on each frame of one try. */
export class Pacer {
  #taken = 0;
  #last = Number.NEGATIVE_INFINITY;
  #ofStep = 0;
  #thumbnails = 0;
  #budget = 0;
  #until = 0;
  #step: Step | null = null;

  /** @param at milliseconds by the camera's clock. */
  begin(step: Step, at: number): void {
    this.#step = step;
    this.#ofStep = 0;
    this.#thumbnails = 0;
    this.#until = at + step.seconds * 1000;
    this.#budget = FRAMES_MOST - this.#taken - reserveAfter(step);
  }

  /**
   * Whether a frame of this time is to be kept.
   *
   * @param moving whether what was asked has begun: then none is spared.
   */
  due(at: number, moving = false): boolean {
    const left = this.#budget - this.#ofStep;
    if (this.#step === null || left <= 0) return false;
    const hurried = moving || this.#ofStep < AT_ONCE * this.#budget;
    const interval = hurried ? INTERVAL : Math.max(INTERVAL, (this.#until - at) / left);
    return at - this.#last >= interval;
  }

  /** Whether the frame that is due has a thumbnail. */
  get thumbnailDue(): boolean {
    const kind = this.#step?.kind;
    if (kind === undefined || kind === "come-closer" || kind === "light") return false;
    const most = kind === "look" ? THUMBNAILS_OF_LOOK : THUMBNAILS_OF_ACTIVE;
    return this.#thumbnails < most && this.#ofStep % THUMBNAIL_EVERY === 0;
  }

  took(at: number, withThumbnail: boolean): void {
    this.#last = at;
    this.#taken += 1;
    this.#ofStep += 1;
    if (withThumbnail) this.#thumbnails += 1;
  }
}

function reserveAfter(step: Step): number {
  if (step.kind === "light") return 0;
  return Math.max(0, ACTIVE_STEPS - step.index) * ACTIVE_RESERVE + LIGHT_RESERVE;
}
