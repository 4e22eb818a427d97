// What the capture page asks the server, all on its own origin.

import { MEDIA_TYPE } from "../frames/container.ts";
import type { Begun, Capture, Ceremony, Step } from "./capture.ts";
import { ask as askServer } from "./exchange.ts";

export { RequestError } from "./exchange.ts";

const BASE = "/v1/capture";

/**
 * The capture that this page shows, by which every later request names it: the cookie is the whole browser's, and is of
 * another capture once another link was opened in it.
 */
let shown = "";

export const open = (link: string): Promise<Capture> => ask<Capture>("POST", "", { link }).then(showing);

export const look = (): Promise<Capture> => ask<Capture>("GET", "").then(showing);

export const begin = (notice: string): Promise<Begun> => ask("POST", "/tries", { notice });

export const next = (attempt: number, frames: number, head: string): Promise<Step | null> =>
  ask<{ step: Step | null }>("POST", "/steps", { try: attempt, frames, head }).then(({ step }) => step);

/** Sends the frames of a try, and the public key of this browser, if it has one: what people see is sealed to it. */
export const send = (frames: Uint8Array<ArrayBuffer>, key: string | null): Promise<Capture> => {
  const person: Record<string, string> = key === null ? {} : { "Facekeep-Person-Key": key };
  const headers = { ...naming(), ...person, "Content-Type": MEDIA_TYPE };
  return askServer("PUT", `${BASE}/frames`, { headers, bytes: frames });
};

export const beginPasskey = (): Promise<Ceremony> => ask("POST", "/passkey/options");

export const finishPasskey = (ceremony: string, credential: string): Promise<Capture> =>
  ask("POST", "/passkey", { ceremony, credential });

export const decline = (): Promise<void> => ask("DELETE", "");

function showing(capture: Capture): Capture {
  shown = capture.id;
  return capture;
}

function naming(): Record<string, string> {
  return shown === "" ? {} : { "Facekeep-Capture": shown };
}

function ask<T>(method: string, path: string, json?: object): Promise<T> {
  const headers = naming();
  return askServer(method, BASE + path, json === undefined ? { headers } : { headers, json });
}
