import { TandemError } from "../errors.ts";
import { startAgent } from "./agent.ts";
import { agentSettings } from "./config.ts";

/** `tandem-agent`: settings from the environment, JSON lines on standard output, ends cleanly on SIGTERM. */
async function main(): Promise<void> {
  const settings = agentSettings(process.env);
  // pino's lines without pino, which would take a megabyte and a half of sixty for the three lines that an agent writes.
  const info = (fields: object, msg: string) =>
    process.stdout.write(
      `${JSON.stringify({ level: 30, time: Date.now(), server: settings.AGENT_SERVER, ...fields, msg })}\n`,
    );
  const agent = await startAgent(settings);
  info({ host: agent.address.address, port: agent.address.port }, "listening");
  const end = (signal: string) => {
    info({ signal }, "ending");
    void agent.stop().then(() => process.exit(0));
  };
  process.once("SIGTERM", end).once("SIGINT", end);
}

main().catch((error: unknown) => {
  if (error instanceof TandemError) process.stderr.write(`${error.message}\n`);
  else console.error(error);
  process.exit(1);
});
