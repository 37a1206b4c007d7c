import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const chunk = (content: string, finish: string | null) =>
  `data: ${JSON.stringify({
    id: "x",
    object: "chat.completion.chunk",
    created: 1,
    model: "deepseek-v3",
    choices: [
      {
        index: 0,
        delta: { reasoning_content: null, content },
        logprobs: null,
        finish_reason: finish,
        matched_stop: null,
      },
    ],
  })}\n\n`;

/** An engine that writes a word to each chat at once, and the rest when the test says so. */
export class FakeEngine {
  url = "";
  readonly open = new Set<ServerResponse>();
  readonly #server = createServer((request, response) => {
    request.resume();
    // The gateway's own question.
    if (request.url !== "/v1/chat/completions") return void response.end("{}");
    this.open.add(response);
    response.on("close", () => this.open.delete(response));
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(chunk("word", null));
  });

  static async start(): Promise<FakeEngine> {
    const engine = new FakeEngine();
    engine.#server.listen(0, "127.0.0.1");
    await once(engine.#server, "listening");
    engine.url = `http://127.0.0.1:${(engine.#server.address() as AddressInfo).port}`;
    return engine;
  }

  /** Everything that is being written comes to its end. */
  finish(): void {
    for (const response of this.open) response.end(`${chunk("", "stop")}data: [DONE]\n\n`);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
