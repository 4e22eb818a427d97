// Which view follows which: notice, camera, steps, what is sent, result.

import { CameraError } from "./camera/camera.ts";
import { Engine, EngineError } from "./engine/engine.ts";
import type { Capture, Notice } from "./server/capture.ts";
import { PasskeyError, passkey } from "./server/passkey.ts";
import * as server from "./server/requests.ts";
import { hasKey, kept, personKey, written } from "./taking/person_key.ts";
import { Session, type Taken } from "./taking/session.ts";
import { button, h, heading } from "./views/elements.ts";
import { type Choices, noticeView, offView } from "./views/notice.ts";
import type { Page } from "./views/page.ts";
import { Place } from "./views/place.ts";
import { againView, Result } from "./views/result.ts";
import { Review } from "./views/review.ts";
import { Stage } from "./views/stage.ts";
import { statementOf } from "./views/statement.ts";
import { Steps } from "./views/steps.ts";
import { waitingView } from "./views/waiting.ts";
import { type Key, say, text } from "./words/words.ts";

const GONE = new Set([401, 403, 404, 409, 410]); // what a link that works no more is answered with
const REFUSED = new Set([403, 404, 409, 410, 413, 422]);

export class Flow {
  readonly #page: Page;
  #engine: Engine | null = null;
  #session: Session | null = null;
  #capture: Capture | null = null;
  #notice: Notice | null = null;

