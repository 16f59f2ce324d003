// Before anything is drawn: the chosen theme; without a choice the style follows the system.
"use strict";
try {
  const theme = localStorage.getItem("skink.theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
  // storage is forbidden: the system's theme it is
}
