import type { ServingPlan } from "../../plan/serving-plan.ts";

/** Why there is no cluster, and what works all the same. */
export function withoutCluster(obstacle: string): string {
  return `${obstacle}

What works here without it:
  node bin/tandem plan stacks/example.yaml     what runs where, whether it fits, and why
  node bin/tandem render stacks/example.yaml   the Kubernetes objects
  node bin/tandem rehearse                     a server dies, and the streams go on (follows now)
  npm test                                     every test but those on the cluster
`;
}

/** What can be done with a cluster that is up. */
export function nextSteps({ name, namespace }: ServingPlan): string {
  return `
The cluster stays up. What to do next:
  node bin/tandem status                     who serves, and whether a failover would work now
  eval "$(node bin/tandem env)"              then kubectl, pulumi, docker and any OpenAI client work:
  kubectl get nodes,lws,pods -n ${namespace} -o wide
  curl $OPENAI_BASE_URL/models -H "Authorization: Bearer $OPENAI_API_KEY"
  node bin/tandem up stacks/${name}.yaml     again, after an edit of the spec
  node bin/tandem down                       takes all of it away (--purge: the caches too)
`;
}
