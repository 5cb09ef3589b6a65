import { useEffect, useState } from "react";
import type { ReactNode } from "react";

interface MoreFieldsProps {
  /** One of them has a value. */
  readonly isFilled: boolean;
  /** Something is wrong in one of them. */
  readonly isWrong: boolean;
  readonly children: ReactNode;
}

/** Fields that few rules need. They open by themselves when there is something to see, and close by hand alone: never under it. */
export function MoreFields({ isFilled, isWrong, children }: MoreFieldsProps) {
  const [isOpen, setOpen] = useState(isFilled || isWrong);
  useEffect(() => {
    if (isFilled) setOpen(true);
  }, [isFilled]);
  useEffect(() => {
    if (isWrong) setOpen(true);
  }, [isWrong]);
  return (
    <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>More: lateness, retention, hops, limits</summary>
      <div className="fields">{children}</div>
    </details>
  );
}
