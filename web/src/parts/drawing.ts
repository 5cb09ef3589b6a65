import uPlot from "uplot";
import { colourOf } from "../theme.ts";
import { axisTimes } from "./axis-times.ts";
import { lonePoints } from "./lone-points.ts";
import { unitOf } from "./unit.ts";
import { yRange } from "./y-range.ts";

export interface DrawingOptions {
  readonly names: readonly string[];
  readonly bars: boolean;
  readonly height: number;
  /** Told the window under the pointer; undefined when there is none. */
  readonly pointed: (index: number | undefined) => void;
  readonly axis: (value: number) => string;
}

export interface Shown {
  readonly xs: readonly number[];
  readonly lines: readonly (readonly (number | null)[])[];
  readonly openFrom: number;
  /** Of the time axis. */
  readonly range: readonly [from: number, to: number];
}

export interface Drawing {
  show(shown: Shown): void;
  remove(): void;
}

/** A chart in an element, as wide as that is. */
export function drawing(place: HTMLElement, options: DrawingOptions): Drawing {
  let shown: Shown = { xs: [], lines: [], openFrom: Infinity, range: [0, 1] };
  let unit = 1;
  const ground = colourOf("--open");
  const chart = new uPlot(
    optionsOf(place.clientWidth, options, {
      shade: (chart) => shadeOpen(chart, shown.openFrom, ground),
      range: () => [...shown.range],
      value: (drawn) => options.axis(drawn * unit),
    }),
    [[], ...options.names.map(() => [])],
    place,
  );
  const sized = new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: options.height }));
  sized.observe(place);
  return {
    show: (next) => {
      shown = next;
      unit = unitOf(next.lines);
      chart.setData([[...next.xs], ...next.lines.map((values) => values.map((one) => one && one / unit))]);
    },
    remove: () => {
      sized.disconnect();
      chart.destroy();
    },
  };
}

interface Hooks {
  readonly shade: (chart: uPlot) => void;
  readonly range: () => [from: number, to: number];
  /** The label of a value as it is drawn. */
  readonly value: (drawn: number) => string;
}

/** As wide as the longest label: at a fixed width long ones were cut off. `labels` are not there before the first ones. */
const axisWidth = (_chart: uPlot, labels: readonly string[] | null): number =>
  Math.max(52, ...(labels ?? []).map(({ length }) => 16 + length * 7));

function optionsOf(width: number, options: DrawingOptions, { shade, range, value }: Hooks): uPlot.Options {
  const text = colourOf("--faint");
  const grid = { stroke: colourOf("--line"), width: 1 };
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const axis: uPlot.Axis = { stroke: text, grid, ticks: { show: false }, font };
  return {
    width: Math.max(width, 1),
    height: options.height,
    padding: [12, 32, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    scales: { x: { range }, y: { range: (_chart, low, high) => yRange(low, high) } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 76,
        // Below the 0 of the other axis.
        gap: 10,
        values: (_chart, splits, _axis, _space, step) => axisTimes(splits, step),
      },
      { ...axis, size: axisWidth, values: (_chart, values) => values.map(value) },
    ],
    series: [{}, ...options.names.map((label, index) => seriesOf(label, index, options.bars))],
    hooks: { drawClear: [shade], setCursor: [(chart) => options.pointed(chart.cursor.idx ?? undefined)] },
  };
}

/** With more windows than these the points hide the line. */
const pointsMax = 16;

/** All points, or those without which nothing would be seen of their values. */
const filter: uPlot.Series.Points.Filter = (chart, nth, areShown) =>
  areShown ? null : lonePoints([...(chart.data[nth] ?? [])]);

function seriesOf(label: string, index: number, isBars: boolean): uPlot.Series {
  const stroke = colourOf(`--group-${index % 8}`);
  if (!isBars)
    return {
      label,
      stroke,
      width: 1.75,
      points: { show: (chart) => chart.data[0].length <= pointsMax, filter, size: 6 },
    };
  const paths = uPlot.paths.bars?.({ size: [0.75, 48], radius: 0.15 });
  return { label, stroke, width: 0, fill: stroke, points: { show: false }, ...(paths && { paths }) };
}

/** The windows that may still change stand on a ground of their own. */
function shadeOpen(chart: uPlot, openFrom: number, ground: string): void {
  const xs = chart.data[0];
  const first = xs[openFrom];
  if (first === undefined) return;
  const before = xs[openFrom - 1];
  const { left: from, width, top, height } = chart.bbox;
  const start = before === undefined ? from : chart.valToPos((first + before) / 2, "x", true);
  chart.ctx.save();
  chart.ctx.fillStyle = ground;
  chart.ctx.fillRect(start, top, from + width - start, height);
  chart.ctx.restore();
}
