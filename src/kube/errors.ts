/** The API server's own refusal. Its message is made for people and is passed on as it is. */
export class KubeError extends Error {
  readonly status: number;
  /** Kubernetes' word for it: `NotFound`, `Conflict`, `AlreadyExists`, `Invalid`, … */
  readonly reason: string;
  /** When the server wants to be asked again; null where it does not say. */
  readonly retryAfterMs: number | null;

  constructor(status: number, reason: string, message: string, retryAfterMs: number | null = null) {
    super(message);
    this.name = "KubeError";
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }

  /** @param retryAfter the header, which API servers send in seconds */
  static fromResponse(
    what: { method: string; path: string },
    status: number,
    body: string,
    retryAfter?: string | string[] | undefined,
  ): KubeError {
    const answer = parseStatus(body);
    const said = answer.message ?? body.slice(0, 300);
    const message = `${what.method} ${what.path}: ${status} ${said}`;
    const retryAfterMs = /^\d+$/.test(String(retryAfter)) ? Number(retryAfter) * 1_000 : null;
    return new KubeError(status, answer.reason ?? `HTTP ${status}`, message, retryAfterMs);
  }
}

function parseStatus(body: string): { reason?: string; message?: string } {
  try {
    const status = JSON.parse(body) as { reason?: string; message?: string };
    return {
      ...(status.reason ? { reason: status.reason } : {}),
      ...(status.message ? { message: status.message } : {}),
    };
  } catch {
    return {};
  }
}

export const isNotFound = (error: unknown): boolean => error instanceof KubeError && error.status === 404;
export const isConflict = (error: unknown): boolean => error instanceof KubeError && error.status === 409;

/**
 * Will the same request work a moment later? Connection errors while the API server starts, throttling, and a webhook
 * whose pod is being replaced (seen with LeaderWorkerSet: "failed calling webhook … no route to host").
 */
export function isPassing(error: unknown): boolean {
  if (error instanceof KubeError) {
    if (error.status === 429 || error.status === 503 || error.status === 504) return true;
    return error.status === 500 && /failed calling webhook|etcdserver|timeout/i.test(error.message);
  }
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return /^(ECONN|EPIPE|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT|UND_ERR_SOCKET)/.test(
    code,
  );
}
