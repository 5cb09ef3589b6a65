import type { Config } from "./options.ts";

/** The longest name that Kafka lets a topic have. */
export const topicLengthMax = 249;

/** Where the processes of a group tell each other how far they are: each group of a topic has its own. */
export const progressTopic = ({ kafkaTopic, kafkaGroup }: Pick<Config, "kafkaTopic" | "kafkaGroup">): string =>
  `${kafkaTopic}.${kafkaGroup}.progress`;
