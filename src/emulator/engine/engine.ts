import type { Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { listenForOrders } from "./control.ts";
import { crashDump, killGroup, killTree } from "./ending.ts";
import { noFaults, SchedulerException } from "./faults.ts";
import { type Group, joinGroup } from "./group.ts";
import { serve } from "./http.ts";
import { keepKernels } from "./kernel-cache.ts";
import { type RankExit, rankTitle, startRanks } from "./ranks.ts";
import { leaderRoutes, workerRoutes } from "./routes.ts";
import { Scheduler } from "./scheduler.ts";
import type { EngineSettings } from "./settings.ts";
import { ServingState } from "./state.ts";
import { warmUp } from "./warm-up.ts";

/** Ranks see a dead sibling or peer through reset sockets at their next collective; the stub of the local cluster took 0.1 s. */
const PEER_ERROR_MS = 50;
const WATCHDOG_POLL_MS = 1000;
const DRAIN_POLL_MS = 5000;
/** Schedulers get this long after the ShutdownReq broadcast (tokenizer_manager.py, _SCHEDULER_EXIT_TIMEOUT_SECS). */
const SHUTDOWN_MS = 15_000;
const WATCHDOG_SETTLE_MS = 5000;

const log = (text: string) => console.log(`[${new Date().toISOString().slice(0, 19).replace("T", " ")}] ${text}`);

/** Runs one server of a group from rank processes to the end of this process; never returns. */
export async function runEngine(settings: EngineSettings): Promise<never> {
  const leader = settings.nodeRank === 0;
  const faults = noFaults();
  let phase: "launch" | "serving" | "ending" = "launch";
  let group: Group | null = null;
  let http: Server | null = null;
  let alive = 0;

  const sigquit = (why: string): void => {
    if (phase === "ending") return;
    const serving = phase === "serving" && leader;
    phase = "ending";
    log(
      `${serving ? "SIGQUIT received." : "Received sigquit from a child process."} It usually means ${serving ? "one" : "the"} child failed. ${why}`,
    );
    if (serving) crashDump(settings, () => alive > 0);
    killTree(ranks.kill);
  };
  /** A Python exception inside a scheduler: its sockets are reset, its parent gets SIGQUIT, its group may be killed. */
  const raise = (why: string): void => {
    if (phase === "ending") return;
    log(`Scheduler hit an exception: ${why}`);
    group?.reset();
    if (settings.env.killProcessGroup) killGroup();
    sigquit(why);
  };
  const onRankExit = (exit: RankExit): void => {
    alive--;
    if (phase === "ending") return;
    const how = exit.signal ?? `code ${exit.code}`;
    // The kernel closes a dead rank's sockets at once: siblings and the other servers get resets.
    group?.reset();
    if (perServer > 1 || settings.nnodes > 1)
      setTimeout(
        () => raise(`RuntimeError: [gloo/transport/tcp/pair.cc] Connection closed by peer (${exit.title}, ${how})`),
        PEER_ERROR_MS,
      );
    // Rank 0's server polls its children, and with attention DP every server does (engine.py:1017).
    if ((leader || settings.attnDpSize > 1) && exit.code !== 0)
      setTimeout(() => {
        log(`Subprocess ${exit.title} (pid=${exit.pid}) crashed with ${how}. Triggering SIGQUIT for cleanup...`);
        sigquit("subprocess watchdog");
      }, WATCHDOG_POLL_MS);
  };
  const perServer = (settings.tpSize * settings.ppSize) / settings.nnodes;
  const titles = Array.from({ length: perServer }, (_, at) => {
    const rank = settings.nodeRank * perServer + at;
    return { rank, title: rankTitle(rank, settings) };
  });
  alive = titles.length;
  const ranks = startRanks(titles, onRankExit);
  const localStep = async (): Promise<void> => {
    await ranks.step();
    // On a worker nothing else holds a step back; the leader's scheduler waits by itself.
    while (!leader && faults.hang) await sleep(50);
    if (!leader && faults.slowFactor > 1) await sleep(settings.env.decodeStepMs * (faults.slowFactor - 1));
  };
  process.on("SIGQUIT", () => sigquit("SIGQUIT from outside"));

  const scheduler = new Scheduler(settings, async () => group?.step(), faults);
  const state = new ServingState(settings, scheduler);
  listenForOrders(settings.env.controlSocket, {
    faults,
    ranks,
    raise,
    status: () => ({
      phase,
      status: state.status,
      nodeRank: settings.nodeRank,
      ranks: ranks.pids,
      inFlight: scheduler.inFlight,
    }),
  });

  try {
    log("Init torch distributed begin.");
    group = await joinGroup(settings, {
      onBroken: (why) => setTimeout(() => raise(`RuntimeError: [gloo/transport/tcp/pair.cc] ${why}`), PEER_ERROR_MS),
      onShutdown: () => {
        phase = "ending";
        log("ShutdownReq received, schedulers exit.");
        ranks.kill();
        process.exit(0);
      },
      localStep,
    });
    log("Init torch distributed ends. Load weight begin.");
    await sleep(settings.env.loadMs);
    await group.loaded();
    keepKernels(process.env.SGLANG_CACHE_DIR);
    log(
      `Load weight end. max_total_num_tokens=${settings.maxTotalTokens}, max_running_requests=${settings.maxRunningRequests}, context_len=${settings.contextLength}`,
    );
  } catch (error) {
    log(String((error as Error).message));
    raise((error as Error).message);
  }
  http = await serve({ settings, scheduler, state }, leader ? leaderRoutes : workerRoutes, leader);
  if (!leader) {
    process.on("SIGTERM", () =>
      log(
        `SIGTERM received on node_rank ${settings.nodeRank}; waiting for the rank-0 ShutdownReq broadcast to stop the schedulers.`,
      ),
    );
    phase = "serving";
    log(`Dummy health check server scheduled at ${settings.host}:${settings.port}`);
    return new Promise<never>(() => {});
  }
  scheduler.run().catch((error: Error) => {
    if (!(error instanceof SchedulerException)) console.error(error.stack);
    raise(error.message);
  });
  watchForwardProgress(settings, scheduler, () =>
    sigquit(`Scheduler watchdog timeout (watchdog_timeout=${settings.watchdogMs / 1000})`),
  );
  await warmUp(settings, scheduler);
  // Handlers for the running phase come with the first request, and warm-up is one.
  phase = "serving";
  process.on("SIGTERM", () => {
    if (state.draining) return;
    log("SIGTERM received. Draining requests and shutting down...");
    state.draining = true;
    void drain();
  });
  state.status = "Up";
  log("The server is fired up and ready to roll!");

  async function drain(): Promise<void> {
    // sigterm_watchdog sleeps 5 s at a time, so the flag is seen up to 5 s late (tokenizer_manager.py:3508).
    await sleep(DRAIN_POLL_MS - ((Date.now() - Math.floor(state.startedAt * 1000)) % DRAIN_POLL_MS));
    for (;;) {
      if (state.status === "UnHealthy") {
        crashDump(settings, () => alive > 0);
        break;
      }
      if (settings.env.forceShutdown || scheduler.inFlight === 0) break;
      log(`Gracefully exiting... Remaining number of requests ${scheduler.inFlight}.`);
      await sleep(DRAIN_POLL_MS);
    }
    phase = "ending";
    group?.shutdown();
    ranks.kill();
    for (const until = Date.now() + SHUTDOWN_MS; alive > 0 && Date.now() < until; ) await sleep(20);
    http?.close();
    http?.closeAllConnections();
    process.exit(0);
  }
  return new Promise<never>(() => {});
}

/** The scheduler's own watchdog (utils/watchdog.py:104-163): sampled every half time-out, so it fires 1 to 1.5 time-outs in. */
function watchForwardProgress(settings: EngineSettings, scheduler: Scheduler, fire: () => void): void {
  if (settings.watchdogMs <= 0) return;
  setInterval(() => {
    const since = scheduler.busySince;
    if (since !== null && performance.now() - since > settings.watchdogMs) setTimeout(fire, WATCHDOG_SETTLE_MS);
  }, settings.watchdogMs / 2).unref();
}
