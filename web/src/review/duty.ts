// On duty or off it: whom new reviews are sealed to, and how long somebody looked at such things.

import { RequestError } from "../server/exchange.ts";
import type { Visit } from "../signing/visit.ts";
import { complaint } from "../views/doing.ts";
import { h } from "../views/elements.ts";
import { bodyOf, cell, row, tableOf } from "../views/table.ts";
import { Toggle } from "../views/toggle.ts";
import { date, dateAndTime, measured, say, unsay } from "../words/words.ts";
import { type Reviewer, setDuty } from "./server.ts";
import { said } from "./wording.ts";

const HOUR = 3600;

export class Duty {
  readonly content: HTMLElement;
  readonly #visit: Visit;
  readonly #failed = complaint();
  readonly #toggle = new Toggle("duty-title", () => this.turn());
  readonly #since = h("p", { class: "note" });
  #on: boolean;

  constructor(visit: Visit, { on_duty, since, hours }: Reviewer) {
    this.#visit = visit;
    this.#on = on_duty;
    this.#toggle.content.setAttribute("aria-keyshortcuts", "d");
    this.content = h(
      "section",
      { attributes: { id: "duty" } },
      h(
        "div",
        { class: "turn" },
        h("h2", { say: "duty.title", attributes: { id: "duty-title" } }),
        this.#toggle.content,
      ),
      h("p", { say: "duty.text" }),
      this.#since,
      this.#failed,
      hoursOf(hours),
    );
    this.#toggle.show(on_duty);
    if (on_duty && since !== null) say(this.#since, "duty.since", { time: () => dateAndTime(since) });
  }

  turn(): void {
    void this.#visit.doing.do(this.#failed, async () => {
      try {
        await setDuty(!this.#on);
      } catch (error) {
        if (!(error instanceof RequestError && error.status === 422)) throw error;
        say(this.#failed, "duty.no-key");
        return;
      }
      this.#visit.used();
      this.#on = !this.#on;
      this.#toggle.show(this.#on);
      unsay(this.#since);
      say(this.#since, this.#on ? "duty.begun" : "duty.ended");
      this.#visit.page.tell(this.#on ? "duty.begun" : "duty.ended");
    });
  }
}

/** Hours of the days on which there were any. */
function hoursOf(hours: Reviewer["hours"]): HTMLElement | null {
  const days = hours.filter(({ seconds }) => seconds > 0);
  if (days.length === 0) return null;
  const body = bodyOf();
  for (const { day, seconds } of days)
    body.append(
      row(
        "row",
        cell(
          "duty.day",
          said(() => date(`${day}T12:00:00`)),
        ),
        cell(
          "duty.hours",
          said(() => measured(seconds / HOUR)),
        ),
      ),
    );
  return h("details", {}, h("summary", { say: "duty.table" }), tableOf("duty.table", ["duty.day", "duty.hours"], body));
}
