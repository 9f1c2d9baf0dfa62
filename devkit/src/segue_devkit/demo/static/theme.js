// Loaded before anything is drawn, so that a chosen theme does not flash: not a module.
"use strict";
{
  const kept = localStorage.getItem("segue-theme");
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
}
