import { createConnection } from "node:net";

/** `python3 -m tandem.fault JSON`: gives one order to the engine of this container and prints its answer. */
export async function main(argv: readonly string[]): Promise<void> {
  const path = process.env.EMULATOR_CONTROL_SOCKET ?? "/run/tandem/engine.sock";
  const socket = createConnection(path);
  socket.on("error", (error) => {
    console.error(`no engine answers at ${path}: ${error.message}`);
    process.exit(1);
  });
  socket.setEncoding("utf8");
  socket.write(`${argv[0] ?? '{"status":true}'}\n`);
  let answer = "";
  for await (const part of socket as AsyncIterable<string>) {
    answer += part;
    if (answer.includes("\n")) break;
  }
  process.stdout.write(answer);
  process.exitCode = answer.startsWith('{"ok":true') ? 0 : 1;
}
