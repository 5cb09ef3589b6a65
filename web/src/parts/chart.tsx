import { useEffect, useRef, useState } from "react";
import { onThemeChange } from "../theme.ts";
import { shortNumber, timeText, valueText } from "../words/format.ts";
import { drawing } from "./drawing.ts";
import type { Drawing } from "./drawing.ts";
import { xRange } from "./x-range.ts";

export interface ChartLine {
  /** Unlike that of any other line. */
  readonly key: string;
  readonly label: string;
  readonly values: readonly (number | null)[];
}

export interface ChartProps {
  /** What it shows, for those who don't see it. */
  readonly label: string;
  readonly xs: readonly number[];
  readonly lines: readonly ChartLine[];
  /** Between two places, in seconds; bars are as wide. */
  readonly step?: number;
  /** Of time that is shown, in seconds. */
  readonly least?: number;
  /** Index of the first window that may still change. */
  readonly openFrom?: number;
  /** A value in the legend. */
  readonly text?: (value: unknown) => string;
  /** Windows as bars, or as lines. */
  readonly bars?: boolean;
  readonly height?: number;
}

/** A chart on a canvas with its legend below: the values, and their time, under the pointer, else the newest. */
export function Chart(props: ChartProps) {
  const { label, xs, lines, openFrom = xs.length, bars = false, height = 240, step = 0, least = 0 } = props;
  const { text = valueText } = props;
  const place = useRef<HTMLDivElement>(null);
  const drawn = useRef<Drawing>(undefined);
  const [at, setAt] = useState<number | undefined>();
  const [theme, setTheme] = useState(0);
  // Keys may hold anything, so that they are joined in a way that can be taken apart.
  const keys = JSON.stringify(lines.map(({ key }) => key));
  useEffect(() => onThemeChange(() => setTheme((theme) => theme + 1)), []);
  useEffect(() => {
    if (place.current === null) return undefined;
    const names = JSON.parse(keys) as readonly string[];
    const own = drawing(place.current, { names, bars, height, pointed: setAt, axis: shortNumber });
    drawn.current = own;
    return () => own.remove();
  }, [keys, bars, height, theme]);
  useEffect(() => {
    const beside = bars || xs.length === 1 ? step / 2 : 0;
    drawn.current?.show({
      xs,
      lines: lines.map(({ values }) => values),
      openFrom,
      range: xRange(xs, { beside, least }),
    });
  }, [xs, lines, openFrom, step, least, keys, bars, height, theme]);
  const index = at !== undefined && at < xs.length ? at : xs.length - 1;
  const moment = xs[index];
  return (
    <figure className="chart">
      <div ref={place} role="img" aria-label={label} style={{ minHeight: height }} />
      <figcaption>
        {moment !== undefined && (
          <time dateTime={new Date(moment * 1000).toISOString()}>{timeText(moment * 1000)} UTC</time>
        )}
        {lines.map((line, nth) => (
          <span key={line.key} className={`key key-${nth % 8}`}>
            <i aria-hidden="true" />
            <bdi title={line.label}>{line.label}</bdi> <b>{text(line.values[index])}</b>
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
