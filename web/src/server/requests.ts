// What the page asks the server, all on its own origin.

import { MEDIA_TYPE } from "../frames/container.ts";
import type { Begun, Capture, Ceremony, Step } from "./capture.ts";

const BASE = "/v1/capture";

/**
 * The capture that this page shows, by which every later request names it: the cookie is the whole browser's, and is of
 * another capture once another link was opened in it.
 */
let shown = "";

/** The server said no, or did not answer: status 0. */
export class RequestError extends Error {
  readonly status: number;
  /** The kind of problem, by the name that docs/reference/http.md has for it. */
  readonly problem: string;

  constructor(status: number, problem: string) {
    super(`${status} ${problem}`);
    this.status = status;
    this.problem = problem;
  }
}

export const open = (link: string): Promise<Capture> => ask<Capture>("POST", "", { link }).then(showing);

export const look = (): Promise<Capture> => ask<Capture>("GET", "").then(showing);

export const begin = (notice: string): Promise<Begun> => ask("POST", "/tries", { notice });

export const next = (attempt: number, frames: number, head: string): Promise<Step | null> =>
  ask<{ step: Step | null }>("POST", "/steps", { try: attempt, frames, head }).then(({ step }) => step);

export const send = (frames: Uint8Array<ArrayBuffer>): Promise<Capture> =>
  answered(
    fetch(`${BASE}/frames`, {
      ...SHARED,
      method: "PUT",
      headers: { ...naming(), "Content-Type": MEDIA_TYPE },
      body: frames,
    }),
  );

export const beginPasskey = (): Promise<Ceremony> => ask("POST", "/passkey/options");

export const finishPasskey = (ceremony: string, credential: string): Promise<Capture> =>
  ask("POST", "/passkey", { ceremony, credential });

export const decline = (): Promise<void> => ask("DELETE", "");

const SHARED: RequestInit = { cache: "no-store", credentials: "same-origin", redirect: "error" };

function showing(capture: Capture): Capture {
  shown = capture.id;
  return capture;
}

function naming(): Record<string, string> {
  return shown === "" ? {} : { "Facekeep-Capture": shown };
}

function ask<T>(method: string, path: string, body?: object): Promise<T> {
  const headers: Record<string, string> = { ...naming(), Accept: "application/json" };
  if (body === undefined) return answered(fetch(BASE + path, { ...SHARED, method, headers }));
  headers["Content-Type"] = "application/json";
  return answered(fetch(BASE + path, { ...SHARED, method, headers, body: JSON.stringify(body) }));
}

async function answered<T>(asked: Promise<Response>): Promise<T> {
  let answer: Response;
  try {
    answer = await asked;
  } catch {
    throw new RequestError(0, "unreachable");
  }
  if (answer.status === 204) return undefined as T;
  let said: unknown;
  try {
    said = await answer.json();
  } catch {
    throw new RequestError(answer.status, "unreadable");
  }
  if (!answer.ok) throw new RequestError(answer.status, problemOf(said));
  return said as T;
}

function problemOf(said: unknown): string {
  const type = typeof said === "object" && said !== null && "type" in said ? said.type : null;
  return typeof type === "string" ? (type.split(/[/#:]/).at(-1) ?? "") : "";
}
