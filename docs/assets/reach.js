// What a pointer reaches, a keyboard reaches: parts that scroll by themselves, and buttons with names of their own.
const SCROLLS = ".md-typeset__scrollwrap, .graph, .katex-display, .highlight code, pre > code";
const reach = () => {
  for (const part of document.querySelectorAll(SCROLLS)) {
    if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
    else part.removeAttribute("tabindex");
  }
  document.querySelectorAll(".md-code__nav").forEach((nav, n) => nav.setAttribute("aria-label", `Code block ${n + 1}`));
};
addEventListener("load", () => {
  reach();
  new MutationObserver(reach).observe(document.body, { childList: true, subtree: true });
});
addEventListener("resize", reach);
