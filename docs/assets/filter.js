// Words, subject, optimizer, source and verdict choose lines of the board; without this script all of them are there.
document.addEventListener("DOMContentLoaded", () => {
  const boards = [...document.querySelectorAll(".board")];
  if (!boards.length) return;
  const layers = ["derivation", "numerics", "simulation", "real"];
  const rows = boards.flatMap((board) => [...board.querySelectorAll("tbody tr")]);
  const id = (row) => row.querySelector("td code").textContent;
  const optimizers = [...new Set(rows.map((row) => id(row).split(".")[0]))].sort();
  const verdicts = [...new Set(rows.flatMap((row) => [...row.querySelectorAll("[class^=verdict]")].map((v) => v.textContent)))]
    .filter((word) => word !== "\u2013").sort();
  const subject = (row) => row.closest(".board").previousElementSibling.firstChild.textContent.trim();
  const source = (row) => row.querySelector("[data-source]")?.dataset.source ?? "derived here";
  const list = (label, words) =>
    `<label>${label} <select><option value="">all</option>${words.map((w) => `<option>${w}</option>`).join("")}</select></label>`;
  const form = document.createElement("div");
  form.className = "filter";
  form.innerHTML = `<label>words <input type="search"></label>${list("subject", [...new Set(rows.map(subject))])}${list("about", optimizers)}` +
    `${list("source", [...new Set(rows.map(source))].sort())}${list("verdict", verdicts)}${list("in", layers)}<span role="status"></span>`;
  boards[0].previousElementSibling.before(form);
  const [words, part, about, origin, verdict, layer] = form.querySelectorAll("input, select");
  const shown = (row) => {
    const cells = [...row.cells].slice(1, 5).map((cell) => cell.textContent.replace(" (weak)", "").trim());
    const asked = layer.value ? [cells[layers.indexOf(layer.value)]] : cells;
    return row.textContent.toLowerCase().includes(words.value.toLowerCase()) &&
      (!part.value || subject(row) === part.value) && (!origin.value || source(row) === origin.value) &&
      (!about.value || id(row).startsWith(about.value + ".")) && (!verdict.value || asked.includes(verdict.value));
  };
  const apply = () => {
    for (const row of rows) row.hidden = !shown(row);
    form.querySelector("[role=status]").textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} claims`;
  };
  form.addEventListener("input", apply);
  apply();
});
