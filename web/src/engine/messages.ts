// What page and worker say to each other. Pictures of the camera go in; crops and a blurred preview come out.

import type { Box } from "../frames/geometry.ts";
import type { Seen } from "../guiding/guidance.ts";
import type { Measures } from "../guiding/measures.ts";

export type Wanted = "nothing" | "face" | "face and thumbnail";

export interface FrameRequest {
  readonly picture: ImageBitmap;
  readonly wanted: Wanted;
}

export interface Crops {
  readonly box: Box;
  readonly face: Uint8Array<ArrayBuffer>;
  /** Empty for none. */
  readonly thumbnail: Uint8Array<ArrayBuffer>;
}

export interface FrameAnswer {
  readonly kind: "frame";
  readonly seen: Seen;
  /** Whether a second face was seen, as surely as the server's gate asks. */
  readonly accompanied: boolean;
  readonly measures: Measures | null;
  /** The picture, all but the head blurred beyond recognition. */
  readonly preview: ImageBitmap;
  /** Null if none were wanted, or there was not exactly one face. */
  readonly crops: Crops | null;
}

export type Answer = { readonly kind: "ready" } | { readonly kind: "failed"; readonly reason: string } | FrameAnswer;
