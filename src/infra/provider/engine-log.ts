import grpc from "@grpc/grpc-js";
import engineService from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engine from "@pulumi/pulumi/proto/engine_pb.js";

/** Lines to the Pulumi CLI, which shows them at the resource they belong to. */
export interface EngineLog {
  connect(address: string): void;
  /** A line that replaces the last one of the resource's row. */
  status(urn: string, message: string): void;
  warn(urn: string, message: string): void;
  /** Resolves when the CLI has every line, so that none arrives after the resource's own end. */
  flush(): Promise<void>;
}

/** A line that cannot be delivered is dropped: progress must never fail an update. */
export function engineLog(): EngineLog {
  let client: engineService.EngineClient | undefined;
  let sent: Promise<void> = Promise.resolve();
  const send = (severity: engine.LogSeverity, urn: string, message: string, ephemeral: boolean): void => {
    const request = new engine.LogRequest();
    request.setSeverity(severity);
    request.setUrn(urn);
    request.setMessage(message);
    request.setEphemeral(ephemeral);
    // One after the other, or lines of one resource overtake each other.
    sent = sent.then(() => new Promise((resolve) => (client ? client.log(request, () => resolve()) : resolve())));
  };
  return {
    connect(address) {
      client?.close();
      client = new engineService.EngineClient(address, grpc.credentials.createInsecure());
    },
    status: (urn, message) => send(engine.LogSeverity.INFO, urn, message, true),
    warn: (urn, message) => send(engine.LogSeverity.WARNING, urn, message, false),
    flush: () => sent,
  };
}
