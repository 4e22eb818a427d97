// Frame after frame from the camera through the worker: as many as this device bears, the rest is passed over.

import type { Camera } from "../camera/camera.ts";
import type { Engine } from "../engine/engine.ts";
import type { FrameAnswer, Wanted } from "../engine/messages.ts";

export interface Taker {
  /** A frame was presented, at milliseconds by the camera's clock. */
  presented(at: number): void;
  /** What is wanted of the frame of this time. */
  wanted(at: number): Wanted;
  /** What was seen in it. */
  saw(answer: FrameAnswer, at: number): void;
  failed(error: unknown): void;
}

export class Loop {
  #taker: Taker;
  #busy = false;
  #stopped = false;

  constructor(camera: Camera, engine: Engine, taker: Taker, lost: () => void) {
    this.#taker = taker;
    camera.watch((at) => {
      if (this.#stopped) return;
      this.#taker.presented(at);
      if (this.#busy) return;
      this.#busy = true;
      const taking = this.#taker;
      camera
        .grab()
        .then((picture) => engine.look(picture, taking.wanted(at)))
        .then(
          (answer) => {
            this.#busy = false;
            if (!this.#stopped) taking.saw(answer, at);
            else answer.preview.close();
          },
          (error: unknown) => {
            this.#busy = false;
            if (!this.#stopped) taking.failed(error);
          },
        );
    }, lost);
  }

  /** From now on, another one takes the frames. */
  hand(taker: Taker): void {
    this.#taker = taker;
  }

  stop(): void {
    this.#stopped = true;
  }
}
