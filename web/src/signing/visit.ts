// One visit of a page: who is signed in, for how long, and how they leave.

import { RequestError } from "../server/exchange.ts";
import { Doing, reason } from "../views/doing.ts";
import { button, h, heading } from "../views/elements.ts";
import type { Page } from "../views/page.ts";
import type { Key } from "../words/words.ts";
import { type Session, signOut } from "./server.ts";

/** Milliseconds that a session lasts without being used. Counted here: clocks of devices are wrong by more than that. */
const LASTS = 30 * 60 * 1000;

export class Visit {
  readonly page: Page;
  readonly doing: Doing;
  readonly #out: (why: Key | null) => void;
  readonly #why: (error: RequestError) => Key;
  #session: Session | null = null;

  /**
   * @param out shows how one signs in, when nobody is signed in any more, and says why first.
   * @param why words what the server said no to.
   */
  constructor(page: Page, out: (why: Key | null) => void, why: (error: RequestError) => Key = reason) {
    this.page = page;
    this.#out = out;
    this.#why = why;
    this.doing = new Doing(() => this.over("enter.ended"), why);
    // Whoever comes back by the browser's button sees what is so now, and not what somebody else left behind.
    addEventListener("pageshow", (event) => {
      if (event.persisted) location.reload();
    });
  }

  /** Who is signed in. */
  get session(): Session | null {
    return this.#session;
  }

  enter(session: Session): void {
    this.#session = session;
    this.used();
  }

  /** A session that is used lasts longer; one that is not is ended here too, so that nobody else finds it open. */
  used(): void {
    if (this.#session !== null) this.page.closes(new Date(Date.now() + LASTS), () => void this.leave("enter.ended"));
  }

  forget(): void {
    this.#session = null;
    this.page.settled();
  }

  /** Nobody is signed in any more. */
  over(why: Key | null): void {
    this.forget();
    this.#out(why);
  }

  /** Signs out. Nothing is shown meanwhile, and nobody is told that it was done before it was. */
  async leave(why: Key): Promise<void> {
    this.forget();
    this.page.show("opening", [heading("opening.title")]);
    try {
      await signOut();
      this.#out(why);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.page.show("leaving", [
        heading("leave.failed"),
        h("p", { class: "lead", say: "leave.failed.text" }),
        h(
          "div",
          { class: "buttons" },
          button("trouble.again", () => void this.leave(why), "main"),
        ),
      ]);
    }
  }

  /**
   * Something that a view needs could not be had.
   *
   * @param back leads to another view, since some things can never be had; null where there is no other.
   */
  trouble(error: RequestError, again: () => void, back: (() => void) | null = null): void {
    this.page.show("trouble", [
      heading("trouble.title"),
      h("p", { class: "lead", say: this.#why(error) }),
      h(
        "div",
        { class: "buttons" },
        button("trouble.again", again, "main"),
        back === null ? null : button("back", back),
      ),
    ]);
  }
}
