import { asText, paragraphs } from "../markup.ts";
import { shellOf } from "./shell.ts";

/** Asks for a key; `wrong` after one that opens nothing. */
export function loginPage(stack: string, problem: string | null): string {
  const alert = problem === null ? "" : `<p role="alert" class="badly"><strong>✖ ${asText(problem)}</strong></p>`;
  return shellOf({
    title: `${stack}: log in`,
    nav: "",
    main: [
      alert,
      '<form method="post" action="login">',
      `<label for="key">Key of the dashboard of ${asText(stack)}</label>`,
      '<input id="key" name="key" type="password" autocomplete="current-password" required autofocus>',
      '<p><button class="strong">Log in</button></p>',
      "</form>",
      paragraphs(
        `Whoever made the stack has the keys: \`tandem dashboard --stack ${stack}\` says in which files. One may switch over and drill, the other may look only.`,
      ),
    ].join("\n"),
    footer: "A session ends after twelve hours, or with its key.",
    isLive: false,
  });
}
