// Tests skip the cluster where the product itself does without it, and say the same sentence.
export { clusterObstacle } from "../../src/cli/start/cluster-obstacle.ts";
