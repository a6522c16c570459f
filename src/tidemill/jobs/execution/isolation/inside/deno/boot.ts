// Calls the script's `main` with its arguments, and leaves `{"result"}` or `{"error"}` behind.

interface Plan {
  script: string;
  shown: string;
  root: string;
  arguments: Record<string, unknown>;
  parameters: string[];
  answer: string;
  result_bytes_max: number;
}

const plan: Plan = JSON.parse(Deno.readTextFileSync(Deno.env.get("TIDEMILL_PLAN")!));
Deno.env.delete("TIDEMILL_PLAN");

class InvalidResult extends Error {
  override name = "InvalidResult";
}

// Levels go the way of every log line; what is printed by console.log stays as it is.
for (const [name, level] of [
  ["debug", "DEBUG"],
  ["info", "INFO"],
  ["warn", "WARNING"],
  ["error", "ERROR"],
] as const) {
  const print = console.log;
  console[name] = (...values: unknown[]) =>
    print(`${new Date().toISOString()} ${level}`, ...values);
}

function encoded(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value === undefined ? null : value);
  } catch (error) {
    throw new InvalidResult(
      `main must return what JSON can hold: ${error instanceof Error ? error.message : error}`,
    );
  }
  if (text === undefined) {
    throw new InvalidResult(`main must return what JSON can hold, and not a ${typeof value}.`);
  }
  const size = new TextEncoder().encode(text).length;
  if (size > plan.result_bytes_max) {
    throw new InvalidResult(
      `The result has ${size} bytes, over the limit of ${plan.result_bytes_max}. ` +
        "Store it elsewhere and return where it is.",
    );
  }
  return text;
}

function described(error: unknown) {
  if (!(error instanceof Error)) {
    return { type: "Error", message: String(error), traceback: "" };
  }
  if (error instanceof InvalidResult) {
    return { type: error.name, message: error.message, traceback: "" };
  }
  const lines = (error.stack ?? "").split("\n")
    .filter((line) => !/^\s+at /.test(line) || line.includes(plan.root))
    .map((line) =>
      line.replaceAll(plan.script, plan.shown).replaceAll(`${plan.root}/scripts/`, "")
    );
  return {
    type: error.name || error.constructor.name,
    message: error.message,
    traceback: lines.join("\n").slice(-64 * 1024),
  };
}

let answer: string;
try {
  const script = await import(plan.script);
  if (typeof script.main !== "function") {
    throw new InvalidResult(
      "The script exports no function main; write `export async function main(...)`.",
    );
  }
  const values = plan.parameters.map((name) => plan.arguments[name]);
  answer = `{"result":${encoded(await script.main(...values))}}`;
} catch (error) {
  answer = JSON.stringify({ error: described(error) });
}
Deno.writeTextFileSync(plan.answer, answer);
Deno.exit(answer.startsWith('{"error"') ? 1 : 0);
