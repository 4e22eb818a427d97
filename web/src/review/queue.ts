// The queue: what waits, urgent first, by filters; anew by a button, and by itself while somebody looks.

import { RequestError } from "../server/exchange.ts";
import type { Visit } from "../signing/visit.ts";
import { complaint, reason } from "../views/doing.ts";
import { button, h } from "../views/elements.ts";
import { bodyOf, cell, row, tableOf } from "../views/table.ts";
import { type Key, number, say, timeOfDay, unsay } from "../words/words.ts";
import type { Action } from "./keyboard.ts";
import { claim, type Filter, type Review, type ReviewPage, reviews } from "./server.ts";
import { timeOf, wordOf, wordsOf } from "./wording.ts";

const EVERY = 30_000;
const STATES = ["open", "decided", "expired", "withdrawn"] as const;
const KINDS = ["presentation", "comparison"] as const;
export const REASONS = [
  "no-vital-signs",
  "eyes-closed",
  "second-face",
  "hand-over-face",
  "inconclusive",
  "doubt-band",
  "low-quality",
  "refusal",
  "appeal",
  "asked",
] as const;

export class Queue {
  readonly content: HTMLElement;
  readonly actions: readonly Action[];
  readonly #visit: Visit;
  readonly #open: (id: string) => void;
  readonly #rows = bodyOf();
  readonly #table: HTMLElement;
  readonly #none = h("p", { say: "queue.none" });
  readonly #failed = complaint();
  readonly #as = h("p", { class: "note" });
  readonly #more: HTMLButtonElement;
  readonly #state = select("state", STATES, null);
  readonly #kind = select("kind", KINDS, "queue.all");
  readonly #reason = select("reason", REASONS, "queue.all");
  readonly #urgent = check("urgent");
  readonly #mine = check("mine");
  readonly #clock: ReturnType<typeof setInterval>;
  #links: HTMLAnchorElement[] = [];
  #seen = new Set<string>();
  #pages = 1;
  /** Counts what was asked: an answer to an older question is not shown. */
  #turn = 0;

