// How it goes on with a review, and whether its pictures can be seen: as keys of texts, so that it needs no browser.

import type { OwnReview } from "./server.ts";

/** What happens next. */
export function nextOf({ state, against, appeal, may_appeal, measured, pictures }: OwnReview) {
  if (measured) return "reviews.next.measured";
  if (state === "open") return appeal === "" ? "reviews.next.open" : "reviews.next.appealed";
  if (state !== "decided") return `reviews.next.${state}` as const;
  if (!against) return "reviews.next.passed";
  if (may_appeal) return "reviews.next.may-appeal";
  if (appeal !== "") return "reviews.next.final";
  return pictures.length > 0 ? "reviews.next.nobody" : "reviews.next.late";
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
