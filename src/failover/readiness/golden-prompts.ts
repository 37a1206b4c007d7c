/**
 * Plain English of a few dozen tokens each, from many fields, so that many experts of the model are used. They are ours, and
 * they never change: what a revision answered is compared over weeks.
 */
export const GOLDEN_PROMPTS: readonly string[] = [
  "The tide comes in twice a day, and the harbour pilots of the northern coast know it by heart. A ship that waits for high water",
  "To bake bread at home you need flour, water, salt and yeast. First the yeast is stirred into warm water, and after ten minutes",
  "In 1905 a clerk at the patent office in Bern published four papers. The third of them says that the laws of physics are the same",
  "def median(values):\n    ordered = sorted(values)\n    middle = len(ordered) // 2\n    if len(ordered) % 2 == 1:\n        return",
  "Dear neighbours, the water will be turned off on Thursday from nine until noon, because the pipes in the cellar must be",
  "Iron rusts when water and air reach it together. Paint keeps both away, and a coat of zinc goes on protecting the metal even where",
  "A prime number has exactly two divisors, one and itself. The numbers 2, 3, 5, 7, 11 and 13 are prime, and the next one is",
  "SELECT city, COUNT(*) AS customers FROM orders WHERE year = 2024 GROUP BY city ORDER BY customers DESC LIMIT",
];

/** Tokens that each of them is continued by. */
export const GOLDEN_TOKENS = 12;

/** One paragraph, over and over: a long prefill is long, not clever. About four characters a token. */
export function longPrompt(tokens: number, salt: string): string {
  const head = `Report ${salt}. `;
  const body = GOLDEN_PROMPTS.join(" ");
  const times = Math.ceil((tokens * 4 - head.length) / (body.length + 1));
  return head + `${body} `.repeat(Math.max(1, times)).slice(0, Math.max(0, tokens * 4 - head.length));
}
