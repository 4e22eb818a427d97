// One review: what is known without a face, then the face to whoever says why, then what one may do about it.

import type { OwnKey } from "../sealing/keys.ts";
import type { Session } from "../signing/server.ts";
import type { Visit } from "../signing/visit.ts";
import { complaint } from "../views/doing.ts";
import { button, h, heading } from "../views/elements.ts";
import { type Key, listed, number, timeOfDay } from "../words/words.ts";
import { decisionsOf, viewReasons } from "./deciding.ts";
import { evidenceOf } from "./evidence.ts";
import { Forms } from "./forms.ts";
import type { Action } from "./keyboard.ts";
import { claim, type FullReview, release, type Vote } from "./server.ts";
import { Showing } from "./showing.ts";
import { said, timeOf, worded, wordsOf } from "./wording.ts";

export interface Ways {
  /** Back to the queue. */
  back(): void;
  /** Shows the review as it is now, and says what was done. */
  again(said: Key | null): void;
  help(): void;
}

export class One {
  readonly content: (Node | null)[];
  readonly actions: readonly Action[];
  readonly #visit: Visit;
  readonly #ways: Ways;
  readonly #review: FullReview;
  readonly #failed = complaint();
  readonly #forms: Forms;
  readonly #showing: Showing | null;

  /** @param key of this browser that the server knows, or null. */
  constructor(visit: Visit, session: Session, review: FullReview, key: OwnKey | null, ways: Ways) {
    this.#visit = visit;
    this.#ways = ways;
    this.#review = review;
    this.#forms = new Forms(visit.doing, review, (said) => ways.again(said));
    const mayReview = session.roles.includes("reviewer") && review.state === "open" && !review.recused;
    const mayVote = mayReview && review.claim !== null && review.mine === null;
    const reasons = viewReasons(review, { votes: mayVote, officer: session.roles.includes("officer") });
    const mayLook = (review.state === "open" || review.state === "decided") && reasons.length > 0;
    this.#showing = mayLook && key !== null ? new Showing(visit.page, visit.doing, review, key, reasons) : null;
    const acts = this.#acts(mayReview, mayVote);
    this.actions = [
      ...acts.map(({ key, says, act }) => ({ key, says, act })),
      ...(this.#showing === null ? [] : [{ key: "f", says: "face.show", act: () => this.#showing?.ask() } as const]),
    ];
    const votes = acts.filter(({ vote }) => vote);
    const others = acts.filter(({ vote }) => !vote);
    this.content = [
      heading(`one.title.${review.kind}`),
      h("p", { class: "lead" }, wordsOf("reason", review.reasons)),
      review.urgent ? h("p", { class: "badge", say: "queue.urgent" }) : null,
      facts(review),
      h("p", { class: "standing", ...standing(review, session.roles.includes("reviewer")) }),
      this.#failed,
      evidenceOf(review.evidence),
      this.#showing?.content ?? (mayLook ? h("p", { class: "warning", say: "face.no-key" }) : null),
      h(
        "section",
        { attributes: { id: "acts" } },
        h("h2", { say: "act.title" }),
        mayReview && !mayVote && review.mine === null ? h("p", { say: "act.claim-first" }) : null,
        votes.length === 0 ? null : h("div", { class: "choices" }, ...votes.map(({ button }) => button)),
        h("div", { class: "buttons" }, ...others.map(({ button }) => button), button("back", ways.back)),
        this.#forms.content,
      ),
      h("div", { class: "buttons" }, button("keys.help", ways.help)),
    ];
  }

  /** Leaves what is open: the face, then a form, then the review. */
  back(): void {
    if (this.#showing?.hide()) return;
    if (this.#showing?.isOpen) this.#showing.close();
    else if (this.#forms.isOpen) this.#forms.close();
    else this.#ways.back();
  }

  end(): void {
    this.#showing?.end();
  }

  #acts(mayReview: boolean, mayVote: boolean): Act[] {
    const { review, forms } = { review: this.#review, forms: this.#forms };
    const acts: Act[] = [];
    const add = (key: string, says: Key, act: (from: HTMLElement) => void, vote = false) => {
      const element = button(says, () => act(element), says === "act.claim" ? "main" : "plain");
      element.setAttribute("aria-keyshortcuts", key);
      acts.push({ key, says, act: () => act(element), button: element, vote });
    };
    const free = !review.claimed || review.claim !== null;
    if (mayReview && review.mine === null && free)
      add("c", review.claim === null ? "act.claim" : "act.renew", () => this.#do(() => claim(review.id)));
    if (mayReview && review.claim !== null)
      add("l", "act.release", () =>
        this.#do(
          () => release(review.id),
          () => this.#ways.back(),
        ),
      );
    if (mayVote)
      for (const [index, decision] of decisionsOf(review).entries())
        add(String(index + 1), `decision.${decision}`, (from) => forms.decide(decision, from), true);
    if (mayReview && review.mine === null) add("x", "act.recuse", (from) => forms.recuse(from));
    if (mayReview) add("r", "act.report", (from) => forms.report(from));
    return acts;
  }

  #do(act: () => Promise<void>, then: () => void = () => this.#ways.again(null)): void {
    void this.#visit.doing.do(this.#failed, async () => {
      await act();
      this.#visit.used();
      then();
    });
  }
}

interface Act extends Action {
  readonly button: HTMLButtonElement;
  /** A decision, and no other thing to do. */
  readonly vote: boolean;
}

function facts(review: FullReview): HTMLElement {
  const all: (readonly [Key, Node])[] = [
    ["queue.age", timeOf(review.created)],
    ["queue.deadline", timeOf(review.deadline)],
    ["one.id", h("code", { text: review.id, attributes: { translate: "no" } })],
  ];
  if (review.concerns.length > 0) all.push(["one.concerns", wordsOf("concern", review.concerns)]);
  if (review.mine !== null) all.push(["one.mine", voteOf(review.mine)]);
  for (const vote of review.votes) all.push(["one.vote", voteOf(vote)]);
  return h("dl", { class: "held" }, ...all.flatMap(([key, node]) => [h("dt", { say: key }), h("dd", {}, node)]));
}

const voteOf = ({ decision, code }: Vote): HTMLElement =>
  said(() => listed([worded("decision", decision), worded("code", code)]));

/** How it stands with the review, in a sentence. Of others' votes it says how many are missing, and no more. */
export function standing(
  review: FullReview,
  reviewer: boolean,
): { say: Key; with?: Readonly<Record<string, () => string>> } {
  const { state, decision, claim, mine, recused, claimed, votes_missing: missing } = review;
  if (state === "decided" && decision !== null) return { say: `standing.${decision}` };
  if (state !== "open") return { say: state === "expired" ? "standing.expired" : "standing.withdrawn" };
  if (recused) return { say: "standing.recused" };
  if (!reviewer) return { say: "standing.open" };
  if (mine !== null)
    return { say: missing === 1 ? "standing.one-more" : "standing.more", with: { number: () => number(missing) } };
  if (claim !== null) return { say: "standing.claimed", with: { time: () => timeOfDay(claim.until) } };
  return { say: claimed ? "standing.taken" : "standing.free" };
}
