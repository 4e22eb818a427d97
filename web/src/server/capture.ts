// What the server says of a capture (docs/spec/capture.md, "What the browser asks").

import type { Step } from "../guiding/steps.ts";
import type { Begun } from "../taking/attempt.ts";

export type Outcome = "passed" | "refused" | "inconclusive" | "declined" | "off" | "expired";

export interface Statement {
  readonly amount: string;
  readonly currency: string;
  readonly payee: string;
}

export interface Notice {
  readonly digest: string;
  readonly language: string;
  readonly text: string;
  readonly retention: string;
  readonly recipients: string;
  readonly alternative: string;
}

export interface Capture {
  readonly id: string;
  readonly state: "waiting" | "open" | "review" | "done";
  readonly outcome: Outcome | null;
  readonly reasons: readonly string[];
  readonly tries_left: number;
  readonly intent: "verify" | "enrol" | "prove-live";
  readonly purpose: string;
  readonly assurance: string;
  readonly asked_by: string;
  readonly statement: Statement | null;
  readonly notices: readonly Notice[];
  readonly camera: boolean;
  readonly alternative: "passkey" | null;
  readonly expires: string;
  /** By when people have looked at it, of what went to them. */
  readonly review_until: string | null;
  readonly return_url: string | null;
  readonly decided_by: "passkey" | null;
}

export interface Ceremony {
  readonly ceremony: string;
  readonly options: PublicKeyCredentialRequestOptionsJSON;
}

export type { Begun, Step };
