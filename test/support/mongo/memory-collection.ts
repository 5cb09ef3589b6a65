import { type Collection, type Document, MongoServerError } from "mongodb";

type Question = "insertOne" | "insertMany" | "find" | "findOne" | "deleteOne" | "deleteMany";
type Filter = Readonly<Record<string, unknown>>;

/** What each question goes through on its way to the server: it may wait, throw, or find nothing yet of what is there. */
export type Way = void | "finds nothing" | Promise<void>;

export interface MemoryCollection<T extends Document> {
  readonly documents: ReadonlyMap<string, T>;
  /** What one process asks it by. */
  asks(asked: (question: Question, argument?: Filter) => Way): Collection<T>;
}

/** As much of a collection as the rules ask for: unique `_id`s, and `$in`, `$gte` and `$lt` in filters. */
export function memoryCollection<T extends Document & { readonly _id: string }>(): MemoryCollection<T> {
  const documents = new Map<string, T>();
  const insert = (document: T): void => {
    if (documents.has(document._id)) throw new MongoServerError({ message: `E11000 ${document._id}`, code: 11000 });
    documents.set(document._id, structuredClone(document));
  };
  const found = (filter: Filter): T[] => [...documents.values()].filter((document) => fits(document, filter));
  return {
    documents,
    asks: (asked) => {
      const question =
        <A>(name: Question, run: (argument: A) => unknown) =>
        async (argument: A): Promise<unknown> => {
          return (await asked(name, argument as Filter)) === "finds nothing" ? null : run(argument);
        };
      const remove = (filter: Filter): void => found(filter).forEach(({ _id }) => documents.delete(_id));
      const collection = {
        insertOne: question("insertOne", insert),
        insertMany: question("insertMany", (some: readonly T[]) => some.forEach(insert)),
        findOne: question("findOne", (filter: Filter) => structuredClone(found(filter)[0] ?? null)),
        deleteOne: question("deleteOne", remove),
        deleteMany: question("deleteMany", remove),
        find: (filter: Filter) => {
          let [order, most] = [1, Infinity];
          const cursor = {
            sort: ({ _id }: { _id: number }) => ((order = _id), cursor),
            limit: (count: number) => ((most = count), cursor),
            toArray: async (): Promise<readonly T[]> => {
              await asked("find", filter);
              const sorted = found(filter).toSorted((a, b) => (a._id < b._id ? -order : order));
              return structuredClone(sorted.slice(0, most));
            },
          };
          return cursor;
        },
      };
      return collection as unknown as Collection<T>;
    },
  };
}

const fits = (document: Document, filter: Filter): boolean =>
  Object.entries(filter).every(([field, wanted]) => isWanted(document[field], wanted));

function isWanted(value: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null) return value === wanted;
  const {
    $in: some,
    $gte: from = "",
    $lt: end = "\uffff",
  } = wanted as { $in?: unknown[]; $gte?: string; $lt?: string };
  if (some !== undefined) return some.includes(value);
  return typeof value === "string" && value >= from && value < end;
}
