/** Drawn by hand on a field of 24; each is one path, as thick as the text. */
const paths = {
  weir: "M1 7h7c4 0 2 10 7 10h8",
  overview: "M3 13h4l3-8 4 14 3-6h4",
  rules: "M4 6h16M4 12h10M4 18h6",
  events: "M12 3v18M5 8l7-5 7 5M5 16l7 5 7-5",
  try: "M5 4l14 8-14 8z",
  auto: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
  light:
    "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6L19 19M5 19l1.4-1.4M17.6 6.4L19 5",
  dark: "M20 14A8 8 0 0 1 10 4a8 8 0 1 0 10 10z",
  plus: "M12 5v14M5 12h14",
} as const;

export type IconName = keyof typeof paths;

/** Goes beside words or in a button that has a name: it says nothing by itself. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className={`icon icon-${name}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
