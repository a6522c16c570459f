// A Tidemill worker in plain Node 20: it runs jobs in bash, over TLS or a Unix socket.
//   node worker.mjs tls://jobs.example.org:7443 --token-file worker.token --ca ca.pem --tags node
//   node worker.mjs unix:/var/lib/tidemill/run/dispatcher --tags node
import { once } from "node:events";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { finish, start, stop } from "./bash.mjs";
import { CONTROL, Connection, dial, LOGS, OUTCOMES } from "./wire.mjs";

const text = (preset) => ({ type: "string", default: preset });
const { values: options, positionals: [address] } = parseArgs({ allowPositionals: true, options: {
  "token-file": text(), ca: text(), name: text(`${hostname()}-node`), tags: text("default"), slots: text("2") } });
const jobs = new Map(); // What runs, by job id.
const untold = new Map(); // Ends that nobody has confirmed, with the last of their logs, by job and epoch.
const held = ({ job_id, epoch }) => [job_id, epoch];
const micros = () => Date.now() * 1000;
let connection = null, api = "", delay = 50, draining = false, told = "";

const HEAR = {
  welcome(current, { keep, heartbeat_seconds, api_url }) {
    const kept = new Set(keep.map(String));
    for (const job of jobs.values()) if (!kept.has(String(held(job)))) stop(job, "lost", 0);
    // What the last dispatcher may not have written is said again: the same bytes at the same offsets.
    for (const { recent } of [...jobs.values(), ...untold.values()]) recent.forEach((chunk) => current.send(LOGS, chunk));
    for (const { outcome } of untold.values()) current.send(OUTCOMES, outcome);
    const beat = () => current.send(CONTROL, { type: "heartbeat", free_slots: options.slots - jobs.size });
    beat();
    current.beats = setInterval(beat, heartbeat_seconds * 1000);
    [connection, api, delay, told] = [current, api_url, 50, ""];
    console.error(`connected to ${address}, takes jobs with the tags ${options.tags}`);
  },
  refused(_, { reason }) { tell(`refused: ${reason}`); delay = 10_000; },
  assign(_, { jobs: assigned }) { assigned.forEach(run); },
  cancel(_, { job_id, epoch, grace_seconds }) {
    if (jobs.get(job_id)?.epoch === epoch) stop(jobs.get(job_id), "cancelled", grace_seconds);
  },
  outcomes_taken(_, { jobs: taken }) { taken.forEach((one) => untold.delete(String(one))); },
  drain() { drain(); },
};

async function run(job) {
  const earlier = jobs.get(job.job_id);
  if (earlier?.epoch >= job.epoch) return;
  if (earlier) stop(earlier, "lost", 0); // It counts for nothing any more.
  const started_at = micros(), { job_id, epoch } = job;
  jobs.set(job_id, Object.assign(job, { recent: [], offset: 0, tail: "" }));
  job.refusal ||= job.language === "bash" ? "" : `This worker runs bash, not ${job.language}.`;
  try {
    job.child = start(job, api);
  } catch (error) { // The system takes no such arguments; other jobs go on.
    return end(job, "failed", started_at, null, { type: "JobNotStarted", message: error.message, traceback: "" });
  }
  connection?.send(CONTROL, { type: "started", job_id, epoch, started_at });
  if (draining) stop(job, "lost", 0);
  const timer = setTimeout(() => stop(job, "timed_out", 5), job.timeout_seconds * 1000);
  const { code, signal, result } = await finish(job, (chunk) => connection?.send(LOGS, chunk));
  clearTimeout(timer);
  const verdict = job.stopped ?? (code === 0 ? "succeeded" : "failed"), ok = verdict === "succeeded";
  const message = job.refusal || `bash ended with ${signal ?? `exit code ${code}`}.`;
  end(job, verdict, started_at, ok ? result : null,
    ok ? null : { type: job.stopped ?? "ExitCode", message, traceback: "" });
}

function end(job, verdict, started_at, result, error) {
  const { job_id, epoch } = job;
  const outcome = { type: "outcome", job_id, epoch, verdict, isolation: "fork", started_at, finished_at: micros(), result, error };
  untold.set(String(held(job)), { outcome, recent: job.recent });
  if (jobs.get(job_id) === job) jobs.delete(job_id);
  connection?.send(OUTCOMES, outcome);
}

function tell(problem) { // Once, not at each try.
  if (problem !== told) console.error((told = problem));
}

function drain() {
  draining = true;
  connection?.send(CONTROL, { type: "draining" });
  setInterval(() => jobs.size + untold.size || process.exit(), 50);
}

process.on("SIGTERM", drain);
for (;;) { // One connection after the other, each with a greeting of its own.
  try {
    const [socket, secret] = dial(address, options["token-file"], options.ca);
    socket.on("error", ({ message }) => tell(message));
    const current = new Connection(socket, (from, message) => HEAR[message.type]?.(from, message));
    current.send(CONTROL, { type: "hello", version: 1, worker_id: options.name, secret, host: hostname(),
      slots: Number(options.slots), tags: options.tags.split(","), isolations: ["fork"],
      holding: [...jobs.values()].map(held), unacknowledged: [...untold.values()].map(({ outcome }) => held(outcome)) });
    await once(socket, "close").finally(() => clearInterval(current.beats));
  } catch (error) { tell(error.message); }
  connection = null;
  await sleep(delay * (0.5 + Math.random() / 2));
  delay = Math.min(delay * 2, 2000);
}
