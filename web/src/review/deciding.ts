// Which decisions, and which reasons to see a face, fit a review. The server holds to the same; here it is that nobody is offered what it refuses.

import type { Decision, Review, ViewReason } from "./server.ts";

const CODES: Readonly<Record<Decision, readonly string[]>> = {
  "bona-fide": ["looks-live", "other"],
  attack: ["screen", "paper", "mask", "replay", "swap", "other"],
  "same-person": ["features-agree", "other"],
  "another-person": ["features-differ", "other"],
  unusable: ["too-dark", "blurred", "covered", "other"],
};

export function decisionsOf({ kind, pictures }: Pick<Review, "kind" | "pictures">): Decision[] {
  if (kind === "presentation") return ["bona-fide", "attack", "unusable"];
  const roles = new Set(pictures.map(({ role }) => role));
  return roles.has("probe") && roles.has("reference") ? ["same-person", "another-person", "unusable"] : ["unusable"];
}

export const codesOf = (decision: Decision): readonly string[] => CODES[decision];

/** Whether whoever votes so has to have seen the face: who refuses by the figures alone does what the machine did. */
export const needsALook = (decision: Decision): boolean => decision !== "unusable";

type Seen = Pick<Review, "urgent" | "pictures" | "round" | "concerns">;

/** The reasons for which a review may be shown: those that can be true of it. */
export function viewReasons(
  { urgent, pictures, round, concerns }: Seen,
  who: { votes: boolean; officer: boolean },
): ViewReason[] {
  const reasons: ViewReason[] = [];
  if (who.votes) {
    reasons.push("figures-undecided");
    if (urgent) reasons.push("urgent-sign");
    if (pictures.some(({ role }) => role === "reference")) reasons.push("compare-faces");
    reasons.push("check-quality");
    if (round > 1) reasons.push("appeal");
  }
  if ((who.votes || who.officer) && concerns.length > 0) reasons.push("concern");
  return reasons;
}
