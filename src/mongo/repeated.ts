import { MongoServerError } from "mongodb";

/** Something with that key is there already. The code alone says it; texts and other facts differ between servers. */
export const repeatedCode = 11000;

export const isRepeated = (error: unknown): boolean => error instanceof MongoServerError && error.code === repeatedCode;
