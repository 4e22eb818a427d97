// When a step is done, judged on the device so that the next can be asked for. The server judges the same frames anew;
// these limits are a little stricter than its own (src/facekeep/face/pad/challenge.py).

import type { Measures } from "./measures.ts";

export const STEP_KINDS = ["look", "turn-left", "turn-right", "nod", "blink", "smile", "come-closer", "light"] as const;
export type StepKind = (typeof STEP_KINDS)[number];

/** A step as the server asks it. */
export interface Step {
  readonly index: number;
  readonly kind: StepKind;
  readonly seconds: number;
  readonly colours: readonly string[];
}

/** What the face is like when it only looks: medians of the step "look". */
export interface Baseline {
  readonly yaw: number;
  readonly pitch: number;
  readonly mouthWidth: number;
  readonly faceWidth: number;
}

/** Where a step stands: begun, the way there done and the way back left, or done. */
export type Standing = "begun" | "back" | "done";

export const LOOK_SECONDS = 5.5;
export const TURN = { there: 26, back: 14 }; // degrees from the baseline
export const NOD = { there: 13, back: 6 };
export const EYES = { closed: 0.25, open: 0.7 };
export const SMILE = 1.16; // of the baseline's width
export const CLOSER = 1.45;
const HELD = 0.25; // seconds
const BACK_WAITS = 1.5; // seconds before the end, when the way back is no longer waited for

export function baselineOf(frames: readonly Measures[]): Baseline {
  if (frames.length === 0) throw new RangeError("a baseline takes frames");
  return {
    yaw: median(frames.map((frame) => frame.yaw)),
    pitch: median(frames.map((frame) => frame.pitch)),
    mouthWidth: median(frames.map((frame) => frame.mouthWidth)),
    faceWidth: median(frames.map((frame) => frame.faceWidth)),
  };
}

/** Watches one active step. */
export class Watcher {
  readonly #kind: StepKind;
  readonly #baseline: Baseline;
  readonly #seconds: number;
  #standing: Standing = "begun";
  #heldSince: number | null = null;
  #seenOpen = false;

  constructor(step: Step, baseline: Baseline) {
    this.#kind = step.kind;
    this.#baseline = baseline;
    this.#seconds = step.seconds;
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** @param at seconds since the step was asked, growing. */
  see(measures: Measures, at: number): Standing {
    if (this.#standing === "begun" && this.#held(this.#there(measures), at)) {
      this.#standing = this.#comesBack() ? "back" : "done";
    } else if (this.#standing === "back" && (this.#isBack(measures) || at > this.#seconds - BACK_WAITS)) {
      this.#standing = "done";
    }
    return this.#standing;
  }

  #comesBack(): boolean {
    return this.#kind !== "smile" && this.#kind !== "come-closer";
  }

  /** Whether something has been so for long enough; closed eyes are believed at once, they open again. */
  #held(there: boolean, at: number): boolean {
    if (!there) this.#heldSince = null;
    else this.#heldSince ??= at;
    const wanted = this.#kind === "blink" || this.#kind === "nod" ? 0 : HELD;
    return this.#heldSince !== null && at - this.#heldSince >= wanted;
  }

  #there(measures: Measures): boolean {
    switch (this.#kind) {
      case "turn-left":
        return measures.yaw - this.#baseline.yaw >= TURN.there;
      case "turn-right":
        return this.#baseline.yaw - measures.yaw >= TURN.there;
      case "nod":
        return measures.pitch - this.#baseline.pitch >= NOD.there;
      case "blink":
        this.#seenOpen ||= measures.eyesOpen >= EYES.open;
        return this.#seenOpen && measures.eyesOpen <= EYES.closed;
      case "smile":
        return measures.mouthWidth >= SMILE * this.#baseline.mouthWidth;
      case "come-closer":
        return measures.faceWidth >= CLOSER * this.#baseline.faceWidth;
      case "look":
      case "light":
        return false;
    }
  }

  #isBack(measures: Measures): boolean {
    switch (this.#kind) {
      case "turn-left":
      case "turn-right":
        return Math.abs(measures.yaw - this.#baseline.yaw) <= TURN.back;
      case "nod":
        return measures.pitch - this.#baseline.pitch <= NOD.back;
      case "blink":
        return measures.eyesOpen >= EYES.open;
      default:
        return true;
    }
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
