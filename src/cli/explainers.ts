import type { Explanation } from "../report/explanation.ts";
import type { ClusterSpec } from "../spec/schema.ts";

export interface ExplainRequest {
  topic: string;
  /** The second word, e.g. the 94 of `explain xid 94`. */
  argument: string | undefined;
  spec: ClusterSpec | undefined;
}

/** One kind of topic. Each loads what it needs itself: nobody pays for the catalogue of XIDs to read about a flag. */
export interface Explainer {
  /** As it stands in the help: `xid 94`. */
  example: string;
  /** Undefined where the topic is none of its own. */
  explain: (request: ExplainRequest) => Promise<Explanation | undefined>;
  /** For "did you mean". */
  topics: () => Promise<readonly string[]>;
}

/** In the order in which they are asked. */
export const EXPLAINERS: readonly Explainer[] = [
  {
    example: "xid 94",
    topics: async () => ["xid"],
    explain: async ({ topic, argument, spec }) => {
      const code = topic === "xid" ? argument : /^xid-?(\d+)$/i.exec(topic)?.[1];
      if (code === undefined || !/^\d{1,4}$/.test(code)) return undefined;
      const { explainXid } = await import("../report/explain-xid.ts");
      return explainXid(Number(code), spec?.failover.xids);
    },
  },
  {
    example: "sxid 20034",
    topics: async () => ["sxid"],
    explain: async ({ topic, argument, spec }) => {
      const code = topic === "sxid" ? argument : /^sxid-?(\d+)$/i.exec(topic)?.[1];
      if (code === undefined || !/^\d{5}$/.test(code)) return undefined;
      const { explainSxid } = await import("../report/explain-sxid.ts");
      return explainSxid(Number(code), spec?.failover.xids);
    },
  },
  {
    example: "dp16-ep16",
    topics: async () => {
      const { enumerateLayouts } = await import("../plan/layouts/enumerate.ts");
      return enumerateLayouts(16, 0).map(({ name }) => name);
    },
    explain: async ({ topic, spec }) => {
      const { parseLayoutName } = await import("../plan/layouts/name.ts");
      const layout = parseLayoutName(topic);
      if (layout === undefined) return undefined;
      return (await import("../report/explain-layout.ts")).explainLayout(layout, spec);
    },
  },
  {
    example: "--attn-dp-size",
    topics: async () => {
      const { FLAGS, REMOVED_FLAGS } = await import("../plan/flags/catalogue.ts");
      return [...Object.keys(FLAGS), ...Object.keys(REMOVED_FLAGS)];
    },
    explain: async ({ topic, spec }) => {
      const { explainFlag } = await import("../report/explain-flag.ts");
      // `tandem explain ep-size` spares the shell user the dashes.
      return explainFlag(topic.startsWith("--") ? topic : `--${topic}`, spec);
    },
  },
  {
    example: "ttft",
    topics: async () => (await import("../report/explain-performance.ts")).PERFORMANCE_TOPICS,
    explain: async ({ topic }) => (await import("../report/explain-performance.ts")).explainPerformance(topic),
  },
  {
    example: "heads_divisible",
    topics: async () => (await import("../report/explain-rule.ts")).RULE_IDS,
    explain: async ({ topic, spec }) => {
      const { explainRule } = await import("../report/explain-rule.ts");
      // Reasons end in `[heads_divisible]`, and people copy them so.
      return explainRule(topic.replace(/^\[|\]$/g, ""), spec);
    },
  },
];
