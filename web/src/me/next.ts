// How it goes on with a review, and whether its pictures can be seen: as keys of texts, so that it needs no browser.

import type { OwnReview } from "./server.ts";

const FOR_THE_PERSON: readonly (string | null)[] = ["bona-fide", "same-person"];

/** What happens next. */
export function nextOf({ state, decision, appeal, may_appeal, measured }: OwnReview) {
  if (measured) return "reviews.next.measured";
  if (state === "open") return appeal === "" ? "reviews.next.open" : "reviews.next.appealed";
  if (state !== "decided") return `reviews.next.${state}` as const;
  if (may_appeal) return "reviews.next.may-appeal";
  if (FOR_THE_PERSON.includes(decision)) return "reviews.next.passed";
  return appeal === "" ? "reviews.next.late" : "reviews.next.final";
}

/** Why the pictures cannot be seen here; null where they may. */
export function unseenBecause({ state, pictures }: OwnReview, hasKey: boolean) {
  if (pictures.length === 0) return state === "open" ? "reviews.sight.none" : "reviews.sight.destroyed";
  return hasKey ? null : "reviews.sight.no-key";
}

/** What is said of pictures before they are shown. One to compare with may have been added when no key was at hand. */
export const aboutSight = ({ pictures }: OwnReview) =>
  pictures.some(({ role }) => role === "reference") ? "reviews.sight.compared" : "reviews.sight.text";

/** Whether something can still be said to those who decide. */
export const maySay = ({ state, statement }: OwnReview): boolean => state === "open" && statement === "";
