// Which view follows which: signing in, the person's own page, erasing, checking a file.

import type { Capture } from "../server/capture.ts";
import { RequestError } from "../server/exchange.ts";
import { type Session, session, type WaysIn, waysIn } from "../signing/server.ts";
import { Visit } from "../signing/visit.ts";
import { heading } from "../views/elements.ts";
import type { Page } from "../views/page.ts";
import type { Key } from "../words/words.ts";
import { Checking } from "./checking.ts";
import { erasedView, eraseView } from "./erasing.ts";
import { fetched, homeView } from "./home.ts";
import { Reviews } from "./reviews.ts";
import { capture, type Erasure, finishFace, ledgerKey, Person } from "./server.ts";
import { nobodyView, signInView } from "./signing_in.ts";
import { downloads } from "./taking.ts";

const HOME = "/me";
const CHECK = "/me/check";

export class Me {
  readonly #page: Page;
  readonly #visit: Visit;
  #at = "";
  #offered: WaysIn = { passkey: true, face: false, elsewhere: null };
  #person: Person | null = null;

  constructor(page: Page) {
    this.#page = page;
    this.#visit = new Visit(page, (why) => this.#signIn(why));
    addEventListener("popstate", () => {
      if (location.pathname !== this.#at) void this.start(); // and not another part of the same page
    });
  }

  async start(): Promise<void> {
    this.#at = location.pathname;
    if (location.pathname === CHECK) return this.#check();
    this.#page.show("opening", [heading("opening.title")]);
    try {
      const [offered, entered] = await Promise.all([waysIn(), session()]);
      this.#offered = offered;
      if (entered === null) await this.#unknown();
      else await this.#enter(entered);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.#visit.trouble(error, () => void this.start());
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
    this.#person = null;
    this.#visit.forget();
    history.replaceState(null, "", HOME);
    this.#at = HOME;
    const ways = { entered: (entered: Session) => void this.#enter(entered), check: () => this.#go(CHECK) };
    this.#page.show("sign-in", signInView(this.#visit.doing, this.#offered, ways, why));
  }

  async #enter(entered: Session): Promise<void> {
    this.#visit.enter(entered);
    await this.#home();
  }

  async #home(): Promise<void> {
    const entered = this.#visit.session;
    if (entered === null) return this.#signIn(null);
    if (entered.subject === null) {
      this.#page.show(
        "nobody",
        nobodyView(entered.account, () => void this.#visit.leave("enter.left")),
      );
      return;
    }
    this.#person ??= new Person(entered.subject, () => this.#visit.used());
    const person = this.#person;
    try {
      const home = await fetched(entered.account, person);
      const ways = {
        check: () => this.#go(CHECK),
        erase: () => this.#erase(person),
        leave: () => void this.#visit.leave("enter.left"),
      };
      const reviews = new Reviews(person, this.#visit.doing, home.reviews, home.key);
      const content = homeView(home, reviews, person, this.#visit.doing, ways);
      this.#page.show("home", content, () => reviews.end());
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (error.status === 401) this.#visit.over("enter.ended");
      else this.#visit.trouble(error, () => void this.#home());
    }
  }

  #erase(person: Person): void {
    const { doing } = this.#visit;
    const key = ledgerKey(); // asked for now: it is needed when nobody is signed in any more
    key.catch(() => undefined); // where it failed it is asked for again
    const decision = {
      keep: () => void this.#home(),
      erased: (done: Erasure) => void this.#erased(done, key),
    };
    this.#page.show("erase", eraseView(person, doing, downloads(person, doing), decision));
  }

  async #erased(done: Erasure, asked: Promise<string>): Promise<void> {
    this.#person = null;
    this.#visit.forget();
    // The receipt is shown whatever becomes of the key: it is given once.
    const key = await asked.catch(ledgerKey).catch(() => null);
    this.#page.show("erased", erasedView(done, key));
  }

  #check(): void {
    this.#page.show(
      "check",
      new Checking(this.#visit.doing, () => this.#go(HOME), this.#person?.ledger ?? null).content,
    );
  }

  #go(path: string): void {
    history.pushState(null, "", path);
    void this.start();
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
