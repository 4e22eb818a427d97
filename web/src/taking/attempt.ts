// One try: the frames of its steps, kept on the device, and the heads of their chain, told at each change of step.

import type { FrameAnswer, Wanted } from "../engine/messages.ts";
import { FRAMES_MOST } from "../frames/container.ts";
import { Chain, type SentFrame } from "../frames/record.ts";
import type { Measures } from "../guiding/measures.ts";
import { Pacer } from "../guiding/pacing.ts";
import { type Baseline, baselineOf, LOOK_SECONDS, type Standing, type Step, Watcher } from "../guiding/steps.ts";

/** A try as the server began it. */
export interface Begun {
  readonly try: number;
  readonly nonce: string;
  readonly step: Step;
}

export interface Listener {
  /** A step is asked now. */
  asked(step: Step): void;
  /** Where it stands: done by so much of what it takes, 0 to 1. */
  standing(standing: Standing, done: number): void;
  /** A step was not done in its time. */
  late(step: Step): void;
  /** All steps were asked, and these are the frames. */
  finished(frames: readonly SentFrame[]): void;
  failed(error: unknown): void;
}

/** Asks the server for the next step, telling how many frames are fixed and by which head. */
export type AskNext = (frames: number, head: string) => Promise<Step | null>;

const LIGHT_MARGIN = 0.5; // seconds of a step of light that are left for the network
const SETTLE = 150; // milliseconds until a screen shows its first colour, and a camera sees it
const INTERVALS_MOST = 600;
const STEP_FRAMES_LEAST = 6; // of every step; the server asks it of the first and of those that show depth

export class Attempt {
  readonly number: number;
  readonly intervals: number[] = [];
  /** Milliseconds since the first frame at which a second face was seen, and nothing was kept. */
  readonly secondFaces: number[] = [];
  readonly #chain: Chain;
  readonly #pacer = new Pacer();
  readonly #ask: AskNext;
  readonly #listener: Listener;
  readonly #now: () => number;
  readonly #frames: SentFrame[] = [];
  readonly #looked: Measures[] = [];
  #baseline: Baseline | null = null;
  #watcher: Watcher | null = null;
  #step: Step;
  #askedAt = 0; // by the page's clock
  #first: number | null = null; // by the camera's clock, as the two that follow
  #lastPresented: number | null = null;
  #stepFirst: number | null = null;
  #open = false; // whether frames are taken: not while a head is on its way
  #thumbnail = false;

  constructor(begun: Begun, ask: AskNext, listener: Listener, now: () => number = () => performance.now()) {
    this.number = begun.try;
    this.#chain = new Chain(begun.nonce);
    this.#ask = ask;
    this.#listener = listener;
    this.#now = now;
    this.#step = begun.step;
    this.#begin(begun.step);
  }

  get step(): Step {
    return this.#step;
  }

  /** Seconds of the step that are left. */
  get left(): number {
    return Math.max(0, this.#step.seconds - this.#elapsed);
  }

  /** Which of the step's colours the screen shows now. */
  get colour(): number {
    const each = (this.#step.seconds - LIGHT_MARGIN) / Math.max(1, this.#step.colours.length);
    return Math.min(this.#step.colours.length - 1, Math.floor(this.#elapsed / each));
  }

  presented(at: number): void {
    if (this.#lastPresented !== null && this.intervals.length < INTERVALS_MOST) {
      this.intervals.push(Math.round((at - this.#lastPresented) * 10) / 10);
    }
    this.#lastPresented = at;
    if (this.#open && this.#elapsed > this.#step.seconds) {
      this.#open = false;
      this.#listener.late(this.#step);
    }
  }

  wanted(at: number): Wanted {
    if (!this.#open) return "nothing";
    if (this.#step.kind === "light" && this.#elapsed * 1000 < SETTLE) return "nothing";
    if (this.#stepFirst === null) {
      this.#pacer.begin(this.#step, at);
      this.#stepFirst = at;
    }
    if (!this.#pacer.due(at, this.#watcher?.moving ?? false)) return "nothing";
    this.#thumbnail = this.#pacer.thumbnailDue;
    return this.#thumbnail ? "face and thumbnail" : "face";
  }

  saw(answer: FrameAnswer, at: number): void {
    if (!this.#open) return;
    if (answer.crops !== null) this.#keep(answer, at);
    if (answer.accompanied) this.#note(at);
    // A step without a frame is none.
    // A slow device takes few frames while something is done: some more are taken after it, which the server needs.
    if (this.#isDone(answer, at) && this.#taken() >= STEP_FRAMES_LEAST) this.#next();
  }

  #keep(answer: FrameAnswer, at: number): void {
    const { crops, seen } = answer;
    if (crops === null) return;
    this.#first ??= at;
    const frame: SentFrame = {
      at: Math.round(at - this.#first),
      step: this.#step.index,
      box: crops.box,
      cameraWidth: seen.pictureWidth,
      cameraHeight: seen.pictureHeight,
      face: crops.face,
      thumbnail: crops.thumbnail,
    };
    this.#frames.push(frame);
    this.#chain.add(frame);
    this.#pacer.took(at, crops.thumbnail.length > 0);
    if (this.#step.kind === "look" && answer.measures !== null) this.#looked.push(answer.measures);
  }

  #note(at: number): void {
    if (this.#first === null || this.secondFaces.length === FRAMES_MOST) return;
    const time = Math.round(at - this.#first);
    if (time > (this.secondFaces.at(-1) ?? -1)) this.secondFaces.push(time);
  }

  #isDone({ measures, crops }: FrameAnswer, at: number): boolean {
    if (this.#step.kind === "light") {
      const whole = this.#step.seconds - LIGHT_MARGIN;
      this.#listener.standing("begun", Math.min(1, this.#elapsed / whole));
      return this.#elapsed >= whole;
    }
    if (this.#step.kind === "look") {
      const since = this.#looked.length === 0 || this.#stepFirst === null ? 0 : (at - this.#stepFirst) / 1000;
      this.#listener.standing("begun", Math.min(1, since / LOOK_SECONDS));
      return since >= LOOK_SECONDS && this.#frameSpan() >= 5;
    }
    if (measures === null || this.#watcher === null) return false;
    const standing = this.#watcher.see(measures, crops !== null, this.#elapsed);
    this.#listener.standing(standing, { begun: 0, back: 0.6, done: 1 }[standing]);
    return standing === "done";
  }

  /** Frames of this step so far. */
  #taken(): number {
    return this.#frames.filter((frame) => frame.step === this.#step.index).length;
  }

  /** Seconds between the first and the last frame of "look". */
  #frameSpan(): number {
    return (this.#frames.at(-1)?.at ?? 0) / 1000;
  }

  #next(): void {
    this.#open = false;
    if (this.#step.kind === "look") this.#baseline = baselineOf(this.#looked);
    this.#chain
      .head()
      .then((head) => this.#ask(this.#chain.count, head))
      .then((step) => (step === null ? this.#listener.finished(this.#frames) : this.#begin(step)))
      .catch((error: unknown) => this.#listener.failed(error));
  }

  #begin(step: Step): void {
    this.#step = step;
    this.#stepFirst = null;
    this.#watcher = this.#baseline === null ? null : new Watcher(step, this.#baseline);
    this.#askedAt = this.#now();
    this.#open = true;
    this.#listener.asked(step);
  }

  get #elapsed(): number {
    return (this.#now() - this.#askedAt) / 1000;
  }
}
