// Shows the face to whoever says why: opened in this browser, for some seconds, and gone when nobody looks.

import { FormatError } from "../ledger/coding.ts";
import { clear, drawFace } from "../sealing/drawing.ts";
import type { OwnKey } from "../sealing/keys.ts";
import { opened, SealError } from "../sealing/opening.ts";
import { RequestError } from "../server/exchange.ts";
import { complaint, type Doing } from "../views/doing.ts";
import { button, h } from "../views/elements.ts";
import type { Page } from "../views/page.ts";
import { choiceOf } from "../views/picking.ts";
import { dateAndTime, say } from "../words/words.ts";
import { type FullReview, type Picture, type View, type ViewReason, view } from "./server.ts";

/** How long a face is shown at a time. */
export const SHOWN_SECONDS = 20;
const SECOND = 1000;

export class Showing {
  readonly content: HTMLElement;
  readonly #page: Page;
  readonly #doing: Doing;
  readonly #review: FullReview;
  readonly #key: OwnKey;
  readonly #failed = complaint();
  readonly #panel = h("div", { class: "panel" });
  readonly #open = button("face.show", () => this.ask(), "main");
  #canvases: readonly HTMLCanvasElement[] = [];
  #clock: ReturnType<typeof setInterval> | null = null;
  /** Counts what was asked to be shown: an answer that comes when nobody looks any more is not drawn. */
  #turn = 0;

  /** @param reasons for which it may be shown. */
  constructor(
    page: Page,
    doing: Doing,
    review: FullReview,
    key: OwnKey,
    readonly reasons: readonly ViewReason[],
  ) {
    this.#page = page;
    this.#doing = doing;
    this.#review = review;
    this.#key = key;
    this.content = h(
      "section",
      { attributes: { id: "face" } },
      h("h2", { say: "face.title" }),
      h("p", { say: "face.text" }),
      h("p", { class: "note", say: "face.camera" }),
      this.#open,
      this.#failed,
      this.#panel,
    );
    addEventListener("blur", this.#unseen);
    addEventListener("pagehide", this.#unseen);
    addEventListener("beforeprint", this.#unseen);
    document.addEventListener("visibilitychange", this.#unseen);
  }

  /** Asks why the face shall be shown. */
  ask(): void {
    this.hide();
    const failed = complaint();
    const why = choiceOf(
      "why",
      "face.why",
      this.reasons.map((reason) => [reason, `why.${reason}`] as const),
    );
    const show = async () => {
      const reason = why.chosen();
      if (reason === null) {
        say(failed, "face.why-missing");
        return;
      }
      try {
        await this.#show(reason, failed);
      } catch (error) {
        if (!(error instanceof RequestError && error.status === 404)) throw error;
        say(failed, "face.not-sealed");
      }
    };
    this.#panel.replaceChildren(
      why.content,
      h("p", { class: "note", say: "face.written" }),
      failed,
      h(
        "div",
        { class: "buttons" },
        button("face.now", () => void this.#doing.do(failed, show), "main"),
        button("act.leave", () => this.close()),
      ),
    );
    this.#open.hidden = true;
    why.focus();
  }

  /** Whether something is open here that can be left. */
  get isOpen(): boolean {
    return this.#open.hidden === true;
  }

  close(): void {
    this.hide();
    this.#panel.replaceChildren();
    this.#open.hidden = false;
    this.#open.focus();
  }

  /** Takes the face away, if one is shown; whether one was. */
  hide(): boolean {
    this.#turn += 1;
    if (this.#clock !== null) clearInterval(this.#clock);
    this.#clock = null;
    const shown = this.#canvases.length > 0;
    for (const canvas of this.#canvases) clear(canvas);
    this.#canvases = [];
    if (!shown) return false;
    const again = button("face.show", () => this.ask(), "main");
    this.#panel.replaceChildren(h("p", { class: "hidden-face", say: "face.hidden" }), again);
    this.#page.tell("face.hidden");
    if (document.hasFocus()) again.focus();
    return true;
  }

  /** The view is left: nothing is shown any more, and nothing is listened to. */
  end(): void {
    this.hide();
    removeEventListener("blur", this.#unseen);
    removeEventListener("pagehide", this.#unseen);
    removeEventListener("beforeprint", this.#unseen);
    document.removeEventListener("visibilitychange", this.#unseen);
  }

  readonly #unseen = (event: Event): void => {
    if (event.type !== "visibilitychange" || document.visibilityState === "hidden") this.hide();
  };

  async #show(reason: ViewReason, failed: HTMLElement): Promise<void> {
    const turn = this.#turn;
    const got = await view(this.#review.id, reason, this.#key.id);
    if (turn !== this.#turn) return;
    const mark = `${got.reviewer} · ${dateAndTime(got.shown)}`;
    const shown = inOrder(got.pictures).map((picture) => ({ picture, canvas: this.#canvas(picture) }));
    this.#canvases = shown.map(({ canvas }) => canvas);
    try {
      for (const { picture, canvas } of shown) {
        const png = await opened(picture, this.#review.id, this.#key);
        if (turn === this.#turn) await drawFace(canvas, png, mark);
        else png.fill(0);
      }
    } catch (error) {
      for (const { canvas } of shown) clear(canvas);
      if (turn === this.#turn) this.#canvases = [];
      if (!(error instanceof SealError || error instanceof FormatError)) throw error;
      say(failed, "face.damaged");
      return;
    }
    if (turn === this.#turn) this.#count(shown.map(({ canvas, picture }) => framed(canvas, picture)));
    else for (const { canvas } of shown) clear(canvas); // it was left while it was drawn
  }

  #count(figures: readonly HTMLElement[]): void {
    const ends = Date.now() + SHOWN_SECONDS * SECOND;
    const left = h("p", { class: "left-seconds", attributes: { role: "timer" } });
    const tick = () => {
      const seconds = Math.ceil((ends - Date.now()) / SECOND);
      if (seconds <= 0) this.hide();
      else say(left, "face.left", { seconds: String(seconds) });
    };
    const hide = button("face.hide", () => this.hide());
    this.#panel.replaceChildren(h("div", { class: "faces" }, ...figures), left, hide);
    this.#clock = setInterval(tick, SECOND / 4);
    tick();
    this.#page.tell("face.shown", { seconds: String(SHOWN_SECONDS) });
    hide.focus();
  }

  #canvas({ role, index }: Picture): HTMLCanvasElement {
    const canvas = h("canvas", {
      label: `face.${role}`,
      with: { number: String(index + 1) },
      attributes: { role: "img" },
    });
    for (const kind of ["contextmenu", "dragstart"]) canvas.addEventListener(kind, (event) => event.preventDefault());
    return canvas;
  }
}

/** A probe, the reference beside it, and the other probes. */
function inOrder(pictures: View["pictures"]): View["pictures"] {
  const [first, ...others] = pictures.filter(({ role }) => role === "probe");
  const references = pictures.filter(({ role }) => role === "reference");
  return first === undefined ? references : [first, ...references, ...others];
}

function framed(canvas: HTMLCanvasElement, { role, index }: Picture): HTMLElement {
  const name = { say: `face.${role}`, with: { number: String(index + 1) } } as const;
  return h("figure", {}, canvas, h("figcaption", { ...name, attributes: { "aria-hidden": "true" } }));
}
