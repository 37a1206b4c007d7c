import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** DER: a tag, a length, the content. */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...head]), body]);
}

const sequence = (...parts: Buffer[]) => der(0x30, ...parts);
const bits = (content: Buffer) => der(0x03, Buffer.from([0]), content);
const time = (at: Date) => der(0x18, Buffer.from(`${at.toISOString().replaceAll(/[-:T]/g, "").slice(0, 14)}Z`));

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const base128 = (value: number): number[] => {
    const digits = [value & 127];
    for (let left = value >> 7; left > 0; left >>= 7) digits.unshift((left & 127) | 128);
    return digits;
  };
  return der(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

const pem = (name: string, content: Buffer) =>
  `-----BEGIN ${name}-----\n${content
    .toString("base64")
    .match(/.{1,64}/g)
    ?.join("\n")}\n-----END ${name}-----\n`;

/** A certificate and its key, in PEM. */
export interface KeyPair {
  cert: string;
  key: string;
}

/**
 * A self-signed certificate (RFC 5280) and its key; clients that get it as `ca` trust it.
 *
 * @param addresses IPv4 addresses that it is for
 * @param validMs from an hour before now on
 */
export function selfSigned(name: string, addresses: readonly string[], validMs: number): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const algorithm = sequence(oid("1.2.840.10045.4.3.2"));
  const subject = sequence(der(0x31, sequence(oid("2.5.4.3"), der(0x0c, Buffer.from(name)))));
  const now = Date.now();
  // The clock of who checks it may be behind.
  const validity = sequence(time(new Date(now - 3_600_000)), time(new Date(now + validMs)));
  const names = addresses.map((address) => der(0x87, Buffer.from(address.split(".").map(Number))));
  const extension = (id: string, content: Buffer) => sequence(oid(id), der(0x04, content));
  const extensions = sequence(
    extension("2.5.29.17", sequence(...names)),
    extension("2.5.29.19", sequence(der(0x01, Buffer.from([0xff])))),
  );
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)]);
  const unsigned = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    algorithm,
    subject,
    validity,
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, extensions),
  );
  const cert = sequence(unsigned, algorithm, bits(sign("sha256", unsigned, privateKey)));
  return {
    cert: pem("CERTIFICATE", cert),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}
