import { createServer } from "node:http";

// An engine that costs little: one frame of SGLang's form every EVERY_MS in each stream, its text the time of its sending
// on the clock that all processes of a computer share.
const everyMs = Number(process.argv[2] ?? 100);
const started = process.hrtime.bigint;

function frame(tokens: number): string {
  const usage = `{"prompt_tokens":12,"total_tokens":${12 + tokens},"completion_tokens":${tokens},"prompt_tokens_details":null,"reasoning_tokens":0,"completion_tokens_details":null}`;
  return `data: {"id":"0123456789abcdef0123456789abcdef","object":"chat.completion.chunk","created":1,"model":"deepseek-v3","choices":[{"index":0,"delta":{"reasoning_content":null,"content":"@${started()} "},"logprobs":null,"finish_reason":null,"matched_stop":null}],"usage":${usage}}\n\n`;
}
const END =
  'data: {"id":"0123456789abcdef0123456789abcdef","object":"chat.completion.chunk","created":1,"model":"deepseek-v3","choices":[{"index":0,"delta":{"reasoning_content":null},"logprobs":null,"finish_reason":"length","matched_stop":null}]}\n\ndata: [DONE]\n\n';

const server = createServer((request, response) => {
  // Health checks, and what routers ask about a model.
  if (request.method === "GET") return void response.end("{}");
  let body = "";
  request.setEncoding("utf8").on("data", (text) => (body += text));
  request.on("end", () => {
    const asked = JSON.parse(body) as { max_tokens?: number; max_completion_tokens?: number; stream?: boolean };
    const { stream } = asked;
    // SGLang's router asks with the newer name.
    const wanted = asked.max_tokens ?? asked.max_completion_tokens ?? 0;
    if (stream !== true) return void response.end("{}");
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    let tokens = 0;
    let timer: NodeJS.Timeout | undefined;
    const one = () => {
      tokens += 1;
      response.write(frame(tokens));
      timer ??= setInterval(one, everyMs);
      if (tokens < wanted) return;
      clearInterval(timer);
      response.end(END);
    };
    // Streams that were opened every few milliseconds would send in step: twenty tokens at once, and then none for a while.
    const first = setTimeout(one, everyMs * Math.random());
    response.on("close", () => {
      clearTimeout(first);
      clearInterval(timer);
    });
  });
});
server.keepAliveTimeout = 5000;
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as { port: number }).port}\n`));
