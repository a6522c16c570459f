// The protocol's bytes: ways to a dispatcher, and messages in frames, which need credit to leave.
import { EventEmitter, once } from "node:events";
import { readFileSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";
import { decode, encode } from "@msgpack/msgpack";

export const [CONTROL, OUTCOMES, LOGS] = [0, 1, 2];
const FRAME_BYTES_MAX = 256 * 1024;

// Returns what lets the worker in, and a socket to the dispatcher at tls://HOST:PORT or unix:DIRECTORY.
export function dial(address, tokenFile, caFile) {
  if (address.startsWith("unix:")) {
    const directory = address.slice("unix:".length);
    return [readFileSync(`${directory}/workers.secret`, "utf8"), net.connect(`${directory}/workers.sock`)];
  }
  const { hostname: host, port } = new URL(address), ca = caFile && readFileSync(caFile);
  const secret = readFileSync(tokenFile, "utf8").trim();
  const socket = tls.connect({ host, port, servername: host, ca, minVersion: "TLSv1.2" });
  return [secret, socket.setKeepAlive(true, 10_000)];
}

// Tells `hear` each message that comes; returns a function that sends one, and resolves when it has left or never will.
export function converse(socket, hear) {
  const credit = [0, 0, 0], granted = new EventEmitter(), parts = [[], [], []]; // Parts of messages that go on.
  const left = credit.map(() => Promise.resolve()); // When the last message of each channel has left.
  let bytes = Buffer.alloc(0);

  function write(channel, payload, more) {
    const head = Buffer.from([0, 0, 0, 0, channel, more]);
    head.writeUInt32BE(payload.length);
    if (socket.writable) socket.write(Buffer.concat([head, payload]));
  }
  const grant = (channel, frames) => write(CONTROL, encode({ type: "credit", channel, frames }), false);
  function take(frames, channel, message) {
    if (message.type === "credit") {
      credit[message.channel] += message.frames;
      granted.emit("credit");
    } else {
      grant(channel, frames);
      hear(message);
    }
  }

  grant(CONTROL, 128);
  grant(OUTCOMES, 512);
  socket.on("close", () => granted.emit("credit")); // Nobody needs it any more.
  socket.on("data", (data) => {
    bytes = Buffer.concat([bytes, data]);
    while (bytes.length >= 6 && bytes.length >= 6 + bytes.readUInt32BE()) {
      const end = 6 + bytes.readUInt32BE(), [channel, more] = bytes.subarray(4, 6);
      const frames = parts[channel].push(bytes.subarray(6, end));
      bytes = bytes.subarray(end);
      if (!more) take(frames, channel, decode(Buffer.concat(parts[channel].splice(0))));
    }
  });

  return function send(channel, message) { // An outcome closes its job's log, so it goes after the logs before it.
    const earlier = channel === OUTCOMES ? Promise.all(left.slice(OUTCOMES)) : left[channel];
    return (left[channel] = earlier.then(async () => {
      for (let rest = encode(message); rest.length > 0; rest = rest.subarray(FRAME_BYTES_MAX)) {
        while (credit[channel] === 0 && !socket.destroyed) await once(granted, "credit");
        credit[channel] -= 1;
        write(channel, rest.subarray(0, FRAME_BYTES_MAX), rest.length > FRAME_BYTES_MAX);
      }
    }));
  };
}
