import { flushCompileCache } from "node:module";
import grpc from "@grpc/grpc-js";

/** The size the Pulumi CLI itself accepts; a stack's manifests exceed gRPC's default of 4 MiB. */
const messageLimitBytes = 400 * 1024 * 1024;
/** By then everything is loaded and the first requests are answered; a second update is not over yet. */
const FLUSH_AFTER_MS = 1_500;

/**
 * Starts a gRPC server on a free loopback port and prints the port as the first line of stdout, which is how the Pulumi
 * CLI learns where its plug-in listens. The process ends when the CLI does.
 *
 * @param onOrphaned ends what is still running, when the CLI is gone.
 */
export async function servePlugin(
  service: grpc.ServiceDefinition,
  implementation: grpc.UntypedServiceImplementation,
  onOrphaned: () => Promise<void> | void = () => {},
): Promise<void> {
  const server = new grpc.Server({ "grpc.max_receive_message_length": messageLimitBytes });
  server.addService(service, implementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  process.stdout.write(`${port}\n`);
  // Node writes its compile cache when a process ends by itself, and the CLI kills its plug-ins: without this each of them
  // would be compiled anew in every update, half a second of each core.
  setTimeout(() => flushCompileCache(), FLUSH_AFTER_MS).unref();
  // The CLI holds our standard input open for as long as it lives. It cannot say goodbye when it is killed.
  process.stdin.once("end", () => void Promise.resolve(onOrphaned()).finally(() => process.exit(0))).resume();
}

/** An async function as a gRPC method. What it throws becomes the call's error, through `toStatus`. */
export function unary<Request, Response>(
  handle: (request: Request, call: grpc.ServerUnaryCall<Request, Response>) => Promise<Response> | Response,
  toStatus: (error: unknown) => Partial<grpc.StatusObject> = plainStatus,
): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    Promise.resolve()
      .then(() => handle(call.request, call))
      .then(
        (response) => callback(null, response),
        (error: unknown) => callback(toStatus(error)),
      );
  };
}

function plainStatus(error: unknown): Partial<grpc.StatusObject> {
  return { code: grpc.status.ABORTED, details: error instanceof Error ? error.message : String(error) };
}
