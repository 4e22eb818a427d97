// "This is what we send": every picture can be looked at before any leaves.

import type { SentFrame } from "../frames/record.ts";
import type { Step } from "../guiding/steps.ts";
import type { Capture } from "../server/capture.ts";
import { bytes, number, say, text } from "../words/words.ts";
import { button, h, heading } from "./elements.ts";
import { statementOf } from "./statement.ts";

export interface ReviewActs {
  send(): void;
  again(): void;
  stop(): void;
}

export class Review {
  readonly content: Node[];
  readonly #frames: readonly SentFrame[];
  readonly #steps: readonly Step[];
  readonly #face = picture();
  readonly #thumbnail = picture();
  readonly #none = h("p", { class: "none", say: "review.no-thumbnail" });
  readonly #position = h("output", { attributes: { for: "moment" } });
  readonly #slider: HTMLInputElement;
  #addresses: string[] = [];

  constructor(frames: readonly SentFrame[], steps: readonly Step[], size: number, capture: Capture, acts: ReviewActs) {
    this.#frames = frames;
    this.#steps = steps;
    const { statement, tries_left: left } = capture;
    const first = Math.max(
      0,
      frames.findIndex((frame) => frame.thumbnail.length > 0),
    );
    const attributes = { type: "range", id: "moment", min: "0", max: String(frames.length - 1), value: String(first) };
    this.#slider = h("input", { label: "review.browse", attributes });
    this.#slider.addEventListener("input", () => this.#show(this.#slider.valueAsNumber));
    const pictures = frames.length + frames.filter((frame) => frame.thumbnail.length > 0).length;
    this.content = [
      heading("review.title"),
      h("p", { class: "lead", say: "review.text" }),
      h(
        "div",
        { class: "crops" },
        h("figure", {}, this.#face, h("figcaption", { say: "review.face" })),
        h(
          "figure",
          {},
          h("div", { class: "slot" }, this.#thumbnail, this.#none),
          h("figcaption", { say: "review.thumbnail" }),
        ),
      ),
      h(
        "div",
        { class: "browse" },
        button("review.previous", () => this.#move(-1)),
        h("div", { class: "slide" }, this.#slider, this.#position),
        button("review.next", () => this.#move(1)),
      ),
      h(
        "dl",
        { class: "sums" },
        ...sum("review.moments", () => number(frames.length)),
        ...sum("review.pictures", () => number(pictures)),
        ...sum("review.bytes", () => bytes(size)),
      ),
      h("p", { say: "review.also" }),
      ...(statement === null ? [] : [statementOf(statement)]),
      h(
        "div",
        { class: "buttons" },
        button("review.send", acts.send),
        left > 0 ? button("review.again.left", acts.again, "plain", { tries: () => number(left) }) : null,
        button("review.stop", acts.stop),
      ),
    ];
    this.#show(first);
  }

  /** Gives the pictures' addresses back. */
  leave(): void {
    for (const address of this.#addresses) URL.revokeObjectURL(address);
    this.#addresses = [];
  }

  #move(by: number): void {
    this.#slider.valueAsNumber = this.#slider.valueAsNumber + by;
    this.#show(this.#slider.valueAsNumber);
  }

  #show(index: number): void {
    const frame = this.#frames[index];
    if (frame === undefined) return;
    this.leave();
    const position = number(index + 1);
    const at = { number: () => number(index + 1) };
    this.#put(this.#face, frame.face);
    say(this.#face, "review.face.alt", at, "alt");
    this.#thumbnail.hidden = frame.thumbnail.length === 0;
    this.#none.hidden = frame.thumbnail.length > 0;
    if (frame.thumbnail.length > 0) {
      this.#put(this.#thumbnail, frame.thumbnail);
      say(this.#thumbnail, "review.thumbnail.alt", at, "alt");
    }
    const kind = this.#steps.find((step) => step.index === frame.step)?.kind ?? "look";
    const values = { ...at, count: () => number(this.#frames.length), step: () => text(`step.${kind}`) };
    say(this.#position, "review.position", values);
    this.#slider.setAttribute("aria-valuetext", position);
  }

  #put(image: HTMLImageElement, jpeg: Uint8Array<ArrayBuffer>): void {
    const address = URL.createObjectURL(new Blob([jpeg], { type: "image/jpeg" }));
    this.#addresses.push(address);
    image.src = address;
  }
}

function picture(): HTMLImageElement {
  return h("img", { attributes: { decoding: "sync" } });
}

function sum(key: "review.moments" | "review.pictures" | "review.bytes", value: () => string): Node[] {
  // Said through a text with one place for the figure, so that it is written anew with the language.
  return [h("dt", { say: key }), h("dd", { say: "figure", with: { figure: value } })];
}