  /** @param open shows a review. */
  constructor(visit: Visit, open: (id: string) => void) {
    this.#visit = visit;
    this.#open = open;
    this.#more = button("queue.more", () => void this.#show(this.#pages + 1));
    const titles: Key[] = ["queue.reason", "queue.kind", "queue.age", "queue.deadline", "queue.standing"];
    this.#table = tableOf("queue.title", titles, this.#rows);
    const refresh = button("queue.refresh", () => void this.#show(this.#pages));
    for (const field of [this.#state, this.#kind, this.#reason, this.#urgent, this.#mine])
      field.addEventListener("change", () => void this.#show(1));
    this.content = h(
      "section",
      { attributes: { id: "queue" } },
      h("h2", { say: "queue.title" }),
      h(
        "div",
        { class: "filters", label: "queue.filters", attributes: { role: "group" } },
        labelled("queue.state", this.#state),
        labelled("queue.kind", this.#kind),
        labelled("queue.reason", this.#reason),
        picked("queue.only-urgent", this.#urgent),
        picked("queue.only-mine", this.#mine),
      ),
      h("div", { class: "turn" }, this.#as, refresh),
      this.#failed,
      this.#none,
      this.#table,
      this.#more,
    );
    this.actions = [
      { key: "j", says: "queue.next", act: () => this.#step(1) },
      { key: "k", says: "queue.before", act: () => this.#step(-1) },
      { key: "c", says: "queue.claim", act: () => this.#claim() },
      { key: "s", says: "queue.to-filters", act: () => this.#state.focus() },
      { key: "u", says: "queue.refresh", act: () => refresh.click() },
      { key: "m", says: "queue.more", act: () => this.#more.click() },
    ];
    this.#clock = setInterval(() => {
      // It is no use of the session: nobody did anything.
      if (document.visibilityState === "visible") void this.#show(this.#pages, false);
    }, EVERY);
  }

  /** Asks for the first page. */
  start = (): Promise<void> => this.#show(1);

  end(): void {
    this.#turn += 1;
    clearInterval(this.#clock);
  }

  get #filter(): Filter {
    return {
      state: this.#state.value as Filter["state"],
      kind: this.#kind.value as Filter["kind"],
      reason: this.#reason.value,
      urgent: this.#urgent.checked,
      mine: this.#mine.checked,
    };
  }

  /** Shows so many pages, as they are now. */
  async #show(pages: number, asked = true): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    try {
      const found = await upTo(pages, this.#filter);
      if (turn !== this.#turn) return;
      if (asked) this.#visit.used();
      unsay(this.#failed);
      this.#put(found, pages);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (turn !== this.#turn) return;
      if (error.status === 401) this.#visit.over("enter.ended");
      else say(this.#failed, reason(error));
    }
  }

  #put({ reviews: found, next }: ReviewPage, pages: number): void {
    const at = this.#at;
    const [held, grown] = [this.#links[at]?.dataset.review, pages > this.#pages ? this.#links.length : -1];
    this.#pages = pages;
    this.#more.hidden = next === null;
    this.#none.hidden = found.length > 0;
    this.#table.hidden = found.length === 0;
    const made = found.map((review) => this.#row(review));
    this.#links = made.map(({ link }) => link);
    this.#rows.replaceChildren(...made.map(({ content }) => content));
    // Whoever was at a row stays there, or where it was; whoever asked for more goes on with the first of it.
    const same = this.#links.findIndex((link) => link.dataset.review === held);
    const place = grown >= 0 ? grown : at < 0 ? -1 : same < 0 ? Math.min(at, this.#links.length - 1) : same;
    this.#rove(Math.max(place, 0));
    if (place >= 0) this.#links[place]?.focus();
    this.#tell(found);
  }

  /** Says when this was so, and how many urgent ones came since. */
  #tell(found: readonly Review[]): void {
    const now = new Date().toISOString();
    say(this.#as, "queue.as-of", { time: () => timeOfDay(now) });
    const urgent = found.filter(({ id, urgent }) => urgent && !this.#seen.has(id)).length;
    for (const { id } of found) this.#seen.add(id);
    if (urgent > 0) this.#visit.page.tell("queue.came", { number: () => number(urgent) }, "once");
  }

  #row(review: Review): { link: HTMLAnchorElement; content: HTMLElement } {
    const { id, kind, reasons, urgent, created, deadline } = review;
    const link = h("a", { attributes: { href: `/review/${id}`, tabindex: "-1" } }, wordsOf("reason", reasons));
    link.dataset.review = id;
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // in another tab
      event.preventDefault();
      this.#open(id);
    });
    link.addEventListener("focus", () => this.#rove(this.#links.indexOf(link)));
    const content = row(
      urgent ? "row urgent" : "row",
      cell("queue.reason", urgent ? h("span", { class: "badge", say: "queue.urgent" }) : null, link),
      cell("queue.kind", wordOf("kind", kind)),
      cell("queue.age", timeOf(created)),
      cell("queue.deadline", timeOf(deadline)),
      cell("queue.standing", h("span", standingOf(review))),
    );
    return { link, content };
  }

  /** The row that has the focus; -1 if none has. */
  get #at(): number {
    return this.#links.indexOf(document.activeElement as HTMLAnchorElement);
  }

  /** One of the rows is reached by Tab, the others from there. */
  #rove(place: number): void {
    for (const [index, link] of this.#links.entries()) link.tabIndex = index === place ? 0 : -1;
  }

  #step(by: number): void {
    const at = this.#at;
    const roving = this.#links.findIndex((link) => link.tabIndex === 0);
    const to = at < 0 ? roving : Math.min(Math.max(at + by, 0), this.#links.length - 1);
    this.#links[to]?.focus();
  }

  /** Takes on the row that has the focus, and opens it. */
  #claim(): void {
    const id = this.#links[this.#at]?.dataset.review;
    if (id === undefined) return;
    void this.#visit.doing.do(this.#failed, async () => {
      await claim(id);
      this.#open(id);
    });
  }
}

/** So many pages as one. */
async function upTo(pages: number, filter: Filter): Promise<ReviewPage> {
  let whole = await reviews(filter, null);
  for (let page = 1; page < pages && whole.next !== null; page += 1) {
    const { reviews: more, next } = await reviews(filter, whole.next);
    whole = { reviews: [...whole.reviews, ...more], next };
  }
  return whole;
}

function standingOf({ state, decision, mine, recused, claim: own, claimed, votes_missing }: Review) {
  if (state === "decided" && decision !== null) return { say: `decision.${decision}` } as const;
  if (state !== "open") return { say: `state.${state}` } as const;
  if (recused) return { say: "row.recused" } as const;
  if (mine !== null) return { say: "row.voted" } as const;
  if (own !== null) return { say: "row.claimed", with: { time: () => timeOfDay(own.until) } } as const;
  if (claimed) return { say: "row.taken" } as const;
  return { say: "row.missing", with: { number: () => number(votes_missing) } } as const;
}

function select(group: "state" | "kind" | "reason", words: readonly string[], all: Key | null): HTMLSelectElement {
  const options = words.map((word) => h("option", { say: `${group}.${word}` as Key, attributes: { value: word } }));
  const every = all === null ? [] : [h("option", { say: all, attributes: { value: "" } })];
  return h("select", { attributes: { id: `filter-${group}` } }, ...every, ...options);
}

const check = (name: string) => h("input", { attributes: { type: "checkbox", id: `filter-${name}` } });

function labelled(key: Key, field: HTMLElement): HTMLElement {
  return h("div", {}, h("label", { say: key, attributes: { for: field.id } }), field);
}

function picked(key: Key, field: HTMLElement): HTMLElement {
  return h("div", { class: "pick" }, field, h("label", { say: key, attributes: { for: field.id } }));
}