  constructor(page: Page) {
    this.#page = page;
    addEventListener("pagehide", () => this.#close());
  }

  /** Opens the link that the address bears; or goes on, where it was opened in this browser before. */
  async start(): Promise<void> {
    this.#page.show("opening", [heading("opening.title"), h("p", { say: "opening.text" })]);
    const link = location.hash.slice(1);
    history.replaceState(null, "", location.pathname); // it works once, and need not stay in the history
    try {
      this.#opened(link === "" ? await server.look() : await server.open(link));
    } catch (error) {
      if (error instanceof server.RequestError && GONE.has(error.status)) {
        this.#trouble(link === "" ? "trouble.link-missing" : "trouble.link-used", null);
      } else {
        this.#failed(error, () => {
          if (link !== "") history.replaceState(null, "", `${location.pathname}#${link}`);
          void this.start();
        });
      }
    }
  }

  get #choices(): Choices {
    return {
      agree: (notice) => this.#agreed(notice),
      passkey: () => this.#passkey(),
      without: () => void this.#decline(),
    };
  }

  #opened(capture: Capture): void {
    this.#capture = capture;
    if (this.#ended(capture)) return;
    this.#page.closes(new Date(capture.expires), () => this.#over());
    if (capture.decided_by === "passkey") {
      this.#passkey();
    } else if (capture.camera) {
      this.#engine ??= new Engine(); // loads while the notice is read
      this.#page.show("notice", noticeView(capture, this.#choices));
    } else {
      this.#page.show("off", offView(capture, this.#choices));
    }
  }

  #agreed(notice: Notice): void {
    this.#notice = notice;
    void this.#place();
  }

  async #place(): Promise<void> {
    const engine = this.#engine;
    if (engine === null) return;
    const stage = new Stage();
    const stop = () => this.#back();
    const place = new Place(this.#page, stage, { begin: () => void this.#begin(stage), stop });
    this.#page.show("place", place.content);
    this.#session?.close();
    this.#session = null;
    try {
      const follower = {
        advised: (advice: Parameters<Place["advise"]>[0]) => (this.#steps ?? place).advise(advice),
        failed: (error: unknown) => this.#failed(error, () => void this.#place()),
        lost: () => this.#cameraTrouble(new CameraError("lost")),
      };
      this.#steps = null;
      const session = await Session.open(engine, stage, follower);
      if (!stage.canvas.isConnected) return session.close(); // the person went on while the browser asked
      this.#session = session;
      place.loading();
      await engine.ready;
    } catch (error) {
      if (stage.canvas.isConnected) this.#failed(error, () => void this.#place());
    }
  }

  #steps: Steps | null = null;

  async #begin(stage: Stage): Promise<void> {
    const [notice, session] = [this.#notice, this.#session];
    if (notice === null || session === null) return;
    const steps = new Steps(this.#page, stage, () => this.#back());
    this.#steps = steps;
    this.#page.show("steps", steps.content, () => steps.leave());
    try {
      const begun = await server.begin(notice.digest);
      if (this.#steps !== steps) return;
      const ask = (frames: number, head: string) => server.next(begun.try, frames, head);
      const attempt = session.attempt(begun, ask, {
        asked: (step) => steps.asked(step),
        standing: (standing, done) => steps.standing(attempt.step, standing, done),
        late: (step) => this.#late(`step.${step.kind}`),
        failed: (error) => this.#failed(error, () => void this.#place()),
        taken: (taken) => void this.#review(taken),
      });
      steps.follow(attempt);
    } catch (error) {
      this.#failed(error, () => void this.#place());
    }
  }

  #late(step: Key): void {
    this.#close();
    void this.#refreshed((capture) => {
      const again = capture.tries_left > 0 ? button("again.button", () => void this.#place(), "main") : null;
      this.#page.show("late", [
        heading("late.title"),
        h("p", { class: "lead", say: "late.text", with: { step: () => text(step) } }),
        h("div", { class: "choices" }, again, this.#without()),
      ]);
    });
  }

  async #review(taken: Taken): Promise<void> {
    await this.#refreshed((capture) => {
      const review = new Review(taken.frames, taken.steps, taken.body.length, capture, {
        send: () => void this.#send(taken.body),
        again: () => void this.#place(),
        stop: () => void this.#decline(),
      });
      this.#page.show("review", review.content, () => review.leave());
    });
  }

  async #send(body: Uint8Array<ArrayBuffer>): Promise<void> {
    const waiting = h("div", { class: "waiting", attributes: { "aria-hidden": "true" } });
    this.#page.show("sending", [heading("sending.title"), h("p", { class: "lead", say: "sending.text" }), waiting]);
    try {
      const key = await personKey();
      const capture = await server.send(body, key === null ? null : written(key));
      if (capture.state === "review") await kept(key);
      this.#decided(capture);
    } catch (error) {
      this.#failed(error, () => void this.#send(body));
    }
  }

  #decided(capture: Capture): void {
    this.#capture = capture;
    if (this.#ended(capture)) return;
    if (capture.decided_by === "passkey") this.#passkey();
    else {
      const acts = { again: () => void this.#place(), without: this.#without() };
      this.#page.show("again", againView(capture, acts));
    }
  }

  #passkey(problem: Key | null = null): void {
    const said = h("p", { class: "warning", attributes: { role: "alert" } });
    if (problem !== null) say(said, problem);
    const use = button("passkey.use", () => void this.#usePasskey(use), "main");
    const back = this.#capture?.decided_by === "passkey" ? null : button("stop", () => this.#back());
    const buttons = h("div", { class: "buttons" }, use, back);
    const statement = this.#capture?.statement ?? null;
    this.#page.show("passkey", [
      heading("passkey.title"),
      h("p", { class: "lead", say: "passkey.text" }),
      statement === null ? null : statementOf(statement),
      buttons,
      said,
    ]);
  }

  async #usePasskey(use: HTMLButtonElement): Promise<void> {
    use.disabled = true;
    try {
      this.#decided(await passkey(server.beginPasskey, server.finishPasskey));
    } catch (error) {
      if (error instanceof PasskeyError)
        this.#passkey(error.message === "unsupported" ? "passkey.unsupported" : "passkey.cancelled");
      else if (error instanceof server.RequestError && error.status === 401) this.#passkey("passkey.refused");
      else this.#failed(error, () => this.#passkey());
    }
  }

  async #decline(): Promise<void> {
    this.#close();
    try {
      await server.decline();
      this.#capture = { ...(this.#capture ?? (await server.look())), state: "done", outcome: "declined", reasons: [] };
      this.#result(this.#capture);
    } catch (error) {
      this.#failed(error, () => void this.#decline());
    }
  }

  #over(): void {
    this.#close();
    const capture = this.#capture;
    if (capture !== null) this.#result({ ...capture, state: "done", outcome: "expired", reasons: [] });
  }

  /** Shows how it ended, or that people look; false while there is something left to do here. */
  #ended(capture: Capture): boolean {
    if (capture.state === "done") this.#result(capture);
    else if (capture.state === "review") void this.#waiting(capture);
    else return false;
    return true;
  }

  async #waiting(capture: Capture): Promise<void> {
    this.#stopped();
    const sees = await hasKey();
    if (capture.alternative !== null) {
      const without = { ...capture, alternative: null };
      this.#page.closes(new Date(capture.expires), () => void this.#waiting(without));
    }
    this.#page.show("waiting", waitingView(capture, { passkey: () => this.#passkey(), sees }));
  }

  /** Neither camera nor time is needed any more. */
  #stopped(): void {
    this.#close();
    this.#engine?.close();
    this.#engine = null;
    this.#page.settled();
  }

  #result(capture: Capture): void {
    this.#stopped();
    const result = new Result(this.#page, capture);
    this.#page.show("result", result.content, () => result.leave());
  }

  /** Asks how the capture stands, and goes on unless it has ended meanwhile. */
  async #refreshed(then: (capture: Capture) => void): Promise<void> {
    try {
      const capture = await server.look();
      this.#capture = capture;
      if (!this.#ended(capture)) then(capture);
    } catch (error) {
      this.#failed(error, () => void this.#refreshed(then));
    }
  }

  /** Back to notice and choice; nothing was sent. */
  #back(): void {
    this.#close();
    void this.#refreshed((capture) => this.#opened(capture));
  }

  #without(): HTMLElement {
    const hasPasskey = this.#capture?.alternative === "passkey";
    const key = hasPasskey ? "notice.passkey" : "notice.without";
    return button(key, () => (hasPasskey ? this.#passkey() : void this.#decline()));
  }

  #close(): void {
    this.#session?.close();
    this.#session = null;
    this.#steps = null;
  }

  #failed(error: unknown, again: () => void): void {
    this.#close();
    if (isAnother(error)) this.#another();
    else if (error instanceof CameraError) this.#cameraTrouble(error);
    else if (error instanceof EngineError) this.#trouble("trouble.engine", null);
    else if (error instanceof server.RequestError && error.status === 0) this.#trouble("trouble.unreachable", again);
    else if (error instanceof server.RequestError && error.status === 401) this.#trouble("trouble.session-gone", null);
    else if (error instanceof server.RequestError && REFUSED.has(error.status)) void this.#refused(error);
    else this.#trouble("trouble.service", again);
  }

  /** The server refused something: how the capture stands now says what is left to do. */
  async #refused(error: server.RequestError): Promise<void> {
    try {
      const capture = await server.look();
      this.#decided(capture.reasons.length > 0 ? capture : { ...capture, reasons: [error.problem] });
    } catch (failure) {
      if (isAnother(failure)) this.#another();
      else this.#trouble("trouble.session-gone", null);
    }
  }

  /** The browser has another capture by now, and this page must not go on with what it does not show. */
  #another(): void {
    this.#stopped();
    this.#trouble("trouble.another", null);
  }

  #cameraTrouble(error: CameraError): void {
    this.#close();
    const again = button("trouble.again", () => void this.#place());
    const choices = h("div", { class: "choices" }, again, this.#without());
    const said = h("p", { class: "lead", say: `camera.${error.trouble}` });
    this.#page.show("camera-trouble", [heading("camera.title"), said, choices]);
  }

  #trouble(said: Key, again: (() => void) | null): void {
    const act = again === null ? null : button("trouble.again", again, "main");
    const without = said === "trouble.engine" ? this.#without() : null;
    const buttons = h("div", { class: "buttons" }, act, without);
    this.#page.show("trouble", [heading("trouble.title"), h("p", { class: "lead", say: said }), buttons]);
  }
}

function isAnother(error: unknown): boolean {
  return error instanceof server.RequestError && error.problem === "another-capture";
}
