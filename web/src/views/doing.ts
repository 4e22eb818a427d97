// Doing what a button says: once at a time, with a word beside it if it fails.

import { RequestError } from "../server/exchange.ts";
import { type Key, say, unsay } from "../words/words.ts";
import { h } from "./elements.ts";

/** Where it is said that something was not done, and why. */
export const complaint = (): HTMLElement => h("p", { class: "warning", attributes: { role: "alert" } });

/** Where it is said that something was done. */
export const word = (): HTMLElement => h("p", { class: "done", attributes: { role: "status" } });

export class Doing {
  readonly #gone: () => void;
  readonly #why: (error: RequestError) => Key;
  readonly #busy = new WeakSet<HTMLElement>();

  /**
   * @param gone is called when nobody is signed in any more.
   * @param why words what the server said no to.
   */
  constructor(gone: () => void, why: (error: RequestError) => Key = reason) {
    this.#gone = gone;
    this.#why = why;
  }

  /** Does something unless it is under way; whether it was done. */
  async do(said: HTMLElement, act: () => Promise<void>): Promise<boolean> {
    if (this.#busy.has(said)) return false;
    this.#busy.add(said);
    unsay(said);
    try {
      await act();
      return true;
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (error.status === 401) this.#gone();
      else say(said, this.#why(error));
      return false;
    } finally {
      this.#busy.delete(said);
    }
  }
}

export function reason(error: RequestError): Key {
  if (error.status === 0) return "trouble.unreachable";
  if (error.status === 429) return "trouble.often";
  return error.status === 403 ? "trouble.forbidden" : "trouble.service";
}
