/** What the first lines of an HTTP/1.1 answer say. */
export interface AnswerHead {
  status: number;
  /** Of `content-type`; empty if there is none. */
  type: string;
  /** How the body ends: after so many bytes, with its last chunk, or with the connection. */
  length: number | "chunked" | "until-close";
  keepAlive: boolean;
  /** Of `retry-after`; null where it says no number of seconds. */
  retryAfterS: number | null;
}

const STATUS_LINE = /^HTTP\/1\.([01]) (\d{3})(?: |$)/;
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/;
/** Answers that never have a body, whatever their fields say (RFC 9112, 6.3). */
const WITHOUT_BODY: readonly number[] = [204, 304];

/**
 * Reads the status line and the fields, without the empty line after them; null if they are not what RFC 9112 wants. An
 * answer whose length could be read in two ways is refused: what follows it would be taken for another request's answer.
 */
export function readHead(text: string): AnswerHead | null {
  const [first = "", ...lines] = text.split("\r\n");
  const line = STATUS_LINE.exec(first);
  if (line === null) return null;
  const fields = new Map<string, string>();
  for (const one of lines) {
    const field = FIELD.exec(one);
    if (field === null) return null;
    const name = (field[1] as string).toLowerCase();
    const before = fields.get(name);
    fields.set(name, before === undefined ? (field[2] as string) : `${before}, ${field[2]}`);
  }
  const status = Number(line[2]);
  const length = status < 200 || WITHOUT_BODY.includes(status) ? 0 : lengthOf(fields);
  if (length === null) return null;
  const connection = (fields.get("connection") ?? "").toLowerCase();
  // An engine of HTTP/1.0 would have to say that it keeps the connection; none does.
  const keepAlive = line[1] === "1" && !connection.split(",").some((word) => word.trim() === "close");
  const retryAfter = fields.get("retry-after") ?? "";
  const retryAfterS = /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : null;
  return { status, type: fields.get("content-type") ?? "", length, keepAlive, retryAfterS };
}

function lengthOf(fields: ReadonlyMap<string, string>): AnswerHead["length"] | null {
  const encoding = fields.get("transfer-encoding");
  const length = fields.get("content-length");
  if (encoding !== undefined) return encoding.toLowerCase() === "chunked" && length === undefined ? "chunked" : null;
  if (length === undefined) return "until-close";
  return /^\d{1,15}$/.test(length) ? Number(length) : null;
}
