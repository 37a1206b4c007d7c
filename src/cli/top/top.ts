import { colourPaint, plainPaint } from "../../report/paint.ts";
import { topText } from "../../report/top.ts";
import { type OutputFormat, printData, wantsColour } from "../output.ts";
import { leaveKeys } from "./leave-keys.ts";
import { Screen } from "./screen.ts";
import { type WatchedStack, watchStack } from "./watch-stack.ts";

export interface TopOptions {
  stack: string;
  once: boolean;
  output: OutputFormat;
}

/** Changes that come together are drawn together. */
const BETWEEN_MS = 100;
/** Times go on also when nothing happens. */
const TICK_MS = 1_000;
const PLAIN_WIDTH = 80;

/** Shows a stack until `q` or Ctrl-C; once where nobody could watch, or something reads. */
export async function showTop({ stack, once, output }: TopOptions): Promise<void> {
  const watched = await watchStack(stack);
  try {
    if (once || output !== "text" || !process.stdout.isTTY) await showOnce(watched, output);
    else await showLive(watched);
  } finally {
    await watched.close();
  }
}

async function showOnce({ feed, ready }: WatchedStack, output: OutputFormat): Promise<void> {
  await ready;
  const shown = feed.dashboard();
  if (output !== "text") return printData(shown, output);
  process.stdout.write(topText(shown, process.stdout.columns ?? PLAIN_WIDTH, paintOf()));
}

async function showLive({ feed, ready }: WatchedStack): Promise<void> {
  const screen = new Screen(process.stdout);
  let isFirstLook = true;
  const draw = () => screen.draw(topText(feed.dashboard(), screen.width, paintOf(), isFirstLook));
  let timer: NodeJS.Timeout | null = null;
  const soon = () => {
    timer ??= setTimeout(() => {
      timer = null;
      draw();
    }, BETWEEN_MS);
  };
  screen.enter();
  let hasLeft = false;
  void ready.then(() => {
    isFirstLook = false;
    if (!hasLeft) soon();
  });
  const unwatch = feed.watch(soon);
  const ticks = setInterval(soon, TICK_MS);
  process.stdout.on("resize", draw);
  const left = Promise.withResolvers<void>();
  const stopKeys = leaveKeys(process.stdin, left.resolve);
  try {
    draw();
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => left.resolve());
    // It is how one leaves it: that is no failure.
    await left.promise;
  } finally {
    hasLeft = true;
    stopKeys();
    process.stdout.off("resize", draw);
    clearInterval(ticks);
    if (timer !== null) clearTimeout(timer);
    unwatch();
    screen.leave();
  }
}

const paintOf = () => (wantsColour(process.stdout) ? colourPaint : plainPaint);
