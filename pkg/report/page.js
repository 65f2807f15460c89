// Makes each calendar one stop of the Tab key, in which the arrow keys move by a
// day and a month, Home and End to the ends. Without it, each day is a stop.
for (const calendar of document.querySelectorAll(".calendar")) {
  const days = [...calendar.querySelectorAll("a")];
  const stop = (day) => days.forEach((d) => { d.tabIndex = d === day ? 0 : -1; });
  const month = (day, step) => {
    const column = day.parentElement.cellIndex;
    const row = calendar.tBodies[0].rows[day.closest("tr").sectionRowIndex + step];
    return row && row.cells[column] && row.cells[column].firstElementChild;
  };
  calendar.setAttribute("role", "grid");
  stop(calendar.querySelector(".gap") || calendar.querySelector(".not-looked-at") || days.at(-1));
  calendar.addEventListener("focusin", (e) => { if (days.includes(e.target)) stop(e.target); });
  calendar.addEventListener("keydown", (e) => {
    const at = days.indexOf(e.target);
    if (at < 0 || e.ctrlKey || e.altKey || e.metaKey) return;
    const to = {
      ArrowLeft: () => days[at - 1], ArrowRight: () => days[at + 1],
      ArrowUp: () => month(e.target, -1), ArrowDown: () => month(e.target, 1),
      Home: () => days[0], End: () => days.at(-1),
    }[e.key];
    if (!to) return;
    e.preventDefault();
    const day = to();
    if (day) day.focus();
  });
}
