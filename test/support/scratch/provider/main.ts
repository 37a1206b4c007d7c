import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { providerService } from "../../../../src/infra/provider/service.ts";
import { servePlugin } from "../../../../src/infra/wire/serve.ts";
import { fileType } from "./file-type.ts";

const engineAddress = process.argv.slice(2).find((word) => !word.startsWith("-"));
const { methods, abandon } = providerService([fileType], "0.1.0", engineAddress);
await servePlugin(ResourceProviderService, methods, abandon);
