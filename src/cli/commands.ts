import type { Command } from "commander";

export interface CommandEntry {
  summary: string;
  load: () => Promise<{ command: () => Command }>;
}

/** Every command of `tandem`, in the order that `--help` lists them. */
export const commands: Record<string, CommandEntry> = {
  start: {
    summary: "stand up the local cluster and show a failover",
    load: () => import("./commands/start.ts"),
  },
  init: { summary: "write a spec with comments", load: () => import("./commands/init.ts") },
  validate: { summary: "check a spec", load: () => import("./commands/validate.ts") },
  plan: {
    summary: "show what a spec becomes, before anything is touched",
    load: () => import("./commands/plan.ts"),
  },
  size: { summary: "say what servers a number of users needs", load: () => import("./commands/size.ts") },
  cost: { summary: "compare owned, rented and bought tokens", load: () => import("./commands/cost.ts") },
  render: { summary: "print the Kubernetes objects of a spec", load: () => import("./commands/render.ts") },
  explain: {
    summary: "say what a layout, flag, rule or GPU error code means",
    load: () => import("./commands/explain.ts"),
  },
  schema: { summary: "print the JSON Schema of the spec", load: () => import("./commands/schema.ts") },
  tools: { summary: "list outside programs and get those that are missing", load: () => import("./commands/tools.ts") },
  up: {
    summary: "make the stack of a spec, or bring it up to date",
    load: () => import("./commands/up.ts"),
  },
  down: { summary: "take a stack away", load: () => import("./commands/down.ts") },
  status: { summary: "show who serves, and whether a failover would work", load: () => import("./commands/status.ts") },
  top: { summary: "show groups, GPUs and tokens live", load: () => import("./commands/top.ts") },
  dashboard: { summary: "open the page of the reconciler", load: () => import("./commands/dashboard.ts") },
  switchover: {
    summary: "move traffic to the other group, without an error",
    load: () => import("./commands/switchover.ts"),
  },
  failover: {
    summary: "move traffic off a group that is broken, or rebuild it",
    load: () => import("./commands/failover.ts"),
  },
  pause: { summary: "stop the automation", load: () => import("./commands/pause.ts") },
  resume: { summary: "let the automation go on", load: () => import("./commands/resume.ts") },
  history: { summary: "show when traffic moved, and why", load: () => import("./commands/history.ts") },
  server: {
    summary: "take a server out for maintenance, and give it back",
    load: () => import("./commands/server.ts"),
  },
  env: { summary: "print export lines for kubectl, pulumi and clients", load: () => import("./commands/env.ts") },
  rehearse: {
    summary: "let a server die on this machine alone, and watch the streams go on",
    load: () => import("./commands/rehearse.ts"),
  },
  drill: { summary: "let something fail on purpose, and score it", load: () => import("./commands/drill.ts") },
  replay: {
    summary: "make recorded decisions again, with today's code",
    load: () => import("./commands/replay.ts"),
  },
  machines: { summary: "list the machines of a local stack", load: () => import("./commands/machines.ts") },
  doctor: {
    summary: "say what is in the way on servers or on this machine",
    load: () => import("./commands/doctor.ts"),
  },
  etcd: { summary: "save and restore what the cluster knows", load: () => import("./commands/etcd.ts") },
};
