// Render every formula with the copy of KaTeX that the site carries.
document.addEventListener("DOMContentLoaded", () =>
  renderMathInElement(document.body, {
    delimiters: [
      { left: "\\(", right: "\\)", display: false },
      { left: "\\[", right: "\\]", display: true },
    ],
    macros: { "\\root": "\\operatorname{root}" }, // the function that a claim on a root is stated with
    throwOnError: false,
  }),
);
