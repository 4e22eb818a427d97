// Where the blurred preview is shown while a face is placed and steps are done.

import type { FrameAnswer } from "../engine/messages.ts";
import { h } from "./elements.ts";

export class Stage {
  readonly canvas = h("canvas", { class: "preview", label: "place.picture", attributes: { role: "img" } });
  readonly #context = this.canvas.getContext("bitmaprenderer");
  #seen = false;

  /** Shows a frame as the worker blurred it. */
  show(answer: FrameAnswer): void {
    const { preview } = answer;
    if (this.canvas.width !== preview.width || this.canvas.height !== preview.height) {
      this.canvas.width = preview.width;
      this.canvas.height = preview.height;
    }
    if (this.#context === null) preview.close();
    else this.#context.transferFromImageBitmap(preview);
    if (!this.#seen && answer.seen.faces === 1) {
      this.#seen = true;
      performance.mark("facekeep:face");
    }
  }
}
