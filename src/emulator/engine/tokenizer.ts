import { THINK_CLOSE, THINK_OPEN } from "../tokens.ts";

/** Ids of DeepSeek-R1's own vocabulary for the tags; every other id here is ours and stands for the text itself. */
const SPECIAL: Record<string, number> = {
  "<｜begin▁of▁sentence｜>": 0,
  "<｜end▁of▁sentence｜>": 1,
  "<｜User｜>": 128_803,
  "<｜Assistant｜>": 128_804,
  [THINK_OPEN]: 128_798,
  [THINK_CLOSE]: 128_799,
};
const BY_ID = new Map(Object.entries(SPECIAL).map(([text, id]) => [id, text]));
const TOKEN = new RegExp(
  `(${Object.keys(SPECIAL)
    .map((text) => text.replaceAll("|", "\\|"))
    .join("|")})|([0-9a-f]{4})([-~])(\\d{1,9}) `,
  "g",
);
/** A prompt token holds up to four bytes, about what a real tokenizer makes of English text. */
const BYTES_PER_TOKEN = 4;
const PLAIN = 2 ** 40;
const ANSWER = 2 ** 50;
const REASONING = 2 ** 51;

/** Token ids of a text: reversible, the same in every process, one id for each token that the emulated model writes. */
export function encode(text: string): number[] {
  const ids: number[] = [];
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    plain(text.slice(at, match.index), ids);
    const [whole, special, tag = "", kind, index = ""] = match;
    if (special !== undefined) ids.push(SPECIAL[special] as number);
    else ids.push((kind === "-" ? ANSWER : REASONING) + Number.parseInt(tag, 16) * 2 ** 30 + Number(index));
    at = match.index + whole.length;
  }
  plain(text.slice(at), ids);
  return ids;
}

function plain(text: string, ids: number[]): void {
  if (text === "") return;
  const bytes = Buffer.from(text, "utf8");
  for (let at = 0; at < bytes.length; at += BYTES_PER_TOKEN) {
    const length = Math.min(BYTES_PER_TOKEN, bytes.length - at);
    ids.push(PLAIN * length + bytes.readUIntBE(at, length));
  }
}

/** The text of token ids; unknown ids become nothing. */
export function decode(ids: readonly number[]): string {
  const parts: Buffer[] = [];
  for (const id of ids) {
    const special = BY_ID.get(id);
    if (special !== undefined) parts.push(Buffer.from(special));
    else if (id >= ANSWER) {
      const kind = id >= REASONING ? "~" : "-";
      const rest = id - (id >= REASONING ? REASONING : ANSWER);
      const tag = Math.floor(rest / 2 ** 30)
        .toString(16)
        .padStart(4, "0");
      parts.push(Buffer.from(`${tag}${kind}${rest % 2 ** 30} `));
    } else if (id >= PLAIN) {
      const length = Math.min(BYTES_PER_TOKEN, Math.floor(id / PLAIN));
      const bytes = Buffer.alloc(length);
      bytes.writeUIntBE((id % PLAIN) % 2 ** (8 * length), 0, length);
      parts.push(bytes);
    }
  }
  return Buffer.concat(parts).toString("utf8");
}
