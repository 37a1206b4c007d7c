import { writeFile } from "node:fs/promises";
import { scenarioOf } from "../../drill/scenarios/catalogue.ts";
import type { Scenario } from "../../drill/scenarios/scenario.ts";
import { TandemError } from "../../errors.ts";
import { type DrillReport, SCENARIO_NAMES, type ScenarioName } from "../../report/drill.ts";
import { drillJunit } from "../../report/drill-junit.ts";
import { drillTable } from "../../report/drill-text.ts";
import { EXIT, Exit } from "../exit.ts";
import { interrupted } from "../interrupted.ts";
import { printData } from "../output.ts";
import { paint } from "../rehearsal/paint.ts";
import type { DrillGround } from "./ground.ts";
import { playDrill, type RunDrillOptions } from "./play.ts";

/**
 * `tandem drill run SCENARIO`, or `all` of them one after the other.
 *
 * @throws Exit 2 when one of them failed; TandemError (exit 1) when it was refused and nothing was done
 */
export async function runDrills(
  name: string,
  options: RunDrillOptions,
  signal: AbortSignal = interrupted(),
): Promise<void> {
  const kind = options.stack === undefined ? "rehearsal" : "cluster";
  const scenarios = scenariosOf(name, kind);
  const text = options.output === "text";
  const say = (line: string) => text && process.stdout.write(`${paint(line)}\n`);
  const ground = await groundOf(options, scenarios, signal, say);
  const reports: DrillReport[] = [];
  try {
    for (const scenario of scenarios) {
      const played = playDrill(ground, scenario, options, { say, signal });
      const report = await (scenarios.length > 1 ? played.catch(leftOut(say)) : played);
      if (report !== null) reports.push(report);
    }
  } catch (error) {
    // Something was done and undone: that is no refusal.
    if (!(error instanceof TandemError) || error.code !== "E_DRILL_ABORTED") throw error;
    process.stderr.write(`tandem: ${error.message}\n`);
    throw new Exit(EXIT.failed);
  } finally {
    await ground.close();
  }
  if (scenarios.length > 1) say(`\n${drillTable(reports)}`);
  if (options.junit !== undefined) await writeFile(options.junit, drillJunit(reports));
  if (options.output !== "text") await printData(scenarios.length === 1 ? reports[0] : reports, options.output);
  if (reports.some(({ passed }) => !passed)) throw new Exit(EXIT.failed);
}

async function groundOf(
  options: RunDrillOptions,
  scenarios: readonly Scenario[],
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<DrillGround> {
  if (options.stack === undefined) {
    const { rehearsalGround } = await import("./ground-rehearsal.ts");
    return rehearsalGround(
      options.spec,
      scenarios.some(({ outcome }) => outcome === "replica"),
      signal,
    );
  }
  const { clusterGround } = await import("./ground-cluster.ts");
  return clusterGround(options.stack, signal, say, { overSsh: options.overSsh ?? false });
}

/** Of all drills, one that cannot be run here is named and left out. */
function leftOut(say: (line: string) => void): (error: unknown) => null {
  return (error) => {
    if (!(error instanceof TandemError) || error.code !== "E_DRILL_IMPOSSIBLE") throw error;
    say(`\nleft out: ${error.what}: ${error.why}`);
    return null;
  };
}

function scenariosOf(name: string, kind: "rehearsal" | "cluster"): Scenario[] {
  if (name === "all")
    return SCENARIO_NAMES.map((one) => scenarioOf(one, kind)).filter(({ arenas }) => arenas.includes(kind));
  if (!(SCENARIO_NAMES as readonly string[]).includes(name))
    throw new TandemError({
      code: "E_DRILL_SCENARIO",
      what: `there is no drill ${name}`,
      why: `there are ${SCENARIO_NAMES.join(", ")}`,
      fix: "name one of them, or all; `tandem drill list` says what each does",
    });
  const scenario = scenarioOf(name as ScenarioName, kind);
  if (scenario.arenas.includes(kind)) return [scenario];
  throw new TandemError({
    code: "E_DRILL_ARENA",
    what: `${name} cannot run ${kind === "rehearsal" ? "as a rehearsal" : "on a cluster yet"}`,
    why: kind === "rehearsal" ? "it is done to a part that only a cluster has" : "there is no injector for it there",
    fix: kind === "rehearsal" ? `tandem drill run ${name} --stack NAME` : `tandem drill run ${name}`,
  });
}
