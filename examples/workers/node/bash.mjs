// Runs a job in bash: what it finds, what it prints, its result, and how it is stopped.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { redacted } from "./redaction.mjs";

// Names such as BASH_ENV, LD_PRELOAD, NODE_OPTIONS or http_proxy would change what the job's programs do.
const VARIABLE = /^(?!.*_proxy$)[a-z][A-Za-z0-9_]*$/;

// Returns the job's process; throws where the system takes no such arguments.
export function start(job, api) {
  const named = Object.entries(JSON.parse(job.arguments)).map(
    ([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
  const command = ["-c", job.refusal ? "exit 1" : job.content, "job", ...named.map(([, value]) => value)];
  const env = { ...Object.fromEntries(named.filter(([name]) => VARIABLE.test(name))), PATH: process.env.PATH,
    TIDEMILL_URL: api, TIDEMILL_TOKEN: job.token, TIDEMILL_JOB_ID: job.job_id, TIDEMILL_ATTEMPT: job.attempt,
    TIDEMILL_TENANT_ID: job.tenant_id };
  return spawn("bash", command, { detached: true, stdio: ["ignore", "pipe", "pipe"], env });
}

// Sends what the job prints; returns how its process ended, and its result.
export async function finish(job, send) {
  const { child } = job;
  const [[code, signal]] = await Promise.all([
    once(child, "close"), follow(job, child.stdout, true, send), follow(job, child.stderr, false, send)]);
  return { code, signal, result: resultOf(job.tail) };
}

// Asks all of the job's processes to stop, and kills what is there after the grace.
export function stop(job, verdict, graceSeconds) {
  job.stopped ??= verdict;
  const send = (signal) => { try { process.kill(-job.child.pid, signal); } catch { /* It has ended. */ } };
  send("SIGTERM");
  setTimeout(send, graceSeconds * 1000, "SIGKILL").unref();
}

async function follow(job, stream, isOutput, send) {
  const show = redacted(job.secrets);
  const keep = (shown) => { // The result is the end of what is shown, so it has no secrets either.
    if (isOutput) job.tail = (job.tail + shown).slice(-job.result_bytes_max);
    return log(job, shown, send);
  };
  for await (const printed of stream.setEncoding("utf8")) await keep(show(printed.replaceAll("\0", "\ufffd")));
  await keep(show()); // What might have been the beginning of a secret.
}

async function log(job, shown, send) {
  const { job_id, epoch, log_bytes_max } = job;
  const data = Buffer.from(shown).subarray(0, log_bytes_max - job.offset);
  if (!data.length) return;
  const chunk = { type: "log", job_id, epoch, offset: job.offset, data };
  job.offset += data.length;
  job.recent = [...job.recent, chunk].slice(-32);
  // Until it has left nothing more is read: the pipe fills, and the job waits at its next line.
  while (!(await send(chunk))) await sleep(50);
}

function resultOf(tail) { // The last line, as JSON or else as text.
  const line = tail.trimEnd().split("\n").pop();
  try { return Buffer.from(JSON.stringify(JSON.parse(line || "null"))); } catch { return Buffer.from(JSON.stringify(line)); }
}
