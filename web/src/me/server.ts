// What the page asks the server (docs/reference/http.md), all on its own origin and as the person who is signed in.

import type { SealedPicture } from "../sealing/opening.ts";
import type { Capture, Notice } from "../server/capture.ts";
import { answered, ask } from "../server/exchange.ts";
import type { Session } from "../signing/server.ts";

export interface Subject {
  readonly label: string;
  readonly name: string;
  readonly enrolled: string | null;
  readonly galleries: readonly string[];
  /** Consented to, and switched on for everybody. */
  readonly purposes: readonly string[];
  readonly never_returned: boolean;
}

export interface Reference {
  readonly id: string;
  readonly gallery: string;
  readonly enrolled: string;
  readonly locked: boolean;
}

export interface Consent {
  readonly purpose: string;
  readonly notice: string;
  readonly given: string;
  readonly withdrawn: string | null;
  /** Who gave it for a minor. */
  readonly guardian: { readonly name: string } | null;
}

/** A notice in a list, without its text. */
export interface NoticeSummary {
  readonly hash: string;
  readonly language: string;
  /** What it speaks of; empty if nobody said. */
  readonly purposes: readonly string[];
  /** Of the version after, or empty. */
  readonly replaced_by: string;
}

export type FullNotice = NoticeSummary & Omit<Notice, "digest">;

/** Somebody asked about the person, or looked at what is held. */
export interface Access {
  readonly leaf: number;
  readonly time: string;
  readonly kind: string;
  readonly purpose: string | null;
  readonly case: string | null;
  readonly operator: string | null;
  readonly outcome: string | null;
  /** Why a reviewer was shown the face; null where none was. */
  readonly reason: string | null;
}

export interface AccessPage {
  readonly accesses: readonly Access[];
  readonly next: string | null;
}

export type AppealKind = "not-me" | "appeal";

export interface Appeal {
  readonly id: string;
  readonly kind: AppealKind;
  readonly about: number | null;
  readonly text: string;
  readonly filed: string;
  readonly state: "open" | "answered";
  readonly upheld: boolean | null;
  readonly answer: string;
}

/** What people were asked about the person, and what came of it. */
export interface OwnReview {
  readonly id: string;
  readonly kind: "presentation" | "comparison";
  readonly reasons: readonly string[];
  readonly state: "open" | "decided" | "expired" | "withdrawn";
  readonly created: string;
  /** When the pictures are destroyed at the latest. */
  readonly deadline: string;
  readonly decision: string | null;
  readonly decided: string | null;
  readonly views: readonly Look[];
  /** What the person said; empty for nothing. */
  readonly statement: string;
  readonly appeal: string;
  /** Whether people decided something that is not for the person. */
  readonly against: boolean;
  /** Whether the person can object to that, and two others could decide anew. */
  readonly may_appeal: boolean;
  /** Whether it only measured how well people decide, and says nothing of the person; told once it is over. */
  readonly measured: boolean;
  /** Which can be seen still. */
  readonly pictures: readonly Picture[];
}

/** Somebody was shown the face. */
export interface Look {
  readonly time: string;
  /** Empty of who has left. */
  readonly reviewer: string;
  readonly reason: string;
}

export interface Picture {
  readonly index: number;
  readonly role: "probe" | "reference";
}

/** What a person says in a review: to those who decide, or against what they decided. */
export type Saying = "statement" | "appeal";

export interface Erasure {
  readonly references: number;
  readonly backups_readable_until: string;
  readonly receipt: string;
}

/** Begins to sign in with a face: where this browser goes through the capture. */
export const beginFace = async (account: string): Promise<string> =>
  (await ask<{ capture: string }>("POST", "/v1/sessions/face/captures", { json: { account } })).capture;

/** How the capture of this browser stands. */
export const capture = (): Promise<Capture> => ask("GET", "/v1/capture");

export const finishFace = (): Promise<Session> => ask("POST", "/v1/sessions/face");

/** The ledger's key as the service says it: whoever lies there says his own. */
export const ledgerKey = async (): Promise<string> =>
  (await ask<{ ledger_key: string }>("GET", "/v1/ledger/key")).ledger_key;

