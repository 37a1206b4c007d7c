import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { z } from "zod";

const Opened = z.object({ url: z.string(), keys: z.object({ operator: z.string(), viewer: z.string() }) });
const News = z.object({ atMs: z.number(), parts: z.record(z.string(), z.string()) });
const main = join(import.meta.dirname, "../../src/cli/main.ts");

export interface ClusterPage {
  url: string;
  /** Headers that carry a key. */
  operator: Record<string, string>;
  viewer: Record<string, string>;
  /** Reads what is pushed, from when it is called until a part of the page matches; when that was sent, wall clock in ms. */
  shows(part: string, pattern: RegExp): Promise<number>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The page of a stack's reconciler, by the way that `tandem dashboard` opens. */
export async function clusterPage(stack: string): Promise<ClusterPage> {
  const args = [main, "dashboard", "--stack", stack, "--port", "0", "--output", "json"];
  const child = execa(process.execPath, args, { reject: false, stdin: "ignore", buffer: false });
  const close = async () => {
    child.kill("SIGINT");
    await child;
  };
  try {
    const { url, keys } = await firstDocument(child.stdout);
    const bearer = (file: string) => ({ authorization: `Bearer ${readFileSync(file, "utf8").trim()}` });
    const [operator, viewer] = [bearer(keys.operator), bearer(keys.viewer)];
    return { url, operator, viewer, shows: (...what) => shows(url, viewer, ...what), [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The way stays open after it was told of: its document ends, and the output does not. */
async function firstDocument(output: AsyncIterable<unknown>): Promise<z.infer<typeof Opened>> {
  let text = "";
  for await (const part of output) {
    text += String(part);
    if (/^\}\s*$/m.test(text)) return Opened.parse(JSON.parse(text));
  }
  throw new Error(`\`tandem dashboard\` ended: ${text}`);
}

async function shows(url: string, headers: Record<string, string>, part: string, pattern: RegExp): Promise<number> {
  const response = await fetch(`${url}/events`, { headers, signal: AbortSignal.timeout(30_000) });
  if (response.body === null || response.status !== 200) throw new Error(`/events answered ${response.status}`);
  let text = "";
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (data === undefined) continue;
      const { atMs, parts } = News.parse(JSON.parse(data));
      if (pattern.test(parts[part] ?? "")) return atMs;
    }
  }
  throw new Error(`the page ended before ${part} showed ${pattern}`);
}
