/** An answer that refuses a request, in OpenAI's error shape. */
export class RefusedRequest extends Error {
  readonly status: number;
  readonly type: string;
  readonly code: string | null;
  readonly param: string | null;
  readonly retryAfterSeconds: number | null;

  constructor(
    status: number,
    message: string,
    more: { type?: string; code?: string; param?: string | null; retryAfterSeconds?: number } = {},
  ) {
    super(message);
    this.status = status;
    this.type = more.type ?? (status >= 500 ? "service_unavailable" : "invalid_request_error");
    this.code = more.code ?? null;
    this.param = more.param ?? null;
    this.retryAfterSeconds = more.retryAfterSeconds ?? null;
  }

  get json(): string {
    const { message, type, param, code } = this;
    return JSON.stringify({ error: { message, type, param, code } });
  }
}

/** The gateway ends; another replica, or this one's successor, answers at the same address in a moment. */
export function goingDown(): RefusedRequest {
  return new RefusedRequest(503, "this gateway is going down", { code: "draining", retryAfterSeconds: 1 });
}

/** More is under way than the gateway, its memory or the engine's queue takes. */
export function overloaded(): RefusedRequest {
  return new RefusedRequest(429, "too many requests are under way", {
    code: "overloaded",
    type: "rate_limit_error",
    retryAfterSeconds: 1,
  });
}

/** What a client is told of an engine's refusal. A full queue is a matter of waiting; a wrong key is the gateway's own. */
export function engineRefusal(code: number, message: string): RefusedRequest {
  if (code === 401 || code === 403) return new RefusedRequest(502, `the engine refuses the gateway's key (${code})`);
  if (code === 503) return new RefusedRequest(503, message, { code: "engine_busy", retryAfterSeconds: 2 });
  return new RefusedRequest(code >= 400 && code < 600 ? code : 502, message);
}

/** The end of an answer that lost its engine, and that no other one may go on with. */
export function notContinued(what: string, why: string): RefusedRequest {
  const message = `${what}, and it cannot be carried on: ${why}`;
  return new RefusedRequest(502, message, { code: "stream_not_continued", type: "server_error" });
}
