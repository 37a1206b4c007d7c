import { pino } from "pino";
import { TandemError } from "../errors.ts";
import { startAgent } from "./agent.ts";
import { agentSettings } from "./config.ts";

/** `tandem-agent`: settings from the environment, JSON lines on standard output, ends cleanly on SIGTERM. */
async function main(): Promise<void> {
  const settings = agentSettings(process.env);
  const log = pino({ level: settings.LOG_LEVEL, base: { server: settings.AGENT_SERVER } });
  const agent = await startAgent(settings);
  log.info({ host: agent.address.address, port: agent.address.port }, "listening");
  const end = (signal: string) => {
    log.info({ signal }, "ending");
    void agent.stop().then(() => process.exit(0));
  };
  process.once("SIGTERM", end).once("SIGINT", end);
}

main().catch((error: unknown) => {
  if (error instanceof TandemError) process.stderr.write(`${error.message}\n`);
  else console.error(error);
  process.exit(1);
});
