// A symbol of a claim's formula tells its meaning and unit under the pointer, and in a line beneath from the keyboard.
// Without this script they are in the table "What the symbols mean".
document.addEventListener("DOMContentLoaded", () => {
  const rows = new Map([...document.querySelectorAll("details.symbols tbody tr")].map((row) => [row.cells[1].textContent, row]));
  if (!rows.size) return;
  const told = document.createElement("div");
  Object.assign(told, { id: "meaning", className: "meaning", role: "tooltip", hidden: true });
  const line = document.createElement("p");
  line.className = "symbol-line";
  for (const [name, row] of rows) {
    const symbol = document.createElement("button");
    symbol.type = "button";
    symbol.dataset.symbol = name;
    symbol.setAttribute("aria-label", name);
    symbol.setAttribute("aria-describedby", "meaning");
    symbol.append(...row.cells[0].cloneNode(true).childNodes);
    line.append(symbol, " ");
  }
  document.querySelector("details.symbols").before(line);
  line.after(told);
  const hide = () => (told.hidden = true);
  const show = ({ target }) => {
    const symbol = target.closest("[data-symbol]"), row = symbol && rows.get(symbol.dataset.symbol);
    if (!row) return told.contains(target) || hide();
    told.replaceChildren(...row.cells[2].cloneNode(true).childNodes, "; unit ", ...row.cells[3].cloneNode(true).childNodes);
    told.hidden = false;
    const at = symbol.getBoundingClientRect(), from = told.offsetParent.getBoundingClientRect();
    const left = Math.min(at.left, document.documentElement.clientWidth - told.offsetWidth - 8);
    Object.assign(told.style, { left: `${Math.max(8, left) - from.left}px`, top: `${at.bottom - from.top}px` });
  };
  for (const event of ["pointerover", "focusin"]) document.addEventListener(event, show);
  document.addEventListener("keydown", ({ key }) => key === "Escape" && hide());
});
