import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import protocol from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import type { Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import { decodeStruct } from "../wire/decode.ts";
import { encodeStruct } from "../wire/encode.ts";
import { unary } from "../wire/serve.ts";
import { type Decoded, type PlainObject, UNKNOWN } from "../wire/value.ts";
import { checkInputs } from "./check.ts";
import { diffInputs } from "./diff.ts";
import { diffResponse } from "./diff-response.ts";
import { engineLog } from "./engine-log.ts";
import { failedStatus, unfinishedStatus } from "./failure.ts";
import { operations } from "./operations.ts";
import { redactor } from "./redact.ts";
import { type AnyResourceType, type Operation, UnfinishedResource } from "./resource-type.ts";
import { packageSchema } from "./schema.ts";

/** A failure whose gRPC status is ready: the code that built it knew the state to keep. */
class Failed extends Error {
  readonly status: ReturnType<typeof failedStatus>;
  constructor(status: ReturnType<typeof failedStatus>) {
    super(status.details);
    this.status = status;
  }
}

const toStatus = (error: unknown) =>
  error instanceof Failed ? error.status : failedStatus(error instanceof Error ? error.message : String(error));

/**
 * The generic core of the provider: everything between the engine's wire format and a table of resource types.
 *
 * @param engineAddress where the CLI listens for progress lines; undefined until it attaches.
 * @returns the methods, and `abandon`, which ends what runs when nobody waits for it any more.
 */
export function providerService(
  types: readonly AnyResourceType[],
  version: string,
  engineAddress: string | undefined,
): { methods: UntypedServiceImplementation; abandon: () => Promise<void> } {
  const byToken = new Map(types.map((type) => [type.token, type]));
  const log = engineLog();
  if (engineAddress !== undefined) log.connect(engineAddress);
  const running = operations(log);

  const typeOf = (urn: string): AnyResourceType => {
    // urn:pulumi:<stack>::<project>::<parent type>$<type>::<name>
    const token = urn.split("::")[2]?.split("$").at(-1) ?? "";
    const type = byToken.get(token);
    if (!type) throw new Error(`this provider has no resource type ${token}; it has ${[...byToken.keys()].join(", ")}`);
    return type;
  };

  /** Runs one operation; `keep` says what the state must hold when the thing exists but is not ready. */
  async function operate<Result>(
    request: { getUrn(): string; getTimeout(): number },
    known: readonly Decoded[],
    keep: (outputs: object) => { outputs: Decoded; inputs: Decoded },
    work: (operation: Operation) => Promise<Result>,
  ): Promise<Result> {
    const redact = redactor(...known);
    try {
      return await running.run(request.getUrn(), request.getTimeout(), redact, work);
    } catch (error) {
      const message = redact(error instanceof Error ? error.message : String(error));
      if (!(error instanceof UnfinishedResource)) throw new Failed(failedStatus(message));
      throw new Failed(unfinishedStatus(message, { id: error.id, ...keep(error.outputs) }));
    }
  }

  const methods: UntypedServiceImplementation = {
    handshake: unary((request: protocol.ProviderHandshakeRequest) => {
      log.connect(request.getEngineAddress());
      const response = new protocol.ProviderHandshakeResponse();
      response.setAcceptSecrets(true);
      response.setAcceptOutputs(true);
      return response;
    }),
    attach: unary((request: plugin.PluginAttach) => {
      log.connect(request.getAddress());
      return new empty.Empty();
    }),
    getPluginInfo: unary(() => {
      const info = new plugin.PluginInfo();
      info.setVersion(version);
      return info;
    }),
    getSchema: unary(() => {
      const response = new protocol.GetSchemaResponse();
      response.setSchema(packageSchema(version, types));
      return response;
    }),
    cancel: unary(() => {
      running.cancel();
      return new empty.Empty();
    }),
    // Everything a resource needs is among its own inputs: two stacks can then share one provider process.
    checkConfig: unary((request: protocol.CheckRequest) => echo(request.getNews())),
    diffConfig: unary(() => new protocol.DiffResponse()),
    configure: unary(() => {
      const response = new protocol.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setAcceptoutputs(true);
      response.setSupportspreview(true);
      return response;
    }),

    check: unary((request: protocol.CheckRequest) => {
      const type = typeOf(request.getUrn());
      const news = decodeStruct(request.getNews());
      // What goes into the state is what the program sent, with the type's own secrets marked.
      const response = new protocol.CheckResponse();
      response.setInputs(
        encodeStruct({ value: news.value, secrets: [...news.secrets, ...type.secrets.map((s) => [s])] }),
      );
      response.setFailuresList(
        checkInputs(type.inputs, news.value).map(({ property, reason }) => {
          const failure = new protocol.CheckFailure();
          failure.setProperty(property);
          failure.setReason(reason);
          return failure;
        }),
      );
      return response;
    }, toStatus),

    diff: unary(async (request: protocol.DiffRequest) => {
      const type = typeOf(request.getUrn());
      const olds = decodeStruct(request.hasOldInputs() ? request.getOldInputs() : request.getOlds());
      const news = decodeStruct(request.getNews());
      const { look } = type;
      if (look !== undefined) {
        const existing = { id: request.getId(), inputs: olds.value, outputs: decodeStruct(request.getOlds()).value };
        await running.run(request.getUrn(), 0, redactor(olds), (operation) => look(existing, operation));
      }
      const ignored = request.getIgnorechangesList();
      return diffResponse(diffInputs(olds.value, news.value, type.replaceOn, { ignored, quiet: type.quiet }));
    }, toStatus),

    create: unary(async (request: protocol.CreateRequest) => {
      const type = typeOf(request.getUrn());
      const inputs = decodeStruct(request.getProperties());
      const response = new protocol.CreateResponse();
      if (request.getPreview()) {
        const computed = Object.keys(type.outputs).map((name) => [name, UNKNOWN] as const);
        const foreseen = { ...inputs.value, ...Object.fromEntries(computed) };
        response.setProperties(encodeStruct(mark(foreseen, inputs, type)));
        return response;
      }
      const keep = (outputs: object) => ({ outputs: mark({ ...inputs.value, ...outputs }, inputs, type), inputs });
      const made = await operate(request, [inputs], keep, (operation) => type.create(inputs.value, operation));
      response.setId(made.id);
      response.setProperties(encodeStruct(keep(made.outputs).outputs));
      return response;
    }, toStatus),

    read: unary(async (request: protocol.ReadRequest) => {
      const type = typeOf(request.getUrn());
      const inputs = decodeStruct(request.getInputs());
      const olds = decodeStruct(request.getProperties());
      const keep = (outputs: object) => ({ outputs: mark(outputs, inputs, type), inputs });
      const existing = { id: request.getId(), inputs: inputs.value, outputs: olds.value };
      const found = await operate(request, [inputs, olds], keep, (operation) => type.read(existing, operation));
      const response = new protocol.ReadResponse();
      if (found === null) return response;
      response.setId(request.getId());
      response.setInputs(encodeStruct(mark(found.inputs, inputs, type)));
      response.setProperties(encodeStruct(mark({ ...found.inputs, ...found.outputs }, inputs, type)));
      return response;
    }, toStatus),

    update: unary(async (request: protocol.UpdateRequest) => {
      const type = typeOf(request.getUrn());
      const olds = decodeStruct(request.getOlds());
      const oldInputs = decodeStruct(request.hasOldInputs() ? request.getOldInputs() : request.getOlds());
      const news = decodeStruct(request.getNews());
      const computed = Object.keys(type.outputs).filter((name) => olds.value[name] !== undefined);
      const kept = Object.fromEntries(computed.map((name) => [name, olds.value[name]]));
      const response = new protocol.UpdateResponse();
      if (request.getPreview()) {
        const changed = (type.changedByUpdate ?? []).map((name) => [name, UNKNOWN] as const);
        response.setProperties(
          encodeStruct(mark({ ...news.value, ...kept, ...Object.fromEntries(changed) }, news, type)),
        );
        return response;
      }
      const keep = (outputs: object) => ({
        outputs: mark({ ...news.value, ...kept, ...outputs }, news, type),
        inputs: news,
      });
      const existing = { id: request.getId(), inputs: oldInputs.value, outputs: olds.value };
      const outputs = await operate(request, [olds, news], keep, (operation) =>
        type.update(existing, news.value, operation),
      );
      response.setProperties(encodeStruct(keep(outputs).outputs));
      return response;
    }, toStatus),

    delete: unary(async (request: protocol.DeleteRequest) => {
      const type = typeOf(request.getUrn());
      const olds = decodeStruct(request.getProperties());
      const inputs = decodeStruct(request.hasOldInputs() ? request.getOldInputs() : request.getProperties());
      const existing = { id: request.getId(), inputs: inputs.value, outputs: olds.value };
      const keep = () => ({ outputs: olds, inputs });
      await operate(request, [olds], keep, (operation) => type.remove(existing, operation));
      return new empty.Empty();
    }, toStatus),
  };
  const abandon = () => {
    running.cancel();
    return running.settled();
  };
  return { methods, abandon };
}

/** Outputs with the secrets of the inputs that they repeat, and those that the type always keeps secret. */
function mark(outputs: object, inputs: Decoded, type: AnyResourceType): Decoded {
  return { value: outputs as PlainObject, secrets: [...inputs.secrets, ...type.secrets.map((name) => [name])] };
}

function echo(news: Struct | undefined): protocol.CheckResponse {
  const response = new protocol.CheckResponse();
  response.setInputs(news);
  return response;
}
