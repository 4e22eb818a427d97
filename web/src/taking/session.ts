// Camera, worker and preview while a face is placed and the steps of a try are done.

import { Camera } from "../camera/camera.ts";
import type { Engine } from "../engine/engine.ts";
import { type CameraDescription, container } from "../frames/container.ts";
import type { SentFrame } from "../frames/record.ts";
import { type Advice, Guide } from "../guiding/guidance.ts";
import type { Step } from "../guiding/steps.ts";
import type { Stage } from "../views/stage.ts";
import { type AskNext, Attempt, type Begun, type Listener } from "./attempt.ts";
import { Loop, type Taker } from "./loop.ts";

/** The frames of a whole try, and what is to be sent of them. */
export interface Taken {
  readonly frames: readonly SentFrame[];
  readonly steps: readonly Step[];
  readonly body: Uint8Array<ArrayBuffer>;
}

export type TryListener = Omit<Listener, "finished"> & { taken(taken: Taken): void };

export interface Follower {
  advised(advice: Advice): void;
  failed(error: unknown): void;
  lost(): void;
}

export class Session {
  readonly #camera: Camera;
  readonly #loop: Loop;
  readonly #stage: Stage;
  readonly #guide = new Guide();
  readonly #follower: Follower;

  private constructor(camera: Camera, engine: Engine, stage: Stage, follower: Follower) {
    this.#camera = camera;
    this.#stage = stage;
    this.#follower = follower;
    this.#loop = new Loop(camera, engine, this.#placing(), () => follower.lost());
  }

  /** Opens the camera and begins to look. Throws CameraError. */
  static async open(engine: Engine, stage: Stage, follower: Follower): Promise<Session> {
    return new Session(await Camera.open(), engine, stage, follower);
  }

  /** Begins a try; it goes on until the listener hears of its end. */
  attempt(begun: Begun, ask: AskNext, listener: TryListener): Attempt {
    const steps: Step[] = [];
    const attempt: Attempt = new Attempt(begun, ask, {
      asked: (step) => {
        steps.push(step);
        listener.asked(step);
      },
      standing: (standing, done) => listener.standing(standing, done),
      late: (step) => listener.late(step),
      failed: (error) => listener.failed(error),
      finished: (frames) => {
        const camera: CameraDescription = this.#camera.describe(attempt.intervals);
        this.close();
        listener.taken({ frames, steps, body: container(attempt.number, camera, frames, attempt.secondFaces) });
      },
    });
    const placing = this.#placing();
    this.#loop.hand({
      presented: (at) => attempt.presented(at),
      wanted: (at) => attempt.wanted(at),
      saw: (answer, at) => {
        placing.saw(answer, at);
        attempt.saw(answer, at);
      },
      failed: placing.failed,
    });
    return attempt;
  }

  close(): void {
    this.#loop.stop();
    this.#camera.close();
  }

  #placing(): Taker {
    return {
      presented: () => undefined,
      wanted: () => "nothing",
      saw: (answer, at) => {
        this.#stage.show(answer);
        this.#follower.advised(this.#guide.look(answer.seen, at / 1000));
      },
      failed: (error) => this.#follower.failed(error),
    };
  }
}
