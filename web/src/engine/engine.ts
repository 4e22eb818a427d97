// The page's side of the worker: one frame at a time.

import type { Answer, FrameAnswer, FrameRequest, Wanted } from "./messages.ts";

export class EngineError extends Error {}

export class Engine {
  readonly #worker: Worker;
  readonly #ready: Promise<void>;
  #waiting: { resolve: (answer: FrameAnswer) => void; reject: (error: EngineError) => void } | null = null;

  /** Starts to load runtime and models. */
  constructor() {
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    this.#ready = new Promise((resolve, reject) => {
      const fail = (reason: string) => {
        const error = new EngineError(reason);
        reject(error);
        this.#waiting?.reject(error);
        this.#waiting = null;
      };
      this.#worker.addEventListener("error", (event) => fail(event.message || "the worker did not start"));
      this.#worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => {
        if (data.kind === "ready") {
          performance.mark("facekeep:ready");
          resolve();
        } else if (data.kind === "failed") {
          fail(data.reason);
        } else {
          const waiting = this.#waiting;
          this.#waiting = null;
          waiting?.resolve(data);
        }
      });
    });
    this.#ready.catch(() => undefined); // whoever waits for it is told
  }

  /** Runtime and models are loaded. Rejects with EngineError if they cannot be. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  get busy(): boolean {
    return this.#waiting !== null;
  }

  /** Looks at a picture, which is handed over and gone afterwards. */
  look(picture: ImageBitmap, wanted: Wanted): Promise<FrameAnswer> {
    if (this.busy) throw new EngineError("one frame at a time");
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      const request: FrameRequest = { picture, wanted };
      this.#worker.postMessage(request, [picture]);
    });
  }

  close(): void {
    this.#worker.terminate();
    this.#waiting?.reject(new EngineError("closed"));
    this.#waiting = null;
  }
}
