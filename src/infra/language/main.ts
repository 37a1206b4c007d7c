import { LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb.js";
import { servePlugin } from "../wire/serve.ts";
import { languageHost } from "./host.ts";

// The CLI passes its own address as the only positional argument; the flags before it concern logging.
const engineAddress = process.argv.slice(2).find((word) => !word.startsWith("-"));
if (engineAddress === undefined) {
  process.stderr.write("pulumi-language-nodejs: the Pulumi CLI starts this, with the address of its engine\n");
  process.exit(1);
}
await servePlugin(LanguageRuntimeService, languageHost(engineAddress));
