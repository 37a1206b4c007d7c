/** Text for the inside of an element or of a quoted attribute: a name out of a spec must stay text. */
export function asText(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** A table with a caption and its first column as heads of the rows; cells are text, never markup. */
export function tableOf(caption: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const heads = head.map((cell) => `<th scope="col">${asText(cell)}</th>`).join("");
  const body = rows.map(([first = "", ...rest]) => {
    const cells = rest.map((cell) => `<td>${asText(cell)}</td>`).join("");
    return `<tr><th scope="row">${asText(first)}</th>${cells}</tr>`;
  });
  // A wide table scrolls by itself on a phone, and whoever has no mouse must be able to scroll it.
  return [
    `<div class="scroll" role="region" tabindex="0" aria-label="${asText(caption)}">`,
    `<table><caption>${asText(caption)}</caption>`,
    `<thead><tr>${heads}</tr></thead>`,
    `<tbody>${body.join("\n")}</tbody></table></div>`,
  ].join("\n");
}

/** More for whoever asks; on paper it stands open. */
export function detailsOf(summary: string, inside: string): string {
  return `<details><summary>${asText(summary)}</summary>\n${inside}\n</details>`;
}

export function sectionOf(id: string, title: string, ...inside: readonly string[]): string {
  return [`<section aria-labelledby="${id}">`, `<h2 id="${id}">${asText(title)}</h2>`, ...inside, "</section>"].join(
    "\n",
  );
}

/** A picture and its figures: beside each other where there is room. */
export function sideBySide(...parts: readonly string[]): string {
  return `<div class="grid wide">${parts
    .filter((part) => part !== "")
    .map((part) => `<div>${part}</div>`)
    .join("\n")}</div>`;
}

export function paragraphs(...texts: readonly string[]): string {
  return texts.map((text) => `<p>${asText(text)}</p>`).join("\n");
}
