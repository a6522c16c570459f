// The worker protocol's bytes: ways, frames, credit and MessagePack. See docs/api/worker-protocol.md.
import { readFileSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";

export const CONTROL = 0, OUTCOMES = 1, LOGS = 2;
const WINDOWS = [128, 512, 0]; // Frames that the dispatcher may have under way to us; it sends no logs.
const FRAME_BYTES_MAX = 256 * 1024;

// Returns a socket to the dispatcher at tls://HOST:PORT or unix:DIRECTORY, and what lets the worker in.
export function dial(address, tokenFile, ca) {
  if (address.startsWith("unix:")) {
    const directory = address.slice(5);
    return [net.connect(`${directory}/workers.sock`), readFileSync(`${directory}/workers.secret`, "utf8")];
  }
  const { hostname: host, port } = new URL(address);
  const socket = tls.connect({ host, port, servername: host, ca: ca && readFileSync(ca), minVersion: "TLSv1.2" });
  return [socket.setKeepAlive(true, 10_000), readFileSync(tokenFile, "utf8").trim()];
}

export class Connection {
  #socket; #hear; #bytes = Buffer.alloc(0);
  #parts = [[], [], []]; // Frames of messages that are not complete yet.
  #queues = [[], [], []]; #credit = [0, 0, 0]; #arrived = [0, 0, 0];

  constructor(socket, hear) {
    this.#socket = socket;
    this.#hear = hear;
    socket.on("data", (data) => this.#receive(data));
    socket.on("error", () => {}); // "close" follows.
    socket.on("close", () => this.#queues.flat().forEach(({ left }) => left(false)));
    WINDOWS.forEach((frames, channel) => frames && this.#grant(channel, frames));
  }

  // Returns a promise of whether the message has left; it waits for credit.
  send(channel, message) {
    if (this.#socket.destroyed) return Promise.resolve(false);
    const payload = encode(message), frames = [];
    for (let start = 0; start === 0 || start < payload.length; start += FRAME_BYTES_MAX) {
      const end = start + FRAME_BYTES_MAX;
      frames.push(framed(channel, payload.subarray(start, end), end < payload.length));
    }
    return new Promise((resolve) => {
      frames.forEach((frame, index) => this.#queues[channel].push(
        { frame, left: index === frames.length - 1 ? resolve : () => {} }));
      this.#flush();
    });
  }

  close() { this.#socket.destroy(); }

  #grant(channel, frames) { // Grants of credit need no credit themselves.
    this.#socket.write(framed(CONTROL, encode({ type: "credit", channel, frames }), false));
  }

  #flush() {
    for (const channel of [CONTROL, OUTCOMES, LOGS]) {
      while (this.#credit[channel] > 0 && this.#queues[channel].length > 0) {
        this.#credit[channel] -= 1;
        const { frame, left } = this.#queues[channel].shift();
        this.#socket.write(frame);
        left(true);
      }
    }
  }

  #receive(data) {
    this.#bytes = Buffer.concat([this.#bytes, data]);
    while (this.#bytes.length >= 6 && this.#bytes.length >= 6 + this.#bytes.readUInt32BE(0)) {
      const end = 6 + this.#bytes.readUInt32BE(0), channel = this.#bytes[4], more = this.#bytes[5];
      this.#parts[channel].push(this.#bytes.subarray(6, end));
      this.#bytes = this.#bytes.subarray(end);
      if (more) continue;
      const frames = this.#parts[channel].splice(0);
      const message = decode(Buffer.concat(frames));
      if (message.type === "credit") this.#credit[message.channel] += message.frames;
      else this.#take(channel, frames.length, message);
    }
    this.#flush();
  }

  #take(channel, frames, message) {
    this.#arrived[channel] += frames;
    if (this.#arrived[channel] * 2 >= WINDOWS[channel]) { // Give back half a window at a time.
      this.#grant(channel, this.#arrived[channel]);
      this.#arrived[channel] = 0;
    }
    this.#hear(this, message);
  }
}

function framed(channel, payload, more) {
  const head = Buffer.alloc(6);
  head.writeUInt32BE(payload.length, 0);
  head[4] = channel;
  head[5] = more ? 1 : 0;
  return Buffer.concat([head, payload]);
}

export function encode(value) {
  if (value === null || value === undefined) return Buffer.from([0xc0]);
  if (typeof value === "boolean") return Buffer.from([value ? 0xc3 : 0xc2]);
  if (typeof value === "number") return number(value);
  if (typeof value === "string") return sized(0xd9, Buffer.from(value));
  if (value instanceof Uint8Array) return sized(0xc4, value);
  const entries = Array.isArray(value) ? value : Object.entries(value).flat();
  const head = Buffer.alloc(5);
  head[0] = Array.isArray(value) ? 0xdd : 0xdf;
  head.writeUInt32BE(Array.isArray(value) ? value.length : entries.length / 2, 1);
  return Buffer.concat([head, ...entries.map(encode)]);
}

function number(value) {
  const bytes = Buffer.alloc(9);
  bytes[0] = Number.isInteger(value) ? 0xd3 : 0xcb;
  if (Number.isInteger(value)) bytes.writeBigInt64BE(BigInt(value), 1);
  else bytes.writeDoubleBE(value, 1);
  return bytes;
}

function sized(first, bytes) { // The marks for 8, 16 and 32 bits of length follow each other.
  const width = bytes.length < 0x100 ? 0 : bytes.length < 0x10000 ? 1 : 2;
  const head = Buffer.alloc(1 + 2 ** width);
  head[0] = first + width;
  head.writeUIntBE(bytes.length, 1, 2 ** width);
  return Buffer.concat([head, bytes]);
}

export function decode(bytes) {
  let at = 0;
  const unsigned = (width) => { at += width; return bytes.readUIntBE(at - width, width); };
  const signed = (width) => { at += width; return bytes.readIntBE(at - width, width); };
  const binary = (length) => { at += length; return bytes.subarray(at - length, at); };
  const text = (length) => binary(length).toString();
  const array = (length) => Array.from({ length }, value);
  const map = (length) => Object.fromEntries(Array.from({ length }, () => [value(), value()]));
  const others = {
    0xc0: () => null, 0xc2: () => false, 0xc3: () => true,
    0xc4: () => binary(unsigned(1)), 0xc5: () => binary(unsigned(2)), 0xc6: () => binary(unsigned(4)),
    0xca: () => bytes.readFloatBE((at += 4) - 4), 0xcb: () => bytes.readDoubleBE((at += 8) - 8),
    0xcc: () => unsigned(1), 0xcd: () => unsigned(2), 0xce: () => unsigned(4),
    0xcf: () => Number(bytes.readBigUInt64BE((at += 8) - 8)),
    0xd0: () => signed(1), 0xd1: () => signed(2), 0xd2: () => signed(4),
    0xd3: () => Number(bytes.readBigInt64BE((at += 8) - 8)),
    0xd9: () => text(unsigned(1)), 0xda: () => text(unsigned(2)), 0xdb: () => text(unsigned(4)),
    0xdc: () => array(unsigned(2)), 0xdd: () => array(unsigned(4)),
    0xde: () => map(unsigned(2)), 0xdf: () => map(unsigned(4)),
  };
  function value() {
    const mark = bytes[at++];
    if (mark < 0x80) return mark;
    if (mark < 0x90) return map(mark & 0x0f);
    if (mark < 0xa0) return array(mark & 0x0f);
    if (mark < 0xc0) return text(mark & 0x1f);
    return mark >= 0xe0 ? mark - 0x100 : others[mark]();
  }
  return value();
}
