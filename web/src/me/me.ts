// Which view follows which: signing in, the person's own page, erasing, checking a file.

import type { Capture } from "../server/capture.ts";
import { RequestError } from "../server/exchange.ts";
import { button, h, heading } from "../views/elements.ts";
import type { Page } from "../views/page.ts";
import type { Key } from "../words/words.ts";
import { Checking } from "./checking.ts";
import { complaint, Doing, reason } from "./doing.ts";
import { erasedView, eraseView } from "./erasing.ts";
import { fetched, homeView } from "./home.ts";
import {
  capture,
  type Erasure,
  finishFace,
  ledgerKey,
  Person,
  type Session,
  session,
  signOut,
  type WaysIn,
  waysIn,
} from "./server.ts";
import { nobodyView, signInView } from "./signing_in.ts";
import { downloads } from "./taking.ts";

const HOME = "/me";
const CHECK = "/me/check";
/** Milliseconds that a session lasts without being used. Counted here: clocks of devices are wrong by more than that. */
const LASTS = 30 * 60 * 1000;

export class Me {
  readonly #page: Page;
  readonly #doing = new Doing(() => this.#signIn("enter.ended"));
  #at = "";
  #offered: WaysIn = { passkey: true, face: false, elsewhere: null };
  #entered: Session | null = null;
  #person: Person | null = null;

  constructor(page: Page) {
    this.#page = page;
    // Whoever comes back by the browser's button sees what is so now, and not what somebody else left behind.
    addEventListener("pageshow", (event) => {
      if (event.persisted) location.reload();
    });
    addEventListener("popstate", () => {
      if (location.pathname !== this.#at) void this.start(); // and not another part of the same page
    });
  }

  async start(): Promise<void> {
    this.#at = location.pathname;
    if (location.pathname === CHECK) return this.#check();
    this.#page.show("opening", [heading("opening.title")]);
    try {
      const [offered, entered] = await Promise.all([waysIn(), sessionOrNone()]);
      this.#offered = offered;
      if (entered === null) await this.#unknown();
      else await this.#enter(entered);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.#trouble(error, () => void this.start());
    }
  }

  /** Nobody is signed in: unless a capture of this browser has just found who it is. */
  async #unknown(): Promise<void> {
    const done = this.#offered.face ? await captureForMe() : null;
    if (done?.outcome !== "passed") return this.#signIn(done === null ? null : "enter.face.not");
    try {
      await this.#enter(await finishFace());
    } catch (error) {
      if (!(error instanceof RequestError && error.status === 401)) throw error;
      this.#signIn("enter.face.not");
    }
  }

  #signIn(why: Key | null): void {
    this.#forget();
    history.replaceState(null, "", HOME);
    this.#at = HOME;
    const ways = { entered: (entered: Session) => void this.#enter(entered), check: () => this.#go(CHECK) };
    this.#page.show("sign-in", signInView(this.#doing, this.#offered, ways, why));
  }

  #forget(): void {
    this.#entered = null;
    this.#person = null;
    this.#page.settled();
  }

  async #enter(entered: Session): Promise<void> {
    this.#entered = entered;
    this.#used();
    await this.#home();
  }

  /** A session that is used lasts longer; one that is not is ended here too, so that nobody else finds it open. */
  #used(): void {
    if (this.#entered !== null) this.#page.closes(new Date(Date.now() + LASTS), () => void this.#leave("enter.ended"));
  }

  async #home(): Promise<void> {
    const entered = this.#entered;
    if (entered === null) return this.#signIn(null);
    if (entered.subject === null) {
      this.#page.show(
        "nobody",
        nobodyView(entered.account, () => void this.#leave("enter.left")),
      );
      return;
    }
    this.#person ??= new Person(entered.subject, () => this.#used());
    const person = this.#person;
    try {
      const home = await fetched(entered.account, person);
      const ways = {
        check: () => this.#go(CHECK),
        erase: () => this.#erase(person),
        leave: () => void this.#leave("enter.left"),
      };
      this.#page.show("home", homeView(home, person, this.#doing, ways));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (error.status === 401) this.#signIn("enter.ended");
      else this.#trouble(error, () => void this.#home());
    }
  }

  #erase(person: Person): void {
    const key = ledgerKey(); // asked for now: it is needed when nobody is signed in any more
    key.catch(() => undefined); // where it failed it is asked for again
    const decision = {
      keep: () => void this.#home(),
      erased: (done: Erasure) => void this.#erased(done, key),
    };
    this.#page.show("erase", eraseView(person, this.#doing, downloads(person, this.#doing), decision));
  }

  async #erased(done: Erasure, asked: Promise<string>): Promise<void> {
    this.#forget();
    // The receipt is shown whatever becomes of the key: it is given once.
    const key = await asked.catch(ledgerKey).catch(() => null);
    this.#page.show("erased", erasedView(done, key));
  }

  #check(): void {
    this.#page.show("check", new Checking(this.#doing, () => this.#go(HOME), this.#person?.ledger ?? null).content);
  }

  #go(path: string): void {
    history.pushState(null, "", path);
    void this.start();
  }

  /** Signs out. Nothing is shown meanwhile, and nobody is told that it was done before it was. */
  async #leave(why: Key): Promise<void> {
    this.#forget();
    this.#page.show("opening", [heading("opening.title")]);
    try {
      await ended();
      this.#signIn(why);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.#page.show("leaving", [
        heading("leave.failed"),
        h("p", { class: "lead", say: "leave.failed.text" }),
        h(
          "div",
          { class: "buttons" },
          button("trouble.again", () => void this.#leave(why), "main"),
        ),
      ]);
    }
  }

  #trouble(error: RequestError, again: () => void): void {
    const said = complaint();
    this.#page.show("trouble", [
      heading("trouble.title"),
      h("p", { class: "lead", say: reason(error) }),
      h("div", { class: "buttons" }, button("trouble.again", again, "main")),
      said,
    ]);
  }
}

async function sessionOrNone(): Promise<Session | null> {
  try {
    return await session();
  } catch (error) {
    if (error instanceof RequestError && error.status === 401) return null;
    throw error;
  }
}

/** A capture of this browser that has ended, and was for signing in here; null if there is none. */
async function captureForMe(): Promise<Capture | null> {
  try {
    const found = await capture();
    return found.state === "done" && found.return_url === location.origin + HOME ? found : null;
  } catch (error) {
    if (error instanceof RequestError && error.status >= 400 && error.status < 500) return null;
    throw error;
  }
}

/** Signs out; a session that is over already is out. */
async function ended(): Promise<void> {
  try {
    await signOut();
  } catch (error) {
    if (!(error instanceof RequestError && error.status === 401)) throw error;
  }
}