/** What is asked about one person, by that person. */
export class Person {
  readonly #path: string;
  readonly #used: () => void;

  /**
   * @param subject the person's identifier.
   * @param used is called when the session was used, and lasts longer for it.
   */
  constructor(subject: string, used: () => void) {
    this.#path = `/v1/subjects/${subject}`;
    this.#used = used;
  }

  subject = (): Promise<Subject> => this.#ask("GET", "");

  references = (): Promise<Reference[]> => this.#all("/references", "references");

  consents = (): Promise<Consent[]> => this.#all("/consents", "consents");

  /** @param after `next` of the page before; null for the newest. */
  accesses = (after: string | null = null): Promise<AccessPage> =>
    this.#ask("GET", `/accesses?limit=20${after === null ? "" : `&after=${after}`}`);

  appeals = (): Promise<Appeal[]> => this.#all("/appeals", "appeals");

  appeal = (kind: AppealKind, about: number | null, text: string): Promise<Appeal> =>
    this.#ask("POST", "/appeals", { kind, about, text });

  reviews = async (): Promise<OwnReview[]> => (await this.#ask<{ reviews: OwnReview[] }>("GET", "/reviews")).reviews;

  /** What opens the pictures that reviewers see, with a key of this browser. */
  pictures = async (review: string, key: string): Promise<(Picture & SealedPicture)[]> =>
    (await this.#ask<{ pictures: (Picture & SealedPicture)[] }>("POST", `/reviews/${review}/views`, { key })).pictures;

  /** Says something in a review; how it stands then. */
  say = (review: string, saying: Saying, text: string): Promise<OwnReview> =>
    this.#ask("POST", `/reviews/${review}/${saying}`, { text });

  consent = (purpose: string, notice: string): Promise<Consent[]> =>
    this.#ask("POST", "/consents", { purpose, notice_hash: notice });

  neverReturn = (): Promise<void> => this.#ask("PUT", "/never-return");

  /** All that is held, as a file. */
  exported = async (format: "json" | "html", language: string): Promise<string> => {
    const query = new URLSearchParams({ format, language });
    const answer = await answered(`${this.#path}/export?${query}`);
    this.#used();
    return answer.text();
  };

  /** Notices in their newest versions. */
  notices = async (): Promise<NoticeSummary[]> => {
    const all = await every<NoticeSummary, "notices">("/v1/notices", "notices");
    this.#used();
    return all.filter((notice) => notice.replaced_by === "");
  };

  notice = async (hash: string): Promise<Notice> => {
    const { hash: digest, ...rest } = await ask<FullNotice>("GET", `/v1/notices/${hash}`);
    this.#used();
    return { digest, ...rest };
  };

  withdraw = (purpose: string): Promise<Consent[]> => this.#ask("DELETE", `/consents/${purpose}`);

  /** What the ledger has about the person, with proofs; and that it only grew from a head of so many leaves. */
  ledger = async (since: number | null = null): Promise<string> => {
    const query = since === null ? "" : `?since=${since}`;
    return (await this.#ask<{ bundle: string }>("GET", `/ledger${query}`)).bundle;
  };

  /** @param once is the same for whatever shall be done once. */
  erase = (once: string): Promise<Erasure> => ask("DELETE", this.#path, { headers: { "Idempotency-Key": once } });

  async #all<T, N extends string>(path: string, name: N): Promise<T[]> {
    const all = await every<T, N>(this.#path + path, name);
    this.#used();
    return all;
  }

  async #ask<T>(method: string, path: string, json?: object): Promise<T> {
    const answer = await ask<T>(method, this.#path + path, json === undefined ? {} : { json });
    this.#used();
    return answer;
  }
}

/** What is on all pages of a list. */
async function every<T, N extends string>(path: string, name: N): Promise<T[]> {
  const all: T[] = [];
  let after: string | null = null;
  do {
    const query: string = after === null ? "" : `?after=${encodeURIComponent(after)}`;
    const page: Record<N, T[]> & { next: string | null } = await ask("GET", path + query);
    all.push(...page[name]);
    after = page.next;
  } while (after !== null);
  return all;
}
