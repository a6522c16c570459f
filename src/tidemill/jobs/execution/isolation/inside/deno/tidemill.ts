// What a job may ask of the server that runs it: `import { progress } from "tidemill"`.

const SECONDS_BETWEEN_PROGRESS = 0.5;
const url = Deno.env.get("TIDEMILL_URL") ?? "";
const token = Deno.env.get("TIDEMILL_TOKEN") ?? "";
const path = Deno.env.get("TIDEMILL_SCRIPT_PATH") ?? "";
let toldAt = 0;

/** A request was refused; `code` is the stable one of the API's error. */
export class Refused extends Error {
  override name = "Refused";
  constructor(readonly status: number, readonly code: string, message: string) {
    super(message);
  }
}

/** The id of this job. */
export const jobId: string = Deno.env.get("TIDEMILL_JOB_ID") ?? "";

/** The work item that this job runs for, if any. */
export const workItemId: string | null = Deno.env.get("TIDEMILL_WORK_ITEM_ID") ?? null;

/** Say how far the job is, in percent; said too often, only the last counts. */
export async function progress(percent: number, text = ""): Promise<void> {
  const now = performance.now() / 1000;
  if (percent < 100 && toldAt > 0 && now - toldAt < SECONDS_BETWEEN_PROGRESS) return;
  toldAt = now;
  await ask("PUT", `/jobs/${jobId}/progress`, { percent, text });
}

/** Give a figure of the job; a name has the value that was given last. */
export async function metric(name: string, value: number): Promise<void> {
  await ask("PUT", `/jobs/${jobId}/metrics`, { values: { [name]: value } });
}

/** The value that an earlier run of this script kept, or null. */
export async function getState<T = unknown>(of: string = path): Promise<T | null> {
  const answer = await ask("GET", `/script-states?path=${encodeURIComponent(of)}`);
  return (answer as { value: T | null }).value;
}

/** Keep a value for the next run of this script. */
export async function setState(value: unknown, of: string = path): Promise<void> {
  await ask("PUT", `/script-states?path=${encodeURIComponent(of)}`, { value });
}

/** The value of a variable. */
export async function getVariable(at: string): Promise<string> {
  const answer = await ask("GET", `/variables/value?path=${encodeURIComponent(at)}`);
  return (answer as { value: string }).value;
}

/** The value of a resource, with what it refers to. */
export async function getResource<T = Record<string, unknown>>(at: string): Promise<T> {
  const answer = await ask("GET", `/resources/value?path=${encodeURIComponent(at)}`);
  return (answer as { value: T }).value;
}

/** Start a script (a path) or function (`package.module:name`) as a child; return its job's id. */
export async function startJob(
  what: string,
  args: Record<string, unknown> = {},
): Promise<string> {
  const kind = what.includes(":") ? "function" : "script_path";
  const answer = await ask("POST", "/jobs", { [kind]: what, args, work_item_id: workItemId });
  return (answer as { id: string }).id;
}

/** Run another script as a child of this job; return its result. */
export async function runJob<T = unknown>(
  script: string,
  args: Record<string, unknown> = {},
): Promise<T> {
  const id = await startJob(script, args);
  while (true) {
    const answer = await ask("GET", `/jobs/${id}/result?wait=30`) as {
      finished: boolean;
      state: string;
      result: T;
      error: { message: string } | null;
    };
    if (!answer.finished) continue;
    if (answer.state === "succeeded") return answer.result;
    throw new Error(`The job of ${script} is ${answer.state}: ${answer.error?.message ?? ""}`);
  }
}

async function ask(method: string, at: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${url}/api/v1${at}`, {
    method,
    headers: { "authorization": `Bearer ${token}`, "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  const answer = text ? JSON.parse(text) : null;
  if (!response.ok) {
    throw new Refused(response.status, answer?.error?.code ?? "", answer?.error?.message ?? text);
  }
  return answer;
}
