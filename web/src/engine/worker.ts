// The worker in which faces are found. The camera's whole pictures end here.

import { Looking } from "./looking.ts";
import type { Answer, FrameRequest } from "./messages.ts";
import { Models } from "./models.ts";

const say = (answer: Answer, moved: Transferable[] = []) => postMessage(answer, { transfer: moved });
const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

const looking = Models.load().then((models) => new Looking(models));
looking.then(
  () => say({ kind: "ready" }),
  (error: unknown) => say({ kind: "failed", reason: reasonOf(error) }),
);

addEventListener("message", async ({ data }: MessageEvent<FrameRequest>) => {
  try {
    const answer = await (await looking).look(data);
    const crops = answer.crops === null ? [] : [answer.crops.face.buffer, answer.crops.thumbnail.buffer];
    say(answer, [answer.preview, ...crops]);
  } catch (error) {
    say({ kind: "failed", reason: reasonOf(error) });
  } finally {
    data.picture.close();
  }
});
