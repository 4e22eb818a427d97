// A passkey's ceremony: the browser asks the person, the device answers.

import type { Capture } from "./capture.ts";
import { beginPasskey, finishPasskey } from "./requests.ts";

export class PasskeyError extends Error {}

export async function passkey(): Promise<Capture> {
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) throw new PasskeyError("unsupported");
  const { ceremony, options } = await beginPasskey();
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  let credential: Credential | null;
  try {
    credential = await navigator.credentials.get({ publicKey });
  } catch {
    throw new PasskeyError("cancelled"); // browsers do not say why, lest a site learns which passkeys there are
  }
  if (!(credential instanceof PublicKeyCredential)) throw new PasskeyError("cancelled");
  return finishPasskey(ceremony, JSON.stringify(credential.toJSON()));
}
