import type { OnToolProgress } from "../../machines/tools/progress.ts";

/** Progress of fetching and building tools, as lines: one per tool and change, a build at most every five seconds. */
export function describeToolProgress(say: (line: string) => void): OnToolProgress {
  let lastMs = 0;
  const now = () => performance.now();
  return (event) => {
    switch (event.kind) {
      case "waiting":
        return say("another command fetches them; waiting for it");
      case "plan":
        return say(
          `to download: ${event.download.join(", ") || "nothing"}; to build: ${event.build.join(", ") || "nothing"}, about ${Math.ceil(event.etaMs / 60_000)} min`,
        );
      case "download":
      case "build": {
        if (now() - lastMs < 5_000) return;
        lastMs = now();
        return event.kind === "download"
          ? say(`${event.name} ${(event.bytes / 1e6).toFixed(0)} of ${(event.totalBytes / 1e6).toFixed(0)} MB`)
          : say(
              `building ${event.name}: ${event.compiled} of ${event.packages} packages, ${Math.ceil(event.etaMs / 1000)} s to go`,
            );
      }
      case "done":
        return say(`${event.name} ${event.version} (${event.source}, ${(event.tookMs / 1000).toFixed(0)} s)`);
    }
  };
}
