export type Program = "tandem" | "sglang-router" | "haproxy" | "nginx";

/** A proxy in one of its configurations. */
export interface Contender {
  /** Names its configuration in `config/`. */
  id: string;
  label: string;
  program: Program;
}

export const CONTENDERS: readonly Contender[] = [
  { id: "tandem", label: "Tandem's gateway", program: "tandem" },
  { id: "sglang-router-default", label: "sglang-router, default", program: "sglang-router" },
  { id: "sglang-router-tuned", label: "sglang-router, tuned", program: "sglang-router" },
  { id: "haproxy-default", label: "HAProxy, default", program: "haproxy" },
  { id: "haproxy-tuned", label: "HAProxy, tuned", program: "haproxy" },
  { id: "nginx-default", label: "nginx, default", program: "nginx" },
  { id: "nginx-tuned", label: "nginx, tuned", program: "nginx" },
];
