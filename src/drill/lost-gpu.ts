/** XID 79: what an H100 says when it falls off the bus. Every arena causes the same fault. */
export const LOST_GPU = { xid: 79, detail: "GPU has fallen off the bus." };
