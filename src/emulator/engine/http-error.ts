/** An answer that refuses a request, in SGLang's flat OpenAI error shape (serving_base.py:205). */
export class HttpError extends Error {
  readonly status: number;
  readonly type: string;

  constructor(status: number, message: string, type = "Bad Request") {
    super(message);
    this.status = status;
    this.type = type;
  }

  get body() {
    return { object: "error", message: this.message, type: this.type, param: null, code: this.status };
  }
}
