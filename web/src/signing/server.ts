// What every page with a way in asks of sessions (docs/reference/http.md), on its own origin.

import type { Ceremony } from "../server/capture.ts";
import { ask, RequestError } from "../server/exchange.ts";

export interface Session {
  readonly account: string;
  readonly roles: readonly string[];
  readonly subject: string | null;
}

/** How people sign in here. */
export interface WaysIn {
  readonly passkey: boolean;
  readonly face: boolean;
  /** The host of a provider of identities. */
  readonly elsewhere: string | null;
}

export const waysIn = (): Promise<WaysIn> => ask("GET", "/v1/sessions/ways");

export const beginSignIn = (): Promise<Ceremony> => ask("POST", "/v1/sessions/options");

export const signIn = (ceremony: string, credential: string): Promise<Session> =>
  ask("POST", "/v1/sessions", { json: { ceremony, credential } });

/** Who is signed in, or null. */
export const session = (): Promise<Session | null> => unlessOut(ask<Session>("GET", "/v1/session"));

/** Signs out; a session that is over already is out. */
export async function signOut(): Promise<void> {
  await unlessOut(ask("DELETE", "/v1/session"));
}

async function unlessOut<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof RequestError && error.status === 401) return null;
    throw error;
  }
}
