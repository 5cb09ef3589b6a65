import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { applyTheme, keptTheme } from "./theme.ts";

applyTheme(keptTheme());
const place = document.querySelector("#app");
if (place === null) throw new Error("the document has no place for the pages");
createRoot(place).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
