// People who looked at the person: what they were asked and why, who looked when, what they decided, and what the
// person can see, say and object to.

import type { OwnKey } from "../sealing/keys.ts";
import { RequestError } from "../server/exchange.ts";
import type { Doing } from "../views/doing.ts";
import { h } from "../views/elements.ts";
import { dateAndTime, has, type Key, number, text } from "../words/words.ts";
import { maySay, nextOf } from "./next.ts";
import { Seeing } from "./seeing.ts";
import type { Look, OwnReview, Person, Saying } from "./server.ts";
import { speaking } from "./speaking.ts";

type Group = "reason" | "why" | "outcome";

/** A word of the contract as people read it: of a kind that the page does not know yet, the word itself. */
export function reviewWord(group: Group, word: string): string {
  const key = `reviews.${group}.${word}`;
  return has(key) ? text(key) : word;
}

/** What is open: said on top of the page, with the way there. */
export function openReviews(reviews: readonly OwnReview[]): HTMLElement | null {
  const open = reviews.filter(({ state }) => state === "open").length;
  const first = reviews
    .filter(({ may_appeal }) => may_appeal)
    .map(({ deadline }) => deadline)
    .sort()[0];
  if (open === 0 && first === undefined) return null;
  return h(
    "div",
    { class: "warning to-do" },
    open === 0 ? null : h("p", { say: "home.reviews.open", with: { open: () => number(open) } }),
    first === undefined ? null : h("p", { say: "home.reviews.appeal", with: { time: () => dateAndTime(first) } }),
    h("a", { say: "home.reviews.go", attributes: { href: "#reviews" } }),
  );
}

export class Reviews {
  readonly content: HTMLElement;
  readonly #all: readonly One[];

  /** @param key of this browser, by which pictures are opened; null if there is none. */
  constructor(person: Person, doing: Doing, reviews: readonly OwnReview[], key: OwnKey | null) {
    this.#all = reviews.map((review) => new One(person, doing, review, key));
    this.content = h(
      "section",
      { attributes: { id: "reviews" } },
      h("h2", { say: "reviews.title" }),
      h("p", { say: "reviews.text" }),
      reviews.length === 0 ? h("p", { say: "reviews.none" }) : null,
      h("ul", { class: "entries" }, ...this.#all.map(({ content }) => content)),
    );
    addEventListener("pagehide", this.#unseen);
    document.addEventListener("visibilitychange", this.#unseen);
  }

  /** The view is left: nothing is shown any more, and nothing is listened to. */
  end(): void {
    this.#hide();
    removeEventListener("pagehide", this.#unseen);
    document.removeEventListener("visibilitychange", this.#unseen);
  }

  #hide(): void {
    for (const one of this.#all) one.hide();
  }

  readonly #unseen = (event: Event): void => {
    if (event.type === "pagehide" || document.visibilityState === "hidden") this.#hide();
  };
}

/** One review. */
class One {
  readonly content = h("li", { class: "own-review" });
  readonly #person: Person;
  readonly #doing: Doing;
  readonly #key: OwnKey | null;
  #seeing: Seeing;

  constructor(person: Person, doing: Doing, review: OwnReview, key: OwnKey | null) {
    this.#person = person;
    this.#doing = doing;
    this.#key = key;
    this.#seeing = this.#show(review);
  }

  hide(): void {
    this.#seeing.hide();
  }

  #show(review: OwnReview): Seeing {
    const seeing = new Seeing(this.#person, this.#doing, review, this.#key);
    const speak = (saying: Saying) =>
      speaking(saying, `${saying}-${review.id}`, this.#doing, (words) => this.#say(review, saying, words));
    this.content.replaceChildren(
      h("h3", { say: `reviews.question.${review.kind}` }),
      h("p", { class: "state" }, h("strong", { say: `reviews.state.${review.state}` })),
      facts(review),
      seeing.content,
      h("h4", { say: "reviews.next" }),
      h("p", { say: nextOf(review), with: { time: () => dateAndTime(review.deadline) } }),
      ...(maySay(review) ? speak("statement") : []),
      ...(review.may_appeal ? speak("appeal") : []),
    );
    this.#seeing = seeing;
    return seeing;
  }

  async #say({ id }: OwnReview, saying: Saying, words: string): Promise<void> {
    let review: OwnReview | undefined;
    let done: Key = `reviews.${saying}.done`;
    try {
      review = await this.#person.say(id, saying, words);
    } catch (error) {
      if (!(error instanceof RequestError && [404, 409, 410].includes(error.status))) throw error;
      // Decided or over meanwhile; or said before, and no answer had come: what there is now tells which.
      review = (await this.#person.reviews()).find((one) => one.id === id);
      if (review?.[saying] !== words.trim()) done = "reviews.too-late";
    }
    this.hide();
    const said = h("p", { class: "done", say: done, attributes: { role: "status", tabindex: "-1" } });
    // Whoever is too late has the words still, to say them elsewhere.
    const told = done === "reviews.too-late" ? [said, quoted(words)] : [said];
    if (review === undefined) this.content.replaceChildren(...told);
    else {
      this.#show(review);
      this.content.prepend(...told);
    }
    said.focus();
  }
}

/** What is written down of a review. */
function facts(review: OwnReview): HTMLElement {
  const { created, decided, decision, deadline, pictures, reasons, statement, appeal, state, views } = review;
  const late = state === "open" ? "reviews.decided-by" : "reviews.destroyed-by";
  return h(
    "dl",
    { class: "held" },
    ...fact(
      "reviews.asked",
      figure(() => dateAndTime(created)),
    ),
    ...fact("reviews.because", h("ul", { class: "lines" }, ...reasons.map(because))),
    ...(state === "open" || pictures.length > 0
      ? fact(
          late,
          figure(() => dateAndTime(deadline)),
        )
      : []),
    ...fact("reviews.looked", views.length === 0 ? h("span", { say: "reviews.looked.none" }) : looks(views)),
    ...(decision === null
      ? []
      : fact(
          "reviews.outcome",
          figure(() => reviewWord("outcome", decision)),
        )),
    ...(decided === null
      ? []
      : fact(
          "reviews.decided",
          figure(() => dateAndTime(decided)),
        )),
    ...(statement === "" ? [] : fact("reviews.statement", quoted(statement))),
    ...(appeal === "" ? [] : fact("reviews.appeal", quoted(appeal))),
  );
}

const because = (reason: string): HTMLElement =>
  h(
    "li",
    {},
    figure(() => reviewWord("reason", reason)),
  );

function looks(views: readonly Look[]): HTMLElement {
  const each = views.map(({ time, reviewer, reason }) => {
    const who = reviewer === "" ? h("span", { say: "reviews.gone" }) : h("bdi", { text: reviewer });
    const when = figure(() => `${dateAndTime(time)} · ${reviewWord("why", reason)}`);
    return h("li", {}, who, document.createTextNode(" · "), when);
  });
  return h("ul", { class: "lines looks" }, ...each);
}

const fact = (name: Key, value: Node): Node[] => [h("dt", { say: name }), h("dd", {}, value)];

const figure = (made: () => string): HTMLElement => h("span", { say: "figure", with: { figure: made } });

/** What the person wrote, in whatever language and direction. */
const quoted = (words: string): HTMLElement => h("p", { class: "quoted", text: words, attributes: { dir: "auto" } });
