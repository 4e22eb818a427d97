// A passkey's ceremony: the browser asks the person, the device answers.

import type { Ceremony } from "./capture.ts";

export class PasskeyError extends Error {}

/**
 * Has the person answer a challenge.
 *
 * @param begin asks the server for the challenge.
 * @param finish gives the server the answer.
 */
export async function passkey<T>(
  begin: () => Promise<Ceremony>,
  finish: (ceremony: string, credential: string) => Promise<T>,
): Promise<T> {
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) throw new PasskeyError("unsupported");
  const { ceremony, options } = await begin();
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  let credential: Credential | null;
  try {
    credential = await navigator.credentials.get({ publicKey });
  } catch {
    throw new PasskeyError("cancelled"); // browsers do not say why, lest a site learns which passkeys there are
  }
  if (!(credential instanceof PublicKeyCredential)) throw new PasskeyError("cancelled");
  return finish(ceremony, JSON.stringify(credential.toJSON()));
}
