import { Agent, request } from "node:http";

export type Answer = { kind: "answer"; status: number; body: string } | { kind: "refused" } | { kind: "silent" };

/** SGLang closes idle connections after 5 s; ours are used twice a second, and a stale one shows as refused once. */
const agent = new Agent({ keepAlive: true, maxSockets: 4, timeout: 4_000 });
const MAX_BODY_BYTES = 4 * 1_048_576;

/** One GET with an end: no answer in time is an answer as well. */
export function fetchText(url: string, key: string | null, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve) => {
    const headers = key === null ? {} : { authorization: `Bearer ${key}` };
    const call = request(url, { agent, headers });
    const finish = (answer: Answer) => {
      clearTimeout(limit);
      resolve(answer);
      if (answer.kind === "silent") call.destroy();
    };
    const limit = setTimeout(() => finish({ kind: "silent" }), timeoutMs);
    call.on("error", () => finish({ kind: "refused" }));
    call.on("response", (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body += text;
        if (body.length > MAX_BODY_BYTES) call.destroy();
      });
      response.on("end", () => finish({ kind: "answer", status: response.statusCode ?? 0, body }));
      response.on("error", () => finish({ kind: "refused" }));
    });
    call.end();
  });
}
