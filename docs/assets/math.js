// Render every formula with the copy of KaTeX that the site carries; of a claim's, that with marked symbols.
document.addEventListener("DOMContentLoaded", () => {
  for (const formula of document.querySelectorAll("[data-marked]"))
    formula.querySelector(".arithmatex").textContent = `\\[${formula.dataset.marked}\\]`;
  renderMathInElement(document.body, {
    delimiters: [
      { left: "\\(", right: "\\)", display: false },
      { left: "\\[", right: "\\]", display: true },
    ],
    macros: { "\\root": "\\operatorname{root}" }, // the function that a claim on a root is stated with
    throwOnError: false,
    trust: ({ command }) => command === "\\htmlData",
    strict: (code) => (code === "htmlExtension" ? "ignore" : "warn"),
  });
});
