/**
 * The check of a route whose parameters depend on each other, or on the rule that is asked for: none, as the service checks them
 * all, so that all mistakes are listed at once.
 */
export const leftToTheService = () => (): true => true;
