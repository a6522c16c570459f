// A job in bash: its process, what it prints without its secrets, its result, and its end.
import { spawn } from "node:child_process";
import { once } from "node:events";

// Names such as BASH_ENV, LD_PRELOAD, NODE_OPTIONS or http_proxy would change what the job's programs do.
const VARIABLE = /^(?!.*_proxy$)[a-z][A-Za-z0-9_]*$/;

// Returns the job's process; throws where the system takes no such arguments.
export function start(job, api) {
  const named = Object.entries(JSON.parse(Buffer.from(job.arguments))).map(
    ([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
  const env = { ...Object.fromEntries(named.filter(([name]) => VARIABLE.test(name))), PATH: process.env.PATH,
    TIDEMILL_URL: api, TIDEMILL_TOKEN: job.token, TIDEMILL_JOB_ID: job.job_id, TIDEMILL_ATTEMPT: job.attempt,
    TIDEMILL_TENANT_ID: job.tenant_id };
  const words = ["-c", job.content, "job", ...named.map(([, value]) => value)];
  return spawn("bash", words, { detached: true, stdio: ["ignore", "pipe", "pipe"], env });
}

// Hands what the job prints to `log`, a piece when the last one has left; returns its result, or throws.
export async function finish(job, log) {
  const { child, secrets, result_bytes_max } = job;
  let tail = ""; // Of what is shown, so the result has no secrets either.
  const follow = async (stream) => {
    const show = redactor(secrets);
    const keep = (shown) => {
      if (stream === child.stdout) tail = (tail + shown).slice(-result_bytes_max);
      return log(shown);
    };
    for await (const piece of stream.setEncoding("utf8")) await keep(show(piece.replaceAll("\0", "\ufffd")));
    await keep(show("", true));
  };
  const [[code, signal]] = await Promise.all([once(child, "close"), follow(child.stdout), follow(child.stderr)]);
  if (job.verdict || code !== 0) throw new Error(`bash ended with ${signal ?? `exit code ${code}`}.`);
  const line = tail.trimEnd().split("\n").pop();
  try { return JSON.parse(line || "null"); } catch { return line; }
}

// Asks all of the job's processes to stop, and kills what is there after the grace. The first reason is the verdict.
export function stop(job, verdict, graceSeconds) {
  job.verdict ??= verdict;
  const send = (signal) => { try { process.kill(-job.child.pid, signal); } catch { /* It has ended. */ } };
  send("SIGTERM");
  setTimeout(send, graceSeconds * 1000, "SIGKILL").unref();
}

// Returns a function that hides secrets, and holds back what may go on as a secret until the next piece, or the last.
function redactor(secrets) {
  const known = secrets.filter(Boolean).sort((one, other) => other.length - one.length);
  let rest = "";
  return (piece, isLast = false) => {
    let shown = "";
    rest += piece;
    while (rest && (isLast || !known.some((secret) => secret.startsWith(rest)))) {
      const secret = known.find((one) => rest.startsWith(one));
      shown += secret ? "[redacted]" : rest[0];
      rest = rest.slice(secret ? secret.length : 1);
    }
    return shown;
  };
}
