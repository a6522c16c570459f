// Hides secrets in what a job prints, also where a secret comes in two pieces.
const HIDDEN = "[redacted]";

// Returns a function from the next piece, or from nothing at the end, to what can be shown.
export function redacted(secrets) {
  const known = secrets.filter(Boolean).sort((one, other) => other.length - one.length);
  const escaped = known.map((secret) => secret.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  const pattern = known.length ? new RegExp(escaped.join("|"), "g") : null;
  const hide = (text) => (pattern ? text.replace(pattern, HIDDEN) : text);
  let kept = "";
  return (piece) => {
    const text = kept + (piece ?? "");
    let end = text.length;
    if (piece !== undefined) {
      end = Math.min(end, ...known.map((secret) => startOf(text, secret)));
      // A whole secret that covers the beginning of another one is hidden as it is.
      for (const match of text.matchAll(pattern ?? /$^/g)) {
        const over = match.index + match[0].length;
        if (match.index < end && end < over) end = over;
      }
    }
    kept = text.slice(end);
    return hide(text.slice(0, end));
  };
}

function startOf(text, secret) { // Where a secret begins that the text ends within.
  for (let at = Math.max(0, text.length - secret.length + 1); at < text.length; at++) {
    if (secret.startsWith(text.slice(at))) return at;
  }
  return text.length;
}
