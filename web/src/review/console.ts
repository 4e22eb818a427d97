// Which view follows which: signing in, the queue, one review, what was reported.

import { RequestError } from "../server/exchange.ts";
import { type Session, session, type WaysIn, waysIn } from "../signing/server.ts";
import { Visit } from "../signing/visit.ts";
import { elsewhereWay, passkeyWay } from "../signing/ways.ts";
import { complaint, reason } from "../views/doing.ts";
import { button, h, heading } from "../views/elements.ts";
import type { Page } from "../views/page.ts";
import type { Key } from "../words/words.ts";
import { concernsView } from "./concerns.ts";
import { Duty } from "./duty.ts";
import { type Action, Keyboard } from "./keyboard.ts";
import { One } from "./one.ts";
import { keyHere, keysOf } from "./own_keys.ts";
import { Queue } from "./queue.ts";
import { concerns, review, reviewer } from "./server.ts";

const HOME = "/review";
const CONCERNS = "/review/concerns";
const REVIEW = /^\/review\/([0-9a-f]{32})$/;

export class Console {
  readonly #page: Page;
  readonly #visit: Visit;
  readonly #keyboard = new Keyboard();
  #offered: WaysIn = { passkey: true, face: false, elsewhere: null };
  /** Counts the views that were asked for: one that comes late is not shown. */
  #turn = 0;

  constructor(page: Page) {
    this.#page = page;
    this.#visit = new Visit(page, (why) => this.#signIn(why), wordedReason);
    document.body.append(this.#keyboard.help);
    addEventListener("popstate", () => void this.#go(location.pathname));
  }

  async start(): Promise<void> {
    this.#show("opening", [heading("opening.title")]);
    await this.#asking(
      () => this.start(),
      async (isWanted) => {
        const [offered, entered] = await Promise.all([waysIn(), session()]);
        this.#offered = offered;
        if (!isWanted()) return;
        if (entered === null) this.#signIn(null);
        else await this.#enter(entered);
      },
    );
  }

  #signIn(why: Key | null): void {
    this.#turn += 1;
    this.#visit.forget();
    const failed = complaint();
    const { passkey, elsewhere } = this.#offered;
    this.#show("sign-in", [
      heading("review.enter"),
      h("p", { class: "lead", say: why ?? "review.enter.text" }),
      h(
        "div",
        { class: "choices" },
        passkey ? passkeyWay(this.#visit.doing, failed, (entered) => void this.#enter(entered)) : null,
        elsewhere === null ? null : elsewhereWay(elsewhere),
      ),
      passkey || elsewhere !== null ? null : h("p", { class: "warning", say: "enter.none" }),
      failed,
      h("p", { class: "note", say: "review.enter.keys" }),
    ]);
  }

  async #enter(entered: Session): Promise<void> {
    this.#visit.enter(entered);
    if (entered.roles.includes("reviewer") || entered.roles.includes("officer")) return this.#go(location.pathname);
    this.#show("nobody", [
      heading("review.nobody"),
      h("p", { class: "lead", say: "review.nobody.text", with: { account: entered.account } }),
      h(
        "div",
        { class: "buttons" },
        button("leave", () => void this.#visit.leave("enter.left"), "main"),
      ),
    ]);
  }

  /** Shows what is at a path. */
  async #go(path: string, said: Key | null = null): Promise<void> {
    if (path !== location.pathname) history.pushState(null, "", path);
    const entered = this.#visit.session;
    if (entered === null) return this.start();
    const id = REVIEW.exec(path)?.[1];
    await this.#asking(
      () => this.#go(path, said),
      async (isWanted) => {
        if (path === CONCERNS) await this.#concerns(isWanted);
        else if (id !== undefined) await this.#one(entered, id, isWanted);
        else await this.#home(entered, isWanted);
        if (isWanted() && said !== null) this.#page.tell(said);
      },
    );
  }

  async #home(entered: Session, isWanted: () => boolean): Promise<void> {
    const who = await reviewer();
    const here = await keyHere(who);
    if (!isWanted()) return;
    this.#visit.used();
    const leave = () => void this.#visit.leave("enter.left");
    const duty = entered.roles.includes("reviewer") ? new Duty(this.#visit, who) : null;
    const queue = new Queue(this.#visit, (id) => void this.#go(`${HOME}/${id}`));
    const keys = keysOf(this.#visit, who, here, () => void this.#go(HOME));
    const isOfficer = entered.roles.includes("officer");
    const organisation = { name: who.name, organisation: who.organisation };
    const greeting: Key = who.organisation === "" ? "home.name" : "home.name-of";
    const toConcerns = () => void this.#go(CONCERNS);
    const actions: Action[] = [...queue.actions];
    if (duty !== null) actions.push({ key: "d", says: "duty.turn", act: () => duty.turn() });
    if (isOfficer) actions.push({ key: "o", says: "concerns.title", act: toConcerns });
    this.#show(
      "home",
      [
        heading("review.title"),
        h("div", { class: "lead who" }, h("p", { say: greeting, with: organisation }), button("leave", leave)),
        duty?.content ?? null,
        h(
          "div",
          { class: "buttons" },
          isOfficer ? button("concerns.title", toConcerns) : null,
          button("keys.help", () => this.#keyboard.toggle()),
        ),
        here.known ? null : keys,
        queue.content,
        here.known ? keys : null,
      ],
      () => queue.end(),
    );
    this.#keyboard.set(actions);
    await queue.start();
  }

  async #one(entered: Session, id: string, isWanted: () => boolean): Promise<void> {
    const [found, who] = await Promise.all([review(id), reviewer()]);
    const { key, known } = await keyHere(who);
    if (!isWanted()) return;
    this.#visit.used();
    const one = new One(this.#visit, entered, found, known ? key : null, {
      back: () => void this.#go(HOME),
      again: (said) => void this.#go(`${HOME}/${id}`, said),
      help: () => this.#keyboard.toggle(),
    });
    this.#show("review", one.content, () => one.end());
    this.#keyboard.set(one.actions, () => one.back());
  }

  async #concerns(isWanted: () => boolean): Promise<void> {
    const first = await concerns(null);
    if (!isWanted()) return;
    this.#visit.used();
    const back = () => void this.#go(HOME);
    const ways = { back, open: (id: string) => void this.#go(`${HOME}/${id}`) };
    this.#show("concerns", concernsView(this.#visit, first, ways));
    this.#keyboard.set([], back);
  }

  #show(name: string, content: readonly (Node | null)[], leave: (() => void) | null = null): void {
    this.#keyboard.help.hidden = true;
    this.#keyboard.set([]);
    this.#page.show(name, content, leave);
  }

  /** Asks for what a view needs, unless another view is wanted meanwhile. */
  async #asking(again: () => Promise<void>, act: (isWanted: () => boolean) => Promise<void>): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    try {
      await act(() => turn === this.#turn);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      const back = location.pathname === HOME ? null : () => void this.#go(HOME);
      this.#keyboard.set([], back);
      if (error.status === 401) this.#visit.over("enter.ended");
      else this.#visit.trouble(error, () => void again(), back);
    }
  }
}

/** What the server says no to, as far as it is of reviews. */
function wordedReason(error: RequestError): Key {
  if (error.status === 404) return "no.absent";
  if (error.status === 409) return "no.conflict";
  return error.status === 410 ? "no.gone" : reason(error);
}
