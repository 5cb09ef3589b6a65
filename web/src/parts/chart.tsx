import { useEffect, useRef, useState } from "react";
import { onThemeChange } from "../theme.ts";
import { shortNumber, valueText } from "../words/format.ts";
import { drawing } from "./drawing.ts";
import type { Drawing } from "./drawing.ts";

export interface ChartProps {
  /** What it shows, for those who don't see it. */
  readonly label: string;
  readonly xs: readonly number[];
  readonly lines: readonly { readonly label: string; readonly values: readonly (number | null)[] }[];
  /** Index of the first window that may still change. */
  readonly openFrom?: number;
  /** Windows as bars, or as lines. */
  readonly bars?: boolean;
  readonly height?: number;
}

/** A chart on a canvas with its legend below: the values under the pointer, else the newest. */
export function Chart(props: ChartProps) {
  const { label, xs, lines, openFrom = xs.length, bars = false, height = 240 } = props;
  const place = useRef<HTMLDivElement>(null);
  const drawn = useRef<Drawing>(undefined);
  const [at, setAt] = useState<number | undefined>();
  const [theme, setTheme] = useState(0);
  const names = lines.map((line) => line.label).join("\n");
  useEffect(() => onThemeChange(() => setTheme((theme) => theme + 1)), []);
  useEffect(() => {
    if (place.current === null) return undefined;
    const own = drawing(place.current, { names: names.split("\n"), bars, height, pointed: setAt, axis: shortNumber });
    drawn.current = own;
    return () => own.remove();
  }, [names, bars, height, theme]);
  useEffect(() =>
    drawn.current?.show(
      xs,
      lines.map(({ values }) => values),
      openFrom,
    ),
  );
  const index = at !== undefined && at < xs.length ? at : xs.length - 1;
  return (
    <figure className="chart">
      <div ref={place} role="img" aria-label={label} style={{ minHeight: height }} />
      <figcaption>
        {lines.map((line, nth) => (
          <span key={line.label} className={`key key-${nth % 8}`}>
            <i aria-hidden="true" />
            {line.label} <b>{valueText(line.values[index])}</b>
          </span>
        ))}
        {openFrom < xs.length && (
          <span className="key key-open">
            <i aria-hidden="true" />
            open, may still change
          </span>
        )}
      </figcaption>
    </figure>
  );
}
