// What the page asks the server (docs/reference/http.md), all on its own origin and as the person who is signed in.

import type { Ceremony } from "../server/capture.ts";
import { ask } from "../server/exchange.ts";

export interface Session {
  readonly account: string;
  readonly subject: string | null;
}

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
}

export interface Erasure {
  readonly references: number;
  readonly backups_readable_until: string;
  readonly receipt: string;
}

export const session = (): Promise<Session> => ask("GET", "/v1/session");

export const signOut = (): Promise<void> => ask("DELETE", "/v1/session");

export const beginSignIn = (): Promise<Ceremony> => ask("POST", "/v1/sessions/options");

export const signIn = (ceremony: string, credential: string): Promise<Session> =>
  ask("POST", "/v1/sessions", { json: { ceremony, credential } });

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

  withdraw = (purpose: string): Promise<Consent[]> => this.#ask("DELETE", `/consents/${purpose}`);

  /** What the ledger has about the person, with proofs; and that it only grew from a head of so many leaves. */
  ledger = async (since: number | null = null): Promise<string> => {
    const query = since === null ? "" : `?since=${since}`;
    return (await this.#ask<{ bundle: string }>("GET", `/ledger${query}`)).bundle;
  };

  /** @param once is the same for whatever shall be done once. */
  erase = (once: string): Promise<Erasure> => ask("DELETE", this.#path, { headers: { "Idempotency-Key": once } });

  async #all<T, N extends string>(path: string, name: N): Promise<T[]> {
    const every: T[] = [];
    let after: string | null = null;
    do {
      const query: string = after === null ? "" : `?after=${encodeURIComponent(after)}`;
      const page: Record<N, T[]> & { next: string | null } = await this.#ask("GET", path + query);
      every.push(...page[name]);
      after = page.next;
    } while (after !== null);
    return every;
  }

  async #ask<T>(method: string, path: string): Promise<T> {
    const answer = await ask<T>(method, this.#path + path);
    this.#used();
    return answer;
  }
}
