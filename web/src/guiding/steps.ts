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
export type Baseline = Omit<Measures, "pitch" | "roll">;

/** Where a step stands: begun, the way there done and the way back left, or done. */
export type Standing = "begun" | "back" | "done";

/** How a step shows: a figure against the baseline, which has to rise from low to high; and whether it has to fall. */
interface Action {
  readonly figure: (now: Measures, base: Baseline) => number;
  readonly high: number;
  readonly low: number;
  /** Frames in a row. */
  readonly frames: number;
  /** Whether the way back is waited for: always, or for as long as there is time for it. */
  readonly back: "always" | "in time" | "never";
}

export const LOOK_SECONDS = 5.5;
const BACK_WAITS = 1.5; // seconds before the end, when a way back is no longer waited for
const FRONTAL = 12; // degrees of yaw from the baseline within which the mouth is judged
const WIDER = 4;

const ACTIONS: Readonly<Partial<Record<StepKind, Action>>> = {
  "turn-left": { figure: (now, base) => now.yaw - base.yaw, high: 17, low: 6, frames: 2, back: "in time" },
  "turn-right": { figure: (now, base) => base.yaw - now.yaw, high: 17, low: 6, frames: 2, back: "in time" },
  nod: { figure: (now, base) => now.nod - base.nod, high: 0.17, low: 0.06, frames: 2, back: "always" },
  blink: { figure: eyesGone, high: 0.65, low: 0.3, frames: 1, back: "always" },
  smile: { figure: smileMore, high: 0.08, low: 0.03, frames: 2, back: "never" },
  "come-closer": {
    figure: (now, base) => now.faceWidth / base.faceWidth,
    high: 1.43,
    low: 1.17,
    frames: 2,
    back: "never",
  },
};

function eyesGone(now: Measures, base: Baseline): number {
  return base.eyesOpen >= 0.5 ? 1 - now.eyesOpen / base.eyesOpen : 0;
}

function smileMore(now: Measures, base: Baseline): number {
  if (Math.abs(now.yaw - base.yaw) > FRONTAL) return Number.NaN;
  // A nod brings the mouth's corners nearer to the nose as a smile does, but makes no mouth wider.
  return Math.min(now.smile - base.smile, WIDER * (now.mouthWidth - base.mouthWidth));
}

export function baselineOf(frames: readonly Measures[]): Baseline {
  if (frames.length === 0) throw new RangeError("a baseline takes frames");
  const middle = (name: keyof Baseline) => median(frames.map((frame) => frame[name]));
  return {
    yaw: middle("yaw"),
    eyesOpen: middle("eyesOpen"),
    mouthWidth: middle("mouthWidth"),
    nod: middle("nod"),
    smile: middle("smile"),
    faceWidth: Math.max(1, middle("faceWidth")),
  };
}

/** Watches one active step. Only frames that are kept count: the server sees no others. */
export class Watcher {
  readonly #action: Action | undefined;
  readonly #baseline: Baseline;
  readonly #seconds: number;
  #standing: Standing = "begun";
  #wasLow = false;
  #row = 0;
  #moving = false;

  constructor(step: Step, baseline: Baseline) {
    this.#action = ACTIONS[step.kind];
    this.#baseline = baseline;
    this.#seconds = step.seconds;
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** Whether something has begun: then frames are to be kept as fast as they may be. */
  get moving(): boolean {
    return this.#moving;
  }

  /**
   * Looks at a frame.
   *
   * @param kept whether it is one of those that are sent.
   * @param at seconds since the step was asked, growing.
   */
  see(measures: Measures, kept: boolean, at: number): Standing {
    const action = this.#action;
    if (action === undefined) return this.#standing;
    const figure = action.figure(measures, this.#baseline);
    if (!Number.isFinite(figure)) return this.#standing;
    this.#moving = figure >= action.low;
    if (!kept) return this.#standing;
    if (this.#standing === "begun") {
      // What began before the step was asked counts for nothing: it has to have been low within the step.
      this.#wasLow ||= figure < action.low;
      this.#row = this.#wasLow && figure >= action.high ? this.#row + 1 : 0;
      if (this.#row >= action.frames) this.#standing = action.back === "never" ? "done" : "back";
    } else if (figure < action.low || (action.back === "in time" && at > this.#seconds - BACK_WAITS)) {
      this.#standing = "done";
    }
    return this.#standing;
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
