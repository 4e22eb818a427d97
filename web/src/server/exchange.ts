// One question to the page's own server, and its answer.

/** The server said no, or did not answer: status 0. */
export class RequestError extends Error {
  readonly status: number;
  /** The kind of problem, by the name that docs/reference/http.md has for it. */
  readonly problem: string;

  constructor(status: number, problem: string) {
    super(`${status} ${problem}`);
    this.status = status;
    this.problem = problem;
  }
}

const SHARED: RequestInit = { cache: "no-store", credentials: "same-origin", redirect: "error" };

/** Asks, with a body in JSON or in bytes, for an answer in JSON; undefined where there is none to be had. */
export async function ask<T>(method: string, path: string, request: Asked = {}): Promise<T> {
  const { headers = {}, json, bytes } = request;
  const body: BodyInit | null = json === undefined ? (bytes ?? null) : JSON.stringify(json);
  const kind: Record<string, string> = json === undefined ? {} : { "Content-Type": "application/json" };
  const answer = await answered(path, { method, headers: { Accept: "application/json", ...kind, ...headers }, body });
  if (answer.status === 204) return undefined as T;
  return (await read(answer)) as T;
}

export interface Asked {
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: object;
  readonly bytes?: Uint8Array<ArrayBuffer>;
}

/** The answer as it came, of a server that did what was asked. */
export async function answered(path: string, how: RequestInit = {}): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, { ...SHARED, ...how });
  } catch {
    throw new RequestError(0, "unreachable");
  }
  if (!answer.ok) throw new RequestError(answer.status, problemOf(await read(answer)));
  return answer;
}

async function read(answer: Response): Promise<unknown> {
  try {
    return await answer.json();
  } catch {
    throw new RequestError(answer.status, "unreadable");
  }
}

function problemOf(said: unknown): string {
  const type = typeof said === "object" && said !== null && "type" in said ? said.type : null;
  return typeof type === "string" ? (type.split(/[/#:]/).at(-1) ?? "") : "";
}
