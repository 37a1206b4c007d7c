import type { WriteStream } from "node:tty";

const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_REST = "\u001b[J";

/** As terminals know it; kept by `split`, since it is in brackets. */
const COLOUR = new RegExp(`(${String.fromCharCode(27)}\\[[\\d;]*m)`);

/** The terminal's other screen: what was on it before comes back when it is left, however the command ends. */
export class Screen {
  readonly #out: WriteStream;
  readonly #leave = () => this.leave();
  #isOpen = false;

  constructor(out: WriteStream) {
    this.#out = out;
  }

  get width(): number {
    return this.#out.columns;
  }

  enter(): void {
    this.#isOpen = true;
    // Also when something throws: a terminal without a cursor is of no use to anybody.
    process.on("exit", this.#leave);
    this.#out.write(ENTER);
  }

  /** Draws over what is there, line by line, so that nothing flickers. Lines and rows that do not fit are cut. */
  draw(text: string): void {
    if (!this.#isOpen) return;
    const { rows, columns } = this.#out;
    const lines = text.trimEnd().split("\n").slice(0, rows);
    const drawn = lines.map((line) => `${cut(line, columns)}${CLEAR_LINE}`).join("\r\n");
    this.#out.write(`${HOME}${drawn}${CLEAR_REST}`);
  }

  leave(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.removeListener("exit", this.#leave);
    this.#out.write(LEAVE);
  }
}

/** The first `columns` signs, colours whole. */
export function cut(line: string, columns: number): string {
  let seen = 0;
  let out = "";
  for (const part of line.split(COLOUR)) {
    if (part.startsWith("\u001b")) out += part;
    else {
      const signs = [...part].slice(0, columns - seen);
      seen += signs.length;
      out += signs.join("");
    }
  }
  return out;
}
