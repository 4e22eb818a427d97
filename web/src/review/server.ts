// What the console asks the server (docs/reference/http.md, "Reviews"), all on its own origin and as who is signed in.

import type { SealedPicture } from "../sealing/opening.ts";
import { ask } from "../server/exchange.ts";

export type Kind = "presentation" | "comparison";
export type State = "open" | "decided" | "expired" | "withdrawn";
export type Decision = "bona-fide" | "attack" | "same-person" | "another-person" | "unusable";
export type Concern = "harm" | "minor" | "death";
export type ViewReason = "figures-undecided" | "urgent-sign" | "compare-faces" | "check-quality" | "appeal" | "concern";
export type Role = "probe" | "reference";

export interface Picture {
  readonly index: number;
  readonly role: Role;
}

export interface Vote {
  readonly decision: Decision;
  readonly code: string;
  readonly time: string;
}

/** A review as a list tells it. */
export interface Review {
  readonly id: string;
  readonly kind: Kind;
  /** Urgent ones first. */
  readonly reasons: readonly string[];
  readonly urgent: boolean;
  readonly state: State;
  readonly round: number;
  readonly created: string;
  readonly deadline: string;
  readonly votes_missing: number;
  /** Others have it, as many as may at a time. */
  readonly claimed: boolean;
  /** Who is signed in has it. */
  readonly claim: { readonly until: string } | null;
  readonly mine: Vote | null;
  readonly recused: boolean;
  readonly pictures: readonly Picture[];
  readonly decision: Decision | null;
  readonly decided: string | null;
  readonly concerns: readonly Concern[];
}

export interface Finding {
  readonly voice: string;
  readonly verdict: string;
  readonly reasons: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
}

export interface Curve {
  readonly name: string;
  readonly unit: string;
  /** Seconds from the first frame. */
  readonly at: readonly number[];
  readonly values: readonly (number | null)[];
}

export interface Evidence {
  readonly intent: string | null;
  readonly purpose: string | null;
  readonly assurance: string | null;
  readonly pad: {
    readonly decision: string;
    readonly reasons: readonly string[];
    readonly findings: readonly Finding[];
  } | null;
  readonly curves: readonly Curve[];
  /** False match rates: the one that was asked for, and the strictest at which the comparison holds. */
  readonly comparison: { readonly fmr: number; readonly holds_at: number | null } | null;
  readonly statement: string;
  readonly appeal: string;
}

/** `votes` are of everybody, without saying whose, once it is decided; empty before. */
export type FullReview = Review & { readonly evidence: Evidence; readonly votes: readonly Vote[] };

export interface ReviewPage {
  readonly reviews: readonly Review[];
  readonly next: string | null;
}

/** What of the queue is asked for; "" for all. */
export interface Filter {
  readonly state: State;
  readonly kind: Kind | "";
  readonly reason: string;
  readonly urgent: boolean;
  readonly mine: boolean;
}

export interface View {
  readonly shown: string;
  readonly reviewer: string;
  readonly pictures: readonly (SealedPicture & Picture)[];
}

export interface RegisteredKey {
  readonly id: string;
  readonly added: string;
}

export interface Reviewer {
  readonly name: string;
  readonly organisation: string;
  readonly keys: readonly RegisteredKey[];
  readonly on_duty: boolean;
  readonly since: string | null;
  readonly hours: readonly { readonly day: string; readonly seconds: number }[];
}

export interface ReportedConcern {
  readonly id: string;
  readonly review: string;
  readonly concern: Concern;
  readonly text: string;
  readonly reported: string;
  /** Empty of who has left. */
  readonly reporter: string;
  readonly answer: string;
  readonly answered: string | null;
}

export interface ConcernPage {
  readonly concerns: readonly ReportedConcern[];
  readonly next: string | null;
}

const PAGE = 25;

/** @param after `next` of the page before; null for the first. */
export function reviews(filter: Filter, after: string | null): Promise<ReviewPage> {
  const query = new URLSearchParams({ state: filter.state, limit: String(PAGE) });
  if (filter.kind !== "") query.set("kind", filter.kind);
  if (filter.reason !== "") query.set("reason", filter.reason);
  if (filter.urgent) query.set("urgent", "true");
  if (filter.mine) query.set("mine", "true");
  if (after !== null) query.set("after", after);
  return ask("GET", `/v1/reviews?${query}`);
}

export const review = (id: string): Promise<FullReview> => ask("GET", path(id));

export const claim = (id: string): Promise<void> => ask("POST", path(id, "/claim"));

export const release = (id: string): Promise<void> => ask("DELETE", path(id, "/claim"));

export const recuse = (id: string): Promise<void> => ask("POST", path(id, "/recusal"));

/** @param key of this browser, to which the pictures are sealed. */
export const view = (id: string, reason: ViewReason, key: string): Promise<View> =>
  ask("POST", path(id, "/views"), { json: { reason, key } });

export const vote = (id: string, decision: Decision, code: string): Promise<void> =>
  ask("POST", path(id, "/votes"), { json: { decision, code } });

export const report = (id: string, concern: Concern, text: string): Promise<void> =>
  ask("POST", path(id, "/concerns"), { json: { concern, text } });

export const concerns = (after: string | null): Promise<ConcernPage> =>
  ask("GET", `/v1/review-concerns${after === null ? "" : `?after=${encodeURIComponent(after)}`}`);

export const answerConcern = (id: string, text: string): Promise<void> =>
  ask("POST", `/v1/review-concerns/${id}/answer`, { json: { text } });

export const reviewer = (): Promise<Reviewer> => ask("GET", "/v1/reviewer");

/** @param bytes of a public key, in Base64 for addresses. */
export const addKey = (bytes: string): Promise<void> => ask("POST", "/v1/reviewer/keys", { json: { public: bytes } });

export const removeKey = (id: string): Promise<void> => ask("DELETE", `/v1/reviewer/keys/${id}`);

export const setDuty = (on: boolean): Promise<void> => ask("PUT", "/v1/reviewer/duty", { json: { on } });

const path = (id: string, rest = ""): string => `/v1/reviews/${id}${rest}`;
