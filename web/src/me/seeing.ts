// Shows the person what reviewers are shown of them: opened in this browser, by the key that the capture page left here.

import { FormatError } from "../ledger/coding.ts";
import { clear, drawFace } from "../sealing/drawing.ts";
import { keyOf, type OwnKey, unlessUnsupported } from "../sealing/keys.ts";
import { opened, SealError } from "../sealing/opening.ts";
import { RequestError } from "../server/exchange.ts";
import { complaint, type Doing } from "../views/doing.ts";
import { button, h } from "../views/elements.ts";
import { type Key, number, say } from "../words/words.ts";
import { aboutSight, unseenBecause } from "./next.ts";
import type { OwnReview, Person, Picture } from "./server.ts";

/** What the server says of pictures that were destroyed meanwhile, and of those that are sealed to other keys. */
const UNSEEN: Readonly<Record<number, Key>> = { 404: "reviews.sight.other-key", 410: "reviews.sight.destroyed" };

/** The key of this browser, or null: where nobody was captured in it, or where it can have none. */
export const keyHere = (): Promise<OwnKey | null> => unlessUnsupported(() => keyOf("person"));

export class Seeing {
  readonly content: HTMLElement;
  readonly #person: Person;
  readonly #review: OwnReview;
  readonly #failed = complaint();
  readonly #panel = h("div", { class: "panel" });
  readonly #open: HTMLElement;
  #canvases: readonly HTMLCanvasElement[] = [];
  /** Counts what was asked to be shown: an answer that comes when nobody looks any more is not drawn. */
  #turn = 0;

  /** @param key of this browser. */
  constructor(person: Person, doing: Doing, review: OwnReview, key: OwnKey | null) {
    this.#person = person;
    this.#review = review;
    const unseen = unseenBecause(review, key !== null);
    const show = () => void doing.do(this.#failed, () => (key === null ? Promise.resolve() : this.#show(key)));
    this.#open = button(review.views.length === 0 ? "reviews.sight.could" : "reviews.sight.show", show);
    const about = h("p", { class: "note", say: unseen ?? aboutSight(review) });
    this.content = h("div", { class: "sight" }, about, unseen === null ? this.#open : null, this.#failed, this.#panel);
  }

  /** Takes the pictures away, with their pixels. */
  hide(): void {
    this.#turn += 1;
    for (const canvas of this.#canvases) clear(canvas);
    this.#canvases = [];
    this.#panel.replaceChildren();
    this.#open.hidden = false;
  }

  async #show(key: OwnKey): Promise<void> {
    this.hide();
    const turn = this.#turn;
    const { id, pictures: all } = this.#review;
    try {
      const pictures = await this.#person.pictures(id, key.id);
      if (turn !== this.#turn) return;
      const shown = pictures.map((picture) => ({ picture, canvas: canvasOf(picture) }));
      this.#canvases = shown.map(({ canvas }) => canvas);
      for (const { picture, canvas } of shown) {
        const png = await opened(picture, id, key);
        if (turn === this.#turn) await drawFace(canvas, png, "");
        else png.fill(0);
      }
      if (turn === this.#turn) this.#lay(shown, pictures.length < all.length);
      else for (const { canvas } of shown) clear(canvas); // it was left while it was drawn
    } catch (error) {
      this.hide();
      if (error instanceof SealError || error instanceof FormatError) say(this.#failed, "reviews.sight.damaged");
      else if (error instanceof RequestError && error.status in UNSEEN) this.#never(UNSEEN[error.status]);
      else throw error;
    }
  }

  #lay(shown: readonly { picture: Picture; canvas: HTMLCanvasElement }[], some: boolean): void {
    const hide = button("reviews.sight.hide", () => {
      this.hide();
      this.#open.focus();
    });
    const figures = shown.map(({ picture, canvas }) =>
      h("figure", {}, canvas, h("figcaption", { ...named(picture), attributes: { "aria-hidden": "true" } })),
    );
    this.#panel.replaceChildren(
      h("div", { class: "faces" }, ...figures),
      ...(some ? [h("p", { class: "note", say: "reviews.sight.some" })] : []),
      hide,
    );
    this.#open.hidden = true;
    hide.focus();
  }

  #never(why: Key = "reviews.sight.other-key"): void {
    this.#panel.replaceChildren(h("p", { say: why, attributes: { tabindex: "-1", role: "status" } }));
    this.#panel.querySelector("p")?.focus();
    this.#open.hidden = true;
  }
}

function canvasOf(picture: Picture): HTMLCanvasElement {
  const { say: label, with: values } = named(picture);
  return h("canvas", { label, with: values, attributes: { role: "img" } });
}

const named = ({ role, index }: Picture) =>
  ({ say: `reviews.picture.${role}`, with: { number: () => number(index + 1) } }) as const;
