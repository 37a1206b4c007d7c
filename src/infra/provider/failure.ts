import grpc from "@grpc/grpc-js";
import protocol from "@pulumi/pulumi/proto/provider_pb.js";
import statusProtocol from "@pulumi/pulumi/proto/status_pb.js";
import any from "google-protobuf/google/protobuf/any_pb.js";
import { encodeStruct } from "../wire/encode.ts";
import type { Decoded } from "../wire/value.ts";

/**
 * The gRPC status of a failed operation.
 *
 * The code is ABORTED on purpose: with UNKNOWN or INTERNAL the engine cannot tell what happened and keeps the operation
 * as pending for ever. Ours is known: nothing was made, or the next create adopts it.
 */
export function failedStatus(message: string): Partial<grpc.StatusObject> {
  return { code: grpc.status.ABORTED, details: message };
}

/** The same for a thing that exists but is not ready: the engine stores it and asks for an update next time. */
export function unfinishedStatus(
  message: string,
  state: { id: string; outputs: Decoded; inputs: Decoded },
): Partial<grpc.StatusObject> {
  const failure = new protocol.ErrorResourceInitFailed();
  failure.setId(state.id);
  failure.setProperties(encodeStruct(state.outputs));
  failure.setInputs(encodeStruct(state.inputs));
  failure.setReasonsList([message]);
  const detail = new any.Any();
  detail.pack(failure.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new statusProtocol.Status();
  status.setCode(grpc.status.ABORTED);
  status.setMessage(message);
  status.addDetails(detail);
  const metadata = new grpc.Metadata();
  // gRPC's agreed place for structured errors; the engine looks for the details there.
  metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  return { code: grpc.status.ABORTED, details: message, metadata };
}
