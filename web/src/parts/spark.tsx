import { unitOf } from "./unit.ts";

const width = 120;
const height = 28;

interface SparkProps {
  readonly values: readonly number[];
  /** Said where there are none. */
  readonly none: string;
}

/** A rule's windows as one small line; what it shows is told in words beside it. */
export function Spark({ values: told, none }: SparkProps) {
  if (told.length === 0) return <span className="spark-empty">{none}</span>;
  const unit = unitOf([told]);
  const values = told.map((value) => value / unit);
  const top = Math.max(...values, 0);
  const bottom = Math.min(...values, 0);
  const x = (index: number): number => 2 + (values.length === 1 ? 1 : index / (values.length - 1)) * (width - 6);
  const y = (value: number): number => height - 3 - ((value - bottom) / (top - bottom || 1)) * (height - 6);
  const points = values.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  const last = values.length - 1;
  return (
    <svg className="spark" viewBox={`0 0 ${width} ${height}`} aria-hidden="true" focusable="false">
      <polyline points={points} />
      <circle cx={x(last)} cy={y(values[last] ?? 0)} r="2.5" />
    </svg>
  );
}
