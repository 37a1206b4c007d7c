import { connect } from "node:net";

/** Whether something at `address` greets as an SSH server within `timeoutMs`. Refused, silent and unreachable are no. */
export function sshAnswers(address: string, timeoutMs: number, port = 22): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: timeoutMs });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    // A listening port alone may be the kernel's backlog of an sshd that hangs; the greeting is its own word.
    socket.once("data", (bytes) => end(bytes.toString("latin1").startsWith("SSH-2.0")));
    socket.once("timeout", () => end(false));
    socket.once("error", () => end(false));
    socket.once("close", () => end(false));
  });
}
