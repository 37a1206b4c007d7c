/** Evidence stream of the agents, on every server's own network: outside NodePorts, ephemeral and SGLang's probed ports. */
export const AGENT_PORT = 9477;
/** Status, metrics and roles of a gateway replica; what clients use is `gateway.port` of the spec. */
export const GATEWAY_ADMIN_PORT = 9478;
/** Health and metrics of the reconciler, on the pod network. */
export const RECONCILER_PORT = 9479;
/** The page of the reconciler, on the pod network. */
export const DASHBOARD_PORT = 9480;
