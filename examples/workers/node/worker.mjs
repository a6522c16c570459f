// A Tidemill worker that runs jobs in bash, over TLS or a Unix socket: what it says, hears and holds.
import { once } from "node:events";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { finish, start, stop } from "./bash.mjs";
import { CONTROL, converse, dial, LOGS, OUTCOMES } from "./wire.mjs";

const text = (preset) => ({ type: "string", default: preset });
const { values: options, positionals: [address] } = parseArgs({ allowPositionals: true, options: {
  "token-file": text(), ca: text(), name: text(`${hostname()}-node`), tags: text("default"), slots: text("2") } });
const jobs = new Map(); // What runs, and what has ended and is not confirmed yet, by job and epoch.
const running = () => [...jobs.values()].filter((job) => !job.outcome);
const ended = () => [...jobs.values()].filter((job) => job.outcome);
const held = ({ job_id, epoch }) => [job_id, epoch];
let say = null, api = "", beats = null, delay = 50, draining = false; // `say` sends, while a dispatcher welcomes.

const hear = {
  welcome({ keep, heartbeat_seconds, api_url }, send) {
    [say, api, delay] = [send, api_url, 50];
    const kept = new Set(keep.map(String));
    for (const job of running()) if (!kept.has(String(held(job)))) stop(job, "lost", 0);
    // What the last dispatcher may not have written is said again: the same bytes at the same offsets.
    for (const { recent } of jobs.values()) for (const chunk of recent) say(LOGS, chunk);
    for (const { outcome } of ended()) say(OUTCOMES, outcome);
    const beat = () => send(CONTROL, { type: "heartbeat", free_slots: options.slots - running().length });
    beat();
    beats = setInterval(beat, heartbeat_seconds * 1000);
    if (draining) say(CONTROL, { type: "draining" });
    console.error(`connected to ${address}, takes jobs with the tags ${options.tags}`);
  },
  refused({ reason }) {
    console.error(`refused: ${reason}`);
    delay = 10_000;
  },
  assign: ({ jobs: assigned }) => assigned.forEach(run),
  cancel(message) {
    const job = running().find((one) => String(held(one)) === String(held(message)));
    if (job) stop(job, "cancelled", message.grace_seconds);
  },
  outcomes_taken: ({ jobs: taken }) => taken.forEach((one) => jobs.delete(String(one))),
  drain,
};

async function run(job) {
  for (const other of running()) if (other.job_id === job.job_id) stop(other, "lost", 0); // It counts for nothing now.
  const { job_id, epoch } = job, started_at = Date.now() * 1000;
  jobs.set(String(held(job)), Object.assign(job, { recent: [], offset: 0 }));
  let result = null, error = null, timer;
  try {
    if (job.refusal || job.language !== "bash") throw new Error(job.refusal || `This worker runs no ${job.language}.`);
    job.child = start(job, api);
    say?.(CONTROL, { type: "started", job_id, epoch, started_at });
    if (draining) stop(job, "lost", 0);
    timer = setTimeout(stop, job.timeout_seconds * 1000, job, "timed_out", 5);
    result = Buffer.from(JSON.stringify(await finish(job, (shown) => log(job, shown))));
    job.verdict ??= "succeeded";
  } catch ({ message }) {
    job.verdict ??= "failed";
    error = { type: job.verdict, message, traceback: "" };
  }
  clearTimeout(timer);
  job.outcome = { type: "outcome", job_id, epoch, verdict: job.verdict, isolation: "fork", started_at,
    finished_at: Date.now() * 1000, result, error };
  say?.(OUTCOMES, job.outcome);
}

async function log(job, shown) {
  const { job_id, epoch, offset } = job, data = Buffer.from(shown).subarray(0, job.log_bytes_max - offset);
  if (data.length === 0) return;
  const chunk = { type: "log", job_id, epoch, offset, data };
  job.offset += data.length;
  job.recent = [...job.recent, chunk].slice(-32);
  await say?.(LOGS, chunk); // Until it has left nothing more is read: the pipe fills, and the job waits.
  while (!say) await sleep(50);
}

function drain() {
  draining = true;
  say?.(CONTROL, { type: "draining" });
  setInterval(() => jobs.size || process.exit(), 50);
}

process.on("SIGTERM", drain);
for (;;) { // One connection after the other, each with a greeting of its own.
  try {
    const [secret, socket] = dial(address, options["token-file"], options.ca);
    const send = converse(socket, (message) => hear[message.type]?.(message, send));
    send(CONTROL, { type: "hello", version: 1, worker_id: options.name, secret, host: hostname(),
      slots: Number(options.slots), tags: options.tags.split(","), isolations: ["fork"],
      holding: running().map(held), unacknowledged: ended().map(held) });
    await once(socket, "close");
  } catch ({ message }) { console.error(message); }
  say = null;
  clearInterval(beats);
  await sleep(delay * (0.5 + Math.random() / 2));
  delay = Math.min(delay * 2, 2000);
}
